import { parseArgs } from "node:util";

export type Options = {
  /** Of the inputs, in bytes. */
  readonly size: number;
  /** Names of cases; empty for all. */
  readonly only: readonly string[];
  /** Names of peers; empty for all. */
  readonly peers: readonly string[];
  readonly runs: number;
  /** A file to write all figures to. */
  readonly json: string | undefined;
  /** The largest size of the series in 10⁹ bytes, if the series is to be run instead of the cases. */
  readonly scaleTo: number | undefined;
};

/** The command line is wrong; the message is for the person who typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const usage =
  "npm run bench -- [--size GB] [--only NAME …] [--peer NAME …] [--runs N] [--json FILE] [--scale [--scale-to GB]], " +
  "where --only and --peer may be repeated";

/** @throws UsageError */
export const readOptions = (args: readonly string[]): Options => {
  const { size, only, peer: peers, runs, json, scale, "scale-to": scaleTo } = parse(args);
  if (scaleTo !== undefined && !scale) throw new UsageError("--scale-to goes with --scale");
  if (!/^[1-9]\d*$/.test(runs)) throw new UsageError("--runs is a number of 1 or more");
  return {
    size: Math.round(gigabytes("--size", size) * 1e9),
    only,
    peers,
    runs: Number(runs),
    json,
    scaleTo: scale ? gigabytes("--scale-to", scaleTo ?? "2") : undefined,
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        size: { type: "string", default: "1" },
        only: { type: "string", multiple: true, default: [] },
        peer: { type: "string", multiple: true, default: [] },
        runs: { type: "string", default: "3" },
        json: { type: "string" },
        scale: { type: "boolean", default: false },
        "scale-to": { type: "string" },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${error.message}\n${usage}`);
  }
};

const gigabytes = (option: string, text: string): number => {
  const number = Number(text);
  if (number > 0 && number < Infinity) return number;
  throw new UsageError(`${option} is a positive number, of 10⁹ bytes`);
};
