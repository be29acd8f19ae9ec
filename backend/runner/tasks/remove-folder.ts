import type { Address } from "../../../shared/address.ts";
import type { Store } from "../../storage/store.ts";

/** Maximum number of objects removed per request. */
const batchSize = 1000;

/** Removes all objects below a folder, and the folder itself if the store has real folders. */
export const removeFolder = async (store: Store, folder: Address): Promise<void> => {
  let batch: Address[] = [];
  for await (const { address } of store.list(folder)) {
    batch.push(address);
    if (batch.length < batchSize) continue;
    await store.remove(batch);
    batch = [];
  }
  // Real folders can contain abandoned uploads. In S3, removing a folder is at best a wasted request: gateways to file systems
  // refuse it if the folder holds versions of removed objects.
  await store.remove(folder.scheme === "file" ? [...batch, folder] : batch);
};
