import { stripVTControlCharacters } from "node:util";

/** Log lines that indicate a defect of the product. */
const defects = [/could not be served/, /the alarm's work failed/, /unhandled/i, /TypeError|ReferenceError/];

const kept = 4000;

/** The latest output of the Worker, the agent and the runners. */
export class LogTail {
  /** Lines that must never be printed, whatever the faults. */
  readonly defects: string[] = [];
  #lines: string[] = [];

  add(text: string): void {
    const lines = stripVTControlCharacters(text)
      .split("\n")
      .filter((line) => line.trim() !== "");
    this.defects.push(...lines.filter((line) => defects.some((pattern) => pattern.test(line))));
    this.#lines = [...this.#lines, ...lines].slice(-kept);
  }

  /** The last lines that contain a text, or the last of all. */
  last(count: number, having = ""): string {
    return this.#lines
      .filter((line) => line.includes(having))
      .slice(-count)
      .join("\n");
  }
}
