import { once } from "node:events";
import { asLines, layOut, type Column } from "./show/table.ts";

/** What a command answers with goes to the standard output; what it says about its work, to the standard error. */

export type OutputOptions = { readonly json?: boolean | undefined };

/** Writes to the standard output, as fast as its reader takes it. */
export const write = async (data: string | Uint8Array): Promise<void> => {
  if (!process.stdout.write(data)) await once(process.stdout, "drain");
};

export const writeLine = async (text: string): Promise<void> => {
  await write(`${text}\n`);
};

export const writeJson = async (value: unknown): Promise<void> => {
  await writeLine(JSON.stringify(value, undefined, 2));
};

/** Answers with JSON where it was asked for, and else with a line. */
export const writeAnswer = async (value: unknown, line: string, { json }: OutputOptions): Promise<void> => {
  await (json === true ? writeJson(value) : writeLine(line));
};

/** Says something about the work, for whoever watches. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Columns of a terminal that does not say how many it has. */
const usualWidth = 80;

/** Writes a list: JSON where it was asked for, a table on a terminal, and lines for other programs. */
export const writeList = async <Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  { json = false }: OutputOptions,
): Promise<void> => {
  if (json) await writeJson(items);
  else if (process.stdout.isTTY) await writeLine(layOut(columns, items, process.stdout.columns || usualWidth));
  else if (items.length > 0) await writeLine(asLines(columns, items));
};
