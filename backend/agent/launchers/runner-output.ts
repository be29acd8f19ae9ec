import type { Readable } from "node:stream";

/** Longer lines are cut into pieces of this many characters. */
const maxLine = 4_096;
/** How many of a runner's last lines to keep. */
const tailLines = 20;
/** How many characters of those lines to keep. */
const maxTail = 8_192;

/** Passes on a runner's output line by line, and keeps the last lines. Memory is bounded, no matter what the runner writes. */
export class RunnerOutput {
  readonly #onLine: (line: string) => void;
  readonly #tail: string[] = [];

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** The last lines. */
  get tail(): string {
    return this.#tail.join("\n").slice(-maxTail);
  }

  /** Reads a stream to its end. */
  read(stream: Readable): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#line(line);
      while (rest.length > maxLine) {
        this.#line(rest.slice(0, maxLine));
        rest = rest.slice(maxLine);
      }
    });
    stream.on("end", () => {
      if (rest !== "") this.#line(rest);
    });
    stream.on("error", () => {}); // The stream ends with the runner.
  }

  #line(whole: string): void {
    for (let from = 0; from === 0 || from < whole.length; from += maxLine) {
      const line = whole.slice(from, from + maxLine);
      this.#onLine(line);
      this.#tail.push(line);
      if (this.#tail.length > tailLines) this.#tail.shift();
    }
  }
}
