import type { Address } from "../../../shared/address.ts";
import type { Store } from "../../storage/store.ts";

/** Objects removed by one request. */
const batchSize = 1000;

/** Removes all objects below a folder, and the folder where there is such a thing. */
export const removeFolder = async (store: Store, folder: Address): Promise<void> => {
  let batch: Address[] = [];
  for await (const { address } of store.list(folder)) {
    batch.push(address);
    if (batch.length < batchSize) continue;
    await store.remove(batch);
    batch = [];
  }
  // Where folders are real, abandoned uploads lie in them. In S3, removing one is at best a request for nothing: gateways to
  // file systems refuse it where the folder holds the versions of what was removed.
  await store.remove(folder.scheme === "file" ? [...batch, folder] : batch);
};
