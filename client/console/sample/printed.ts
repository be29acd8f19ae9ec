import { cut, longestPrinted, mostPrinted } from "./limits.ts";

const levels = ["debug", "dir", "error", "info", "log", "table", "trace", "warn"] as const;

/** What a module printed with `console`. It does not reach the browser's own console. */
export class Printed {
  /** The first lines. */
  readonly lines: string[] = [];
  /** The number of further lines. */
  more = 0;

  /** Replaces the functions of `console` that print. */
  attach(console: Console): void {
    for (const level of levels) console[level] = (...parts: unknown[]) => this.#add(parts);
  }

  #add(parts: readonly unknown[]): void {
    if (this.lines.length < mostPrinted) this.lines.push(cut(parts.map(show).join(" "), longestPrinted));
    else this.more++;
  }
}

const show = (part: unknown): string => {
  switch (typeof part) {
    case "string":
      return part;
    case "function":
      return `[Function: ${part.name}]`;
    case "object":
      return showObject(part);
    default:
      return String(part);
  }
};

const showObject = (part: object | null): string => {
  if (part instanceof Error) return `${part.name}: ${part.message}`;
  try {
    return JSON.stringify(part);
  } catch {
    return Object.prototype.toString.call(part);
  }
};
