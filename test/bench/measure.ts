import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BenchCase } from "./cases.ts";
import { succeeds } from "./command-runs.ts";
import { inputOnDisk, warm } from "./inputs.ts";
import { fileStorage } from "./job-storage.ts";
import { JobRuns } from "./job-runs.ts";
import { type Figures, largestPeak, type Measured, median, medianRequests } from "./measured.ts";
import { assertSame } from "./outputs.ts";
import type { Peer } from "./peers.ts";
import type { Requests } from "./remote-store/messages.ts";
import { remoteStorage } from "./remote-store/remote-storage.ts";
import { type Folders, type Side, sideOf, subjectOf } from "./sides.ts";

/** One run of each side of a case, in order. */
type Round = readonly { readonly side: string; readonly figures: Figures }[];

type SideResult = {
  /** `job` or `kernel` for the subject of the case, else the name of a peer. */
  readonly side: string;
  readonly medianSeconds: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  /**
   * The subject's time divided by this peer's: the median of the ratios of the rounds, since a machine that slows down slows all
   * of a round. Undefined for the subject.
   */
  readonly ratio?: number;
  /** 10⁶ bytes of input per second. */
  readonly megabytesPerSecond: number;
  /** Processor time, in user and kernel mode, per 10⁹ bytes of input: the median. */
  readonly processorSecondsPerGB: number;
  /** Of a runner, or of the kernel's process: the maximum over all runs. */
  readonly peakMiB?: number | undefined;
  /** To a remote store, by operation: the medians. Empty if there is no such store. */
  readonly requests: Requests;
};

export type CaseResult = {
  readonly case: string;
  /** Of the input. */
  readonly bytes: number;
  readonly rounds: readonly Round[];
  /** The subject first, then its peers. */
  readonly sides: readonly SideResult[];
  /** The peers that are not installed. */
  readonly skipped: readonly { readonly peer: string; readonly needs: string }[];
};

/**
 * Measures a case several times, and checks each time that all sides produce the same output.
 * @param size of the input, in bytes
 */
export const measureCase = async (
  bench: BenchCase,
  size: number,
  runs: number,
  folders: Folders,
): Promise<CaseResult> => {
  const { inputs, scratch } = folders;
  const input = await inputOnDisk(inputs, bench.input, size);
  await warm(input);
  const storage = bench.isRemote === true ? await remoteStorage(inputs, scratch) : fileStorage(inputs);
  let starting: Promise<JobRuns> | undefined;
  const jobs = (): Promise<JobRuns> => (starting ??= JobRuns.start(storage, join(scratch, `peaks-${bench.name}`)));
  try {
    const context = { ...folders, size, storage, jobs };
    const subject = subjectOf(bench, input, context);
    const skipped = await missing(bench.peers);
    const sides = [subject];
    for (const peer of bench.peers) {
      if (!skipped.some((each) => each.peer === peer.name)) sides.push(await sideOf(peer, input, context));
    }
    const rounds: Round[] = [];
    for (let run = 0; run < runs; run++) rounds.push(await measureRound(sides, run, bench.merge));
    const results = sides.map(({ name }) => resultOf(name, subject.name, rounds, input.bytes));
    return { case: bench.name, bytes: input.bytes, rounds, sides: results, skipped };
  } finally {
    const started = await starting?.catch(() => undefined);
    await started?.stop();
    await storage.stop();
  }
};

const missing = async (peers: readonly Peer[]): Promise<CaseResult["skipped"]> => {
  const found: { peer: string; needs: string }[] = [];
  for (const peer of peers) {
    if (peer.needs === undefined) continue;
    if (!(await succeeds(peer.needs))) found.push({ peer: peer.name, needs: peer.needs });
  }
  return found;
};

/** Brings to the disk what others have left to the system: a job waits for its own outputs, and would wait for theirs, too. */
const settleDisk = async (): Promise<void> => void (await promisify(execFile)("sync"));

/** @param run the number of the round: each starts with another side, because later ones find more in the page cache */
const measureRound = async (sides: readonly Side[], run: number, merge: BenchCase["merge"]): Promise<Round> => {
  const first = run % sides.length;
  const measured: (Measured & { readonly side: string })[] = [];
  for (const { name, run: measure } of [...sides.slice(first), ...sides.slice(0, first)]) {
    await settleDisk();
    measured.push({ side: name, ...(await measure()) });
  }
  assertSame(measured, merge);
  for (const { output } of measured) rmSync(output, { recursive: true });
  return measured.map(({ side, figures }) => ({ side, figures }));
};

const figuresOf = (side: string, rounds: readonly Round[]): Figures[] =>
  rounds.flatMap((round) => round.filter((each) => each.side === side).map(({ figures }) => figures));

/** @param subject the name of the case's subject */
const resultOf = (side: string, subject: string, rounds: readonly Round[], bytes: number): SideResult => {
  const runs = figuresOf(side, rounds);
  const seconds = runs.map((figures) => figures.seconds);
  const ratios = figuresOf(subject, rounds).map((figures, run) => figures.seconds / (seconds[run] ?? NaN));
  return {
    side,
    medianSeconds: median(seconds),
    minSeconds: Math.min(...seconds),
    maxSeconds: Math.max(...seconds),
    ...(side === subject ? {} : { ratio: median(ratios) }),
    megabytesPerSecond: bytes / 1e6 / median(seconds),
    processorSecondsPerGB: median(runs.map(({ processorSeconds }) => processorSeconds)) / (bytes / 1e9),
    peakMiB: largestPeak(runs),
    requests: medianRequests(runs),
  };
};
