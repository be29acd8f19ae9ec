import { createWriteStream, mkdtempSync } from "node:fs";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Job } from "../../../shared/api/jobs.ts";
import type { JobStorage } from "../job-storage.ts";
import { inputsBucket } from "./objects.ts";
import { RemoteStore } from "./remote-store.ts";

/** The store does not check them. */
const credentials = { username: "bench", password: "bench" };

/**
 * A store as in a cluster, for input, shuffle and output.
 * @param inputs the folder with the inputs: files that exist already
 * @param scratch the folder in which to create one for each job's output
 */
export const remoteStorage = async (inputs: string, scratch: string): Promise<JobStorage> => {
  const store = await RemoteStore.start(inputs);
  return {
    env: { SHUFFLE: "store" },
    fileRoots: [],
    addressOf: ({ path }) => `${store.endpoint}/${inputsBucket}/${basename(path)}`,
    fieldsFor: () => ({
      outputPath: `${store.endpoint}/outputs`,
      inputStorageCredentials: credentials,
      outputStorageCredentials: credentials,
    }),
    prepare: async () => {
      // Those of a peer.
      await store.takeRequests();
    },
    collect: async (_, job) => {
      const requests = await store.takeRequests();
      const output = mkdtempSync(join(scratch, "output-"));
      await download(job, output);
      store.clear();
      return { output, requests };
    },
    stop: () => store.stop(),
  };
};

const download = async ({ outputs }: Job, folder: string): Promise<void> => {
  for (const address of outputs) {
    const { status, body } = await fetch(address);
    if (status !== 200 || body === null) throw new Error(`GET ${address}: ${status}`);
    await pipeline(Readable.fromWeb(body), createWriteStream(join(folder, basename(address))));
  }
};
