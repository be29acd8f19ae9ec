import type { Store } from "../../storage/store.ts";
import type { Progress } from "../progress.ts";

/** Wraps a store so that each of its answers, including each listed object, counts as progress of the attempt. */
export const countedStore = (store: Store, progress: Progress): Store => {
  const counted = async <T>(answer: Promise<T>): Promise<T> => {
    const value = await answer;
    progress.tick();
    return value;
  };
  return {
    head: (at) => counted(store.head(at)),
    list: async function* (prefix) {
      for await (const info of store.list(prefix)) {
        progress.tick();
        yield info;
      }
    },
    read: (...parameters) => counted(store.read(...parameters)),
    open: (...parameters) => counted(store.open(...parameters)),
    put: (...parameters) => counted(store.put(...parameters)),
    remove: (all) => counted(store.remove(all)),
    createUpload: (...parameters) => counted(store.createUpload(...parameters)),
    uploadPart: (...parameters) => counted(store.uploadPart(...parameters)),
    openUpload: (...parameters) => counted(store.openUpload(...parameters)),
    completeUpload: (...parameters) => counted(store.completeUpload(...parameters)),
    abortUpload: (...parameters) => counted(store.abortUpload(...parameters)),
    abortUploads: (folder) => counted(store.abortUploads(folder)),
    ensureBucket: (at) => counted(store.ensureBucket(at)),
  };
};
