import { StringDecoder } from "node:string_decoder";
import type { AttemptLog } from "./attempt-log.ts";

/** How often new log content is printed, in ms. */
const intervalMs = 250;

/** An unfinished line longer than this many characters is printed at once; container runtimes split lines too. */
const longestLine = 16 * 1024;

/**
 * Prints the logs of attempts to the container's log, where log collectors find them. Each line starts with its attempt. Output
 * that arrives faster than it can be printed is left out.
 */
export class ContainerLog {
  readonly #log: AttemptLog;
  readonly #print: (text: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #position = 0;
  #decoder = new StringDecoder("utf8");
  /** The beginning of an unfinished line. */
  #begun = "";

  constructor(log: AttemptLog, print: (text: string) => void) {
    this.#log = log;
    this.#print = print;
  }

  begin(attempt: string): void {
    this.#position = 0;
    this.#decoder = new StringDecoder("utf8");
    this.#timer = setInterval(() => this.#printNew(attempt), intervalMs);
  }

  end(attempt: string): void {
    clearInterval(this.#timer);
    this.#printNew(attempt);
    if (this.#begun !== "") this.#print(`[${attempt}] ${this.#begun}\n`);
    this.#begun = "";
  }

  #printNew(attempt: string): void {
    const { bytes, next } = this.#log.readFrom(this.#position);
    this.#position = next;
    const lines = (this.#begun + this.#decoder.write(bytes)).split("\n");
    this.#begun = lines.pop() ?? "";
    if (this.#begun.length > longestLine) {
      lines.push(this.#begun);
      this.#begun = "";
    }
    if (lines.length > 0) this.#print(lines.map((line) => `[${attempt}] ${line}\n`).join(""));
  }
}
