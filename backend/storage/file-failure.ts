import { getSystemErrorMessage } from "node:util";
import { formatAddress, type FileAddress } from "../../shared/address.ts";
import { StorageError } from "./store.ts";

/** Whether `error` has one of the system's error codes `codes`. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);

/** Runs `work` on a file. Turns system errors into a `StorageError` that names the address. */
export const naming = async <T>(at: FileAddress, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw named(at, error);
  }
};

/** Converts one error as `naming` does. Returns any error that is not the system's unchanged. */
export const named = (at: FileAddress, error: unknown): unknown => {
  if (!(error instanceof Error) || !("code" in error) || !("errno" in error)) return error;
  const { code, errno } = error;
  if (typeof code !== "string" || typeof errno !== "number") return error;
  return new StorageError(code, `${formatAddress(at)}: ${getSystemErrorMessage(errno)} (${code})`, { cause: error });
};
