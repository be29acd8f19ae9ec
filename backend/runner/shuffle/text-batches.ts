import type { Aggregate } from "../../../shared/builtin-programs.ts";
import { aggregateNumber, type Kernel } from "../../kernel/kernel.ts";
import type { BlockSource } from "./blocks.ts";
import { recycleKernel, takeKernel } from "./kernels.ts";
import { headerLength } from "./segment.ts";
import { UnfitValueError } from "./unfit-value.ts";

/** Bytes of a batch. A batch is larger if a single record is longer. */
const batchLength = 64 * 1024;

/** The kernel wants its regions apart. */
const spacing = 16;

/** The most bytes that end a line whose key has been written: a tab, a number of 64 bits and a newline. */
const longestEnding = 22;

/** The records and keys converted to text so far. */
type TextCounts = { records: number; groups: number };

type TextForm = {
  /** Whether there is a tab even before an empty value. */
  readonly tabs: boolean;
  /** What becomes of the values of each key, which are what the same aggregate has come to in maps. */
  readonly aggregate?: Aggregate | undefined;
};

/** The text that executables read. */
export const forExecutables: TextForm = { tabs: true };

/**
 * Converts sorted records to lines `key TAB value`, in batches. Each batch is valid until the next one is requested.
 * @param kept bytes of memory that kernels may keep for the next task
 * @param counts is updated with the number of records and distinct keys
 * @throws UnfitValueError for a number beyond 64 bits
 */
export async function* textBatches(
  sorted: BlockSource,
  form: TextForm,
  kept: number,
  counts: TextCounts = { records: 0, groups: 0 },
): AsyncGenerator<Buffer, void, void> {
  const kernel = takeKernel("little");
  const { calls, firstFree: at } = kernel;
  calls.resetLines(aggregateNumber(form.aggregate), form.tabs ? 1 : 0);
  for (let block = sorted(); block !== undefined; block = sorted()) {
    const length = block.bytes.length - headerLength;
    const batch = at + length + spacing;
    let batchEnd = batch + batchLength;
    kernel.reserve(batchEnd);
    block.bytes.copy(kernel.bytes, at, headerLength);
    calls.startLines(at, at + length);
    for (;;) {
      const end = calls.writeLines(batch, batchEnd);
      checkLines(kernel, form);
      if (end > batch) {
        yield kernel.bytes.subarray(batch, end);
      } else {
        const missing = calls.missingLineBytes();
        if (missing === 0) break;
        batchEnd = batch + missing;
        kernel.reserve(batchEnd);
      }
    }
    counts.records += block.records;
    counts.groups += calls.lineGroups();
  }
  kernel.reserve(at + longestEnding);
  const end = calls.endLines(at);
  if (end > at) yield kernel.bytes.subarray(at, end);
  recycleKernel(kernel, kept);
}

const checkLines = ({ calls, bytes }: Kernel, { aggregate }: TextForm): void => {
  const failure = calls.failure();
  if (failure === 0 || aggregate === undefined) return;
  const [key, value] = [calls.lineKey(), calls.lineValue()];
  throw new UnfitValueError(
    aggregate,
    failure,
    bytes.subarray(key, key + calls.lineKeyLength()),
    bytes.subarray(value, value + calls.lineValueLength()),
  );
};
