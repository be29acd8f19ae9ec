import {
  formatAddress,
  formatInput,
  isFolder,
  keyOf,
  withKey,
  type Address,
  type InputAddress,
} from "../../shared/address.ts";
import { Glob } from "./glob.ts";
import { StorageError, type ObjectInfo, type Store } from "./store.ts";

/**
 * Lists the objects that an input names, in the byte order of their keys:
 *
 * - the object with exactly this key, if there is one, even if the key looks like a pattern;
 * - for an input that ends in `/` (or a bucket alone), all objects below it, except hidden ones: those with a component after
 *   the prefix that begins with `_` or `.`;
 * - for a pattern (see `glob.ts`), the objects that match it; if it ends in `/`, all objects below the matching folders.
 *
 * Empty objects whose keys end in `/`, which consoles use to represent folders, are not input.
 *
 * @throws StorageError `NoSuchKey` for an object that does not exist, `NoInput` if nothing is below the prefix or matches
 */
export const listInputs = async function* (store: Store, input: InputAddress): AsyncGenerator<ObjectInfo> {
  const { address, written } = input;
  const isPattern = Glob.parse(written) !== undefined;
  if (!isFolder(address)) {
    const info = await store.head(address);
    if (info !== undefined) {
      yield info;
      return;
    }
    if (!isPattern) throw await missing(store, address);
  }
  const glob = isPattern ? Glob.parse(isFolder(address) ? `${written}**` : written) : undefined;
  const listings = [
    ...(isFolder(address) ? [below(store, address)] : []),
    ...(glob === undefined ? [] : [matching(store, address, glob)]),
  ];
  for (const listing of listings) {
    let isEmpty = true;
    for await (const info of listing) {
      isEmpty = false;
      yield info;
    }
    if (!isEmpty) return;
  }
  const what = isPattern ? "nothing matches this pattern" : "there are no objects below this prefix";
  throw new StorageError("NoInput", `${formatInput(input)}: ${what} (hidden ones, with _ or . first, do not count)`);
};

const isMarker = ({ address, size }: ObjectInfo): boolean => size === 0 && keyOf(address).endsWith("/");

const below = async function* (store: Store, folder: Address): AsyncGenerator<ObjectInfo> {
  const { length } = keyOf(folder);
  for await (const info of store.list(folder)) {
    const isHidden = /(^|\/)[._]/.test(keyOf(info.address).slice(length));
    if (!isHidden && !isMarker(info)) yield info;
  }
};

const matching = async function* (store: Store, address: Address, glob: Glob): AsyncGenerator<ObjectInfo> {
  for await (const info of store.list(withKey(address, glob.prefix))) {
    if (glob.matches(keyOf(info.address)) && !isMarker(info)) yield info;
  }
};

const missing = async (store: Store, address: Address): Promise<StorageError> => {
  const folder = withKey(address, `${keyOf(address)}/`);
  let hint = "";
  // an error from listing would hide the actual problem
  const listing = store.list(folder)[Symbol.asyncIterator]();
  const first = await listing.next().catch(() => undefined);
  if (first?.done === false) hint = `; for all objects below it, write ${formatAddress(folder)}`;
  return new StorageError("NoSuchKey", `${formatAddress(address)}: there is no such object${hint} (NoSuchKey)`);
};
