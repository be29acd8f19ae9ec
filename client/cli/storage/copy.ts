import { basename } from "node:path";
import { formatAddress, isFolder, joinAddress, keyOf, withKey, type Address } from "../../../shared/address.ts";
import { ObjectWriter } from "../../../backend/storage/upload.ts";
import { CommandError, exitCodes } from "../failure.ts";
import type { Place } from "./stores.ts";

/** Objects and folders, copied between stores, of which this machine's disk is one. */

/** One object that is copied. */
export type Copied = { readonly from: string; readonly to: string; readonly bytes: number };

const copyObject = async (from: Place, to: Place): Promise<Copied> => {
  const writer = new ObjectWriter(to.store, to.at, { attempt: "copy", onCreated: async () => undefined });
  try {
    for await (const chunk of await from.store.read(from.at)) await writer.write(chunk);
    const bytes = await writer.finishObject();
    return { from: formatAddress(from.at), to: formatAddress(to.at), bytes };
  } catch (error) {
    await writer.abort().catch(() => undefined);
    throw error;
  }
};

const folderOf = (at: Address): Address => (isFolder(at) ? at : withKey(at, `${keyOf(at)}/`));

/**
 * Copies an object, or all objects below a folder.
 * @throws CommandError where there is nothing to copy
 */
export const copy = async function* (from: Place, to: Place): AsyncGenerator<Copied> {
  const object = isFolder(from.at) ? undefined : await from.store.head(from.at);
  if (object !== undefined) {
    const at = isFolder(to.at) ? joinAddress(to.at, basename(keyOf(from.at))) : to.at;
    yield await copyObject(from, { store: to.store, at });
    return;
  }
  const folder = folderOf(from.at);
  let count = 0;
  for await (const { address } of from.store.list(folder)) {
    const below = keyOf(address).slice(keyOf(folder).length);
    // What consoles draw folders with.
    if (below === "" || below.endsWith("/")) continue;
    count++;
    yield await copyObject(
      { store: from.store, at: address },
      { store: to.store, at: joinAddress(folderOf(to.at), below) },
    );
  }
  if (count === 0) throw new CommandError(`There is no ${formatAddress(from.at)}.`, exitCodes.unknown);
};
