import { setTimeout as sleep } from "node:timers/promises";
import { sendSignal } from "../../backend/process-groups.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { runnerOf } from "../helpers/processes.ts";
import type { Figure } from "./figure.ts";

/** The name of this case on the command line. */
export const straggler = "straggler";

const maps = 30;
const runners = 3;
/** The duration of each map, in s; it does nothing else. */
const mapSeconds = 2;

/** A map that takes its time. Each line is its own map. */
const line = "0123456789abcde\n";
const mapper = `#!/bin/sh\nsleep ${mapSeconds}\ncat\n`;

/**
 * Maps of two seconds each on three runners, undisturbed, and with one of the runners stopped by SIGSTOP in the last wave: what
 * a hanging machine costs a job while its lease is far from over.
 */
export const measureStraggler = async (show: (figures: readonly Figure[]) => void): Promise<Figure[]> => {
  const edgefold = await Edgefold.start({ env: { RUNNERS: String(runners), LEASE_SECONDS: "120" } });
  try {
    await edgefold.put("data/lines", line.repeat(maps));
    await edgefold.upload("slow.sh", mapper);
    const undisturbed = await run(edgefold, async () => undefined);
    const stopped = await run(edgefold, async (jobId) => await stopOne(edgefold, jobId));
    const figures = [
      { what: `${maps} maps of ${mapSeconds} s on ${runners} runners`, value: undisturbed, unit: "s" },
      { what: "the same, one runner stopped in the last wave", value: stopped, unit: "s" },
      { what: "longer by", value: stopped - undisturbed, unit: "s", goal: 4 },
    ];
    show(figures);
    return figures;
  } finally {
    await edgefold.stop();
  }
};

/** @returns the duration of a job, in s */
const run = async (
  edgefold: Edgefold,
  disturb: (jobId: string) => Promise<(() => void) | undefined>,
): Promise<number> => {
  const { id } = await edgefold.post({
    inputPath: `${edgefold.s3Endpoint}/data/lines`,
    mapperName: "slow.sh",
    nReducers: 0,
    splitSize: line.length,
  });
  const goOn = await disturb(id);
  const { startTime, endTime } = await edgefold.completed(id);
  goOn?.();
  return ((endTime ?? NaN) - startTime) / 1000;
};

/** Stops one of the runners once each of them has started its last map. @returns a function that resumes it */
const stopOne = async (edgefold: Edgefold, jobId: string): Promise<() => void> => {
  await edgefold.waitFor(
    jobId,
    ({ progress }) => progress.maps.completed >= maps - runners && progress.maps.running === runners,
  );
  await sleep((mapSeconds * 1000) / 4);
  const pid = await runnerOf(edgefold, jobId, `${jobId}-m-${maps - 1}`);
  sendSignal(pid, "SIGSTOP");
  return () => sendSignal(pid, "SIGCONT");
};
