import { stripVTControlCharacters } from "node:util";

/** Lines by which the product itself says that it has a defect. */
const defects = [/could not be served/, /the alarm's work failed/, /unhandled/i, /TypeError|ReferenceError/];

const kept = 4000;

/** What the Worker, the agent and the runners have printed last. */
export class LogTail {
  /** Lines that should never be printed, whatever befalls the product. */
  readonly defects: string[] = [];
  #lines: string[] = [];

  add(text: string): void {
    const lines = stripVTControlCharacters(text)
      .split("\n")
      .filter((line) => line.trim() !== "");
    this.defects.push(...lines.filter((line) => defects.some((pattern) => pattern.test(line))));
    this.#lines = [...this.#lines, ...lines].slice(-kept);
  }

  /** The last lines in which a text stands, or the last of all. */
  last(count: number, having = ""): string {
    return this.#lines
      .filter((line) => line.includes(having))
      .slice(-count)
      .join("\n");
  }
}
