import { resolve } from "node:path";
import { AddressError, parseAddress, type Address } from "../../../shared/address.ts";
import { openStore } from "../../../backend/storage/open.ts";
import { StorageError, type Store } from "../../../backend/storage/store.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { write } from "../output.ts";
import { credentialsFor, ownEndpoint } from "../request/credentials.ts";
import { isAddress } from "../request/places.ts";
import type { Server } from "../server/server.ts";

/** Stores as this machine reaches them, with this user's credentials. */

export type Place = { readonly store: Store; readonly at: Address };

/** The object or folder that an address, or a path of this machine, names. @throws CommandError if it cannot be one */
export const openPlace = async (text: string, server?: Server): Promise<Place> => {
  const address = isAddress(text) ? text : undefined;
  let at: Address;
  try {
    const slash = text.endsWith("/") ? "/" : "";
    at = address === undefined ? { scheme: "file", path: resolve(text) + slash } : parseAddress(address, false);
  } catch (error) {
    if (error instanceof AddressError) throw new CommandError(`${text} ${error.message}.`, exitCodes.usage);
    throw error;
  }
  const credentials = at.scheme === "file" ? undefined : await credentialsFor(text, server);
  return { store: openStore({ credentials, s3Endpoint: ownEndpoint(server), fileRoots: ["/"] }), at };
};

/** Runs what uses stores. @throws CommandError for what a store refuses */
export const withStores = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const isUnknown = error.status === 404 || /^(NoSuch|ENOENT)/.test(error.code);
    throw new CommandError(`${error.message} (${error.code})`, isUnknown ? exitCodes.unknown : exitCodes.failed, [], {
      cause: error,
    });
  }
};

type Texts = AsyncIterable<string> | Iterable<string>;

/** Reads objects, one after the other. A chunk is valid until the next one is requested. */
export const readObjects = async function* (texts: Texts, server?: Server): AsyncGenerator<Uint8Array> {
  for await (const text of texts) {
    const { store, at } = await openPlace(text, server);
    yield* await store.read(at);
  }
};

/** Copies objects to the standard output, one after the other. */
export const printObjects = async (texts: Texts, server?: Server): Promise<void> => {
  await withStores(async () => {
    for await (const chunk of readObjects(texts, server)) await write(chunk);
  });
};
