import type { JobStatus, JournalEvent, TaskDetail } from "../../sdk/index.ts";
import { showCount, showDuration } from "../../show/quantity.ts";
import { style, styleStatus } from "./style.ts";
import { oneLine } from "./text.ts";

/** How far a job is, as its events tell it. */

type Counts = { readonly total: number; readonly running: number; readonly completed: number; readonly failed: number };

const none: Counts = { total: 0, running: 0, completed: 0, failed: 0 };

export type Progress = {
  readonly status: JobStatus;
  /** When the status began, in ms since 1970. */
  readonly since: number;
  readonly maps: Counts;
  readonly reduces: Counts;
};

export const beginning = (status: JobStatus, now: number): Progress => ({
  status,
  since: now,
  maps: none,
  reduces: none,
});

export const advance = (progress: Progress, event: JournalEvent): Progress => {
  switch (event.kind) {
    case "job":
      return { ...progress, status: event.status, since: event.time };
    case "progress":
      return { ...progress, maps: event.maps, reduces: event.reduces };
    default:
      return progress;
  }
};

const barWidth = 24;

const paint = (format: Parameters<typeof style>[0], text: string): string => style(format, text, process.stderr);

const bar = ({ total, completed, failed }: Counts): string => {
  const cells = (count: number): number => (total === 0 ? 0 : Math.floor((count / total) * barWidth));
  const [done, broken] = [cells(completed), failed === 0 ? 0 : Math.max(1, cells(failed))];
  const rest = Math.max(0, barWidth - done - broken);
  return paint("green", "█".repeat(done)) + paint("red", "█".repeat(broken)) + paint("gray", "░".repeat(rest));
};

/** A phase's line: how much is done, how fast, and how long the rest takes at that rate. */
const phaseLine = (name: string, counts: Counts, isCurrent: boolean, { since }: Progress, now: number): string => {
  const { total, completed, failed, running } = counts;
  const percent = total === 0 ? 0 : Math.floor((completed / total) * 100);
  const parts = [`${showCount(completed)}/${showCount(total)}`.padStart(9), `${percent}%`.padStart(4)];
  const seconds = (now - since) / 1000;
  if (isCurrent) {
    parts.push(`${running} running`);
    if (completed > 0 && seconds >= 1) {
      const rate = completed / seconds;
      parts.push(`${rate.toFixed(1)}/s`);
      if (completed < total) parts.push(`${showDuration(((total - completed) / rate) * 1000)} left`);
    }
  }
  if (failed > 0) parts.push(style("red", `${failed} failed`, process.stderr));
  return `${name.padEnd(8)} ${bar(counts)} ${parts.join("  ")}`;
};

/** The task of a phase that has run longest. */
export type Slowest = Pick<TaskDetail, "podName" | "startTime" | "message"> & { readonly name: string };

/** What a terminal shows of a job under way: a line for its status, one a phase, and the slowest task. */
export const progressLines = (progress: Progress, slowest: Slowest | undefined, now: number): string[] => {
  const { status, since, maps, reduces } = progress;
  const lines = [`${styleStatus(status, status, process.stderr)} ${showDuration(now - since)}`];
  if (maps.total > 0) lines.push(phaseLine("maps", maps, status === "mapping", progress, now));
  if (reduces.total > 0) lines.push(phaseLine("reduces", reduces, status === "reducing", progress, now));
  if (slowest !== undefined) {
    const { name, podName, startTime, message } = slowest;
    const said = message === "" ? "" : `: ${oneLine(message)}`;
    lines.push(
      style("gray", `slowest  ${name}, ${showDuration(now - startTime)} on ${podName}${said}`, process.stderr),
    );
  }
  return lines;
};

/** The same in one line, for what is no terminal. */
export const progressText = ({ status, maps, reduces }: Progress): string => {
  if (status === "mapping") return `mapping: ${maps.completed} of ${maps.total} maps`;
  if (status === "reducing") return `reducing: ${reduces.completed} of ${reduces.total} reduces`;
  return status;
};
