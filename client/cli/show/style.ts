import { styleText } from "node:util";

/** Colours on a terminal. Elsewhere, and where `NO_COLOR` is set, text stays as it is. */

type Format = Parameters<typeof styleText>[0];
type Stream = NodeJS.WritableStream;

export const style = (format: Format, text: string, stream: Stream = process.stdout): string =>
  styleText(format, text, { stream });

/** How the words for where a job, a task or an attempt stands look. */
const formats: Readonly<Record<string, Format>> = {
  completed: "green",
  won: "green",
  failed: "red",
  lost: "yellow",
  stopped: "yellow",
  superseded: "gray",
  scheduled: "gray",
};

export const styleStatus = (status: string, text = status, stream: Stream = process.stdout): string =>
  style(formats[status] ?? "cyan", text, stream);
