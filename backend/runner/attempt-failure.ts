import { AddressError } from "../../shared/address.ts";
import type { AttemptError } from "../../shared/messages.ts";
import { StorageError } from "../storage/store.ts";
import { ProgramError } from "./programs/program.ts";

/** Longest message that is reported, in UTF-16 units. */
const longestMessage = 16_384;

/** Codes with which a store says no for good: asking again gets the same answer. */
const finalCodes: ReadonlySet<string> = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "AuthorizationHeaderMalformed",
  "CorruptInput",
  "CredentialsUnavailable",
  "ENOTFOUND",
  "EndpointRefused",
  "EntityTooLarge",
  "Forbidden",
  "InvalidAccessKeyId",
  "InvalidBucketName",
  "InvalidKey",
  "NoInput",
  "NoSuchBucket",
  "NoSuchKey",
  "ObjectChanged",
  "OutsideRoots",
  "PermanentRedirect",
  "SignatureDoesNotMatch",
  "Unauthorized",
  "ValidationError",
  "WindowTooLarge",
]);

/** How a failed attempt is reported: in the words of the store or the program, and whether trying again can help. */
export const attemptError = (error: unknown): AttemptError => {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, longestMessage);
  if (error instanceof StorageError) return { code: error.code, message, final: finalCodes.has(error.code) };
  if (error instanceof ProgramError) return { code: "ProgramFailed", message, final: false };
  if (error instanceof AddressError) return { code: "InvalidAddress", message, final: true };
  return { code: "AttemptFailed", message, final: false };
};
