import stringWidth from "string-width";
import { oneLine } from "./text.ts";
import { style } from "./style.ts";

export type Column<Item> = {
  readonly title: string;
  readonly value: (item: Item) => string;
  /** How it looks on a terminal. */
  readonly paint?: (item: Item, text: string) => string;
};

const gap = "  ";

/** Cuts a text to so many columns. */
const cut = (text: string, width: number): string => {
  if (stringWidth(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (stringWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
};

/**
 * Lays out a table for a terminal: a header, then aligned rows, of which the last column is cut to the terminal's width.
 * @param width columns of the terminal
 */
export const layOut = <Item>(columns: readonly Column<Item>[], items: readonly Item[], width: number): string => {
  const rows = items.map((item) => columns.map(({ value }) => oneLine(value(item))));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map((row) => stringWidth(row[at] ?? ""))),
  );
  const line = (cells: readonly string[], paint: (at: number, text: string) => string): string => {
    let left = width;
    return cells
      .map((cell, at) => {
        const isLast = at === cells.length - 1;
        const room = Math.max(8, left);
        const text = isLast ? cut(cell, room) : cell;
        const wide = widths[at] ?? 0;
        left -= wide + gap.length;
        const padding = isLast ? "" : " ".repeat(Math.max(0, wide - stringWidth(text)));
        return paint(at, text) + padding;
      })
      .join(gap)
      .trimEnd();
  };
  const header = line(
    columns.map(({ title }) => title),
    (_, text) => style("bold", text),
  );
  const body = items.map((item, index) =>
    line(rows[index] ?? [], (at, text) => columns[at]?.paint?.(item, text) ?? text),
  );
  return [header, ...body].join("\n");
};

/** Rows of cells with a tab between them and without a header, for other programs. */
export const asLines = <Item>(columns: readonly Column<Item>[], items: readonly Item[]): string =>
  items.map((item) => columns.map(({ value }) => oneLine(value(item))).join("\t")).join("\n");
