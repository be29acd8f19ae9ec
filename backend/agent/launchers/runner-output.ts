import type { Readable } from "node:stream";

/** Longer lines are cut into pieces of this many characters. */
const maxLine = 4_096;
/** Of a runner's last words so many lines are kept. */
const tailLines = 20;
/** And of these so many characters. */
const maxTail = 8_192;

/** Hands on what a runner writes line by line, and keeps the last lines. Memory is bounded, whatever the runner writes. */
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
    stream.on("error", () => {}); // It ends with the runner.
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
