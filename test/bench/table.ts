import type { Figure } from "./figure.ts";
import type { CaseResult } from "./measure.ts";
import { medianSeconds } from "./measured.ts";
import type { ScaleResult } from "./scale.ts";

const digits = (number: number | undefined, places: number): string => number?.toFixed(places) ?? "–";

const megabytes = (bytes: number): string => digits(bytes / 1e6, bytes < 1e6 ? 3 : 0);

/** The column headings and a row for each side of each case. */
const caseTable = (results: readonly CaseResult[]): string =>
  aligned(2, [
    ["case", "side", "MB", "s", "min", "max", "ratio", "MB/s", "CPU s/GB", "peak MiB"],
    ...results.flatMap(({ case: name, bytes, sides }) =>
      sides.map((result) => [
        name,
        result.side,
        megabytes(bytes),
        digits(result.medianSeconds, 2),
        digits(result.minSeconds, 2),
        digits(result.maxSeconds, 2),
        digits(result.ratio, 2),
        digits(bytes < 1e6 ? undefined : result.megabytesPerSecond, 1),
        digits(bytes < 1e6 ? undefined : result.processorSecondsPerGB, 1),
        digits(result.peakMiB, 0),
      ]),
    ),
  ]);

/** The column headings and a row for each operation on a remote store; empty if there was none. */
const requestTable = (results: readonly CaseResult[]): string => {
  const rows = results.flatMap(({ case: name, sides }) =>
    sides.flatMap(({ requests }) =>
      Object.entries(requests)
        .sort(([, a], [, b]) => b - a)
        .map(([operation, number]) => [name, operation, digits(number, 0)]),
    ),
  );
  return rows.length === 0 ? "" : aligned(2, [["case", "operation", "requests"], ...rows]);
};

/** All figures of cases, as tables. */
export const caseTables = (results: readonly CaseResult[]): string =>
  [caseTable(results), requestTable(results)].filter((table) => table !== "").join("\n");

/** A line for each peer that was skipped. */
export const skippedPeers = ({ case: name, skipped }: CaseResult): string[] =>
  skipped.map(({ peer, needs }) => `${name}: ${peer} is skipped, since this fails: ${needs}`);

/** The column headings and a row for each size. */
export const scaleTable = (results: readonly ScaleResult[]): string =>
  aligned(1, [
    ["case", "MB", "job s", "s/GB", "ratio", "peak MiB"],
    ...results.map((result) => [
      result.case,
      megabytes(result.bytes),
      digits(medianSeconds(result.runs), 2),
      digits(result.secondsPerGB, 1),
      digits(result.ratio, 2),
      digits(result.peakMiB, 0),
    ]),
  ]);

/** The column headings and a row for each figure of the control plane; figures over their goal are marked. */
export const figureTable = (figures: readonly Figure[]): string =>
  aligned(1, [
    ["", "value", "unit", "goal", ""],
    ...figures.map(({ what, value, unit, goal }) => [
      what,
      digits(value, value < 100 ? 2 : 0),
      unit,
      goal === undefined ? "" : `≤ ${goal}`,
      goal !== undefined && !(value <= goal) ? "missed" : "",
    ]),
  ]);

/** Aligns the first `texts` columns left, and the others, which are numbers, right. */
const aligned = (texts: number, rows: readonly (readonly string[])[]): string => {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const cell = (text: string, column: number): string =>
    column < texts ? text.padEnd(width(column)) : text.padStart(width(column));
  return rows.map((row) => row.map(cell).join("  ")).join("\n");
};
