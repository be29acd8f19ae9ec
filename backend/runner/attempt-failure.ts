import { AddressError } from "../../shared/address.ts";
import type { AttemptError } from "../../shared/protocol/tasks.ts";
import { isFinal } from "../storage/failure-class.ts";
import { StorageError } from "../storage/store.ts";
import { ArchiveError } from "./archives/archive-error.ts";
import { OutOfMemoryError } from "./memory-kills.ts";
import { ProgramError } from "./programs/program.ts";

/** Maximum length of a reported message, in UTF-16 units. */
const longestMessage = 16_384;

/** Converts an error to its report: the message of the store or program, and whether the failure is final. */
export const attemptError = (error: unknown): AttemptError => {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, longestMessage);
  if (error instanceof StorageError) return { code: error.code, message, final: isFinal(error) };
  if (error instanceof OutOfMemoryError) return { code: "OOMKilled", message, final: false };
  if (error instanceof ProgramError) return { code: "ProgramFailed", message, final: error.isFinal };
  if (error instanceof ArchiveError) return { code: "ArchiveRefused", message, final: true };
  if (error instanceof AddressError) return { code: "InvalidAddress", message, final: true };
  return { code: "AttemptFailed", message, final: false };
};
