import { AddressError } from "../../shared/address.ts";
import type { AttemptError } from "../../shared/protocol/tasks.ts";
import { isFinal } from "../storage/failure-class.ts";
import { StorageError } from "../storage/store.ts";
import { ArchiveError } from "./archives/archive-error.ts";
import { OutOfMemoryError } from "./memory-kills.ts";
import { ProgramError } from "./programs/program.ts";

/** Longest message that is reported, in UTF-16 units. */
const longestMessage = 16_384;

/** How a failed attempt is reported: in the words of the store or the program, and whether trying again can help. */
export const attemptError = (error: unknown): AttemptError => {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, longestMessage);
  if (error instanceof StorageError) return { code: error.code, message, final: isFinal(error) };
  if (error instanceof OutOfMemoryError) return { code: "OOMKilled", message, final: false };
  if (error instanceof ProgramError) return { code: "ProgramFailed", message, final: error.isFinal };
  if (error instanceof ArchiveError) return { code: "ArchiveRefused", message, final: true };
  if (error instanceof AddressError) return { code: "InvalidAddress", message, final: true };
  return { code: "AttemptFailed", message, final: false };
};
