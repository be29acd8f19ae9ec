import type { Aggregate } from "../../../shared/builtin-programs.ts";

/** Most bytes of a key or value in a message. */
const mostShown = 200;

/** What the kernel's `failure` says of a number that is too large; otherwise it was none. */
const tooLarge = 2;

const show = (bytes: Uint8Array): string =>
  JSON.stringify(Buffer.from(bytes.subarray(0, mostShown)).toString("utf8")) + (bytes.length > mostShown ? "…" : "");

/** A value that an aggregate cannot take. The message is a sentence that starts with a small letter. */
export class UnfitValueError extends Error {
  override readonly name = "UnfitValueError";

  /** @param failure the kernel's `failure` */
  constructor(aggregate: Aggregate, failure: number, key: Uint8Array, value: Uint8Array) {
    super(
      failure === tooLarge
        ? `the ${aggregate} of the key ${show(key)} is beyond 64 bits at the value ${show(value)}`
        : `the key ${show(key)} has the value ${show(value)}, of which there is no ${aggregate}: it must be an integer of 64 bits`,
    );
  }
}
