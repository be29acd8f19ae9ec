import { createHash } from "node:crypto";
import { expectedParts, lineOf, pairOf, recordsOf, sortedPairs } from "../../e2e/property-reference.ts";
import type { JobPlan } from "./plan.ts";

/** The compared properties of an output. */
export type Digest = { readonly records: number; readonly sha256: string };

const digestOf = (part: Uint8Array): Digest => {
  let records = 0;
  for (const byte of part) if (byte === 10) records += 1;
  return { records, sha256: createHash("sha256").update(part).digest("hex") };
};

/** The expected output of a plan, computed in the simplest way, without any code of the product. */
export const expectedDigests = (plan: JobPlan, parts: readonly Uint8Array[]): Digest[] => {
  const contents = plan.objects.map(({ content }) => content);
  if (plan.kind === "map-only") return [digestOf(Buffer.from(inOrder(contents, plan.writer), "latin1"))];
  const records = plan.kind === "sum" ? [sums(contents)] : contents;
  return expectedParts(records, parts, plan.writer).map((part) => digestOf(Buffer.from(part, "latin1")));
};

/**
 * The digests that represent an output: one for each part, or one for all parts together for a map-only job, whose parts follow
 * the splits.
 */
export const outputDigests = (plan: JobPlan, parts: readonly Uint8Array[]): Digest[] =>
  (plan.kind === "map-only" ? [Buffer.concat(parts)] : parts).map(digestOf);

/** A map-only job writes its program's output: an executable the line itself, a module its pair. */
const inOrder = (contents: readonly Uint8Array[], writer: JobPlan["writer"]): string =>
  contents
    .flatMap((content) => recordsOf(content))
    .map((record) => (writer === "module" ? lineOf(pairOf(record), writer) : `${record}\n`))
    .join("");

/** The totals of all keys, as lines. */
const sums = (contents: readonly Uint8Array[]): Buffer => {
  const totals = new Map<string, number>();
  for (const { key, value } of sortedPairs(contents)) {
    totals.set(key, (totals.get(key) ?? 0) + Number.parseInt(value, 10));
  }
  return Buffer.from([...totals].map(([key, total]) => `${key}\t${total}\n`).join(""), "latin1");
};
