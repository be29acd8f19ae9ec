const newline = 0x0a;
const prefix = Buffer.from("reporter:");
const prefixAfterLine = Buffer.from("\nreporter:");
const nothing = Buffer.alloc(0);

/** How much of the end of a program's stderr is kept for messages, in bytes and in lines. Longer reports are invalid. */
const tailBytes = 8 * 1024;
const tailLines = 20;

/** Handles what a program reports through stderr. */
type ReportHandler = {
  counter(group: string, name: string, amount: number): void;
  status(text: string): void;
  /** Receives a line that starts like a report but is not valid. The log and the tail contain it too. */
  malformed(line: string): void;
  /** Receives everything that is not a report. The bytes are valid during the call. */
  log(bytes: Buffer): void;
};

/**
 * Reads a program's stderr. Lines `reporter:counter:<group>,<counter>,<amount>` and `reporter:status:<message>` go to the handler
 * (Hadoop Streaming's protocol). Everything else goes to the log, and its end is kept for messages. Lines that do not start with
 * `reporter:` are not examined one by one.
 */
export class StderrReader {
  readonly #handler: ReportHandler;
  /** An unfinished line that is a report or can become one. */
  #begun = nothing;
  /** What was not a report, up to `#tailEnd`. Only the last `tailBytes` of it count. */
  readonly #tail = Buffer.allocUnsafeSlow(4 * tailBytes);
  #tailEnd = 0;
  #isAtLineStart = true;

  constructor(handler: ReportHandler) {
    this.#handler = handler;
  }

  /** Processes the next bytes of stderr, which are valid during the call. @throws what the handler throws */
  push(chunk: Buffer): void {
    const bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    this.#begun = nothing;
    let start = 0;
    for (let report = this.#nextReport(bytes, start); report < bytes.length; report = this.#nextReport(bytes, start)) {
      this.#keep(bytes.subarray(start, report));
      const end = bytes.indexOf(newline, report);
      if (end === -1 && bytes.length - report <= tailBytes) {
        this.#begun = Buffer.from(bytes.subarray(report));
        return;
      }
      start = end === -1 ? bytes.length : end + 1;
      this.#take(bytes.subarray(report, start));
    }
    this.#keep(bytes.subarray(start));
  }

  /** Processes the end of stderr. An unfinished line that could have become a report is not one. */
  end(): void {
    if (this.#begun.length > 0) this.#handler.log(this.#begun);
  }

  /** Returns the last lines that were not reports, without surrounding white space. */
  tail(): string {
    const kept = this.#tail.subarray(0, this.#tailEnd);
    const text = Buffer.concat([kept, this.#begun]).subarray(-tailBytes).toString("utf8").trim();
    return text.split("\n").slice(-tailLines).join("\n");
  }

  /** Returns where the next line starts that is a report, or is unfinished and can become one; otherwise the end of the bytes. */
  #nextReport(bytes: Buffer, from: number): number {
    if (this.#isAtLineStart && mayBeReport(bytes, from)) return from;
    const found = bytes.indexOf(prefixAfterLine, from);
    if (found !== -1) return found + 1;
    const last = bytes.subarray(Math.max(from, bytes.length - prefix.length)).lastIndexOf(newline);
    if (last === -1) return bytes.length;
    const lastLine = Math.max(from, bytes.length - prefix.length) + last + 1;
    return mayBeReport(bytes, lastLine) ? lastLine : bytes.length;
  }

  /** Processes a line that starts like a report. A line that is too long for a report can be incomplete. */
  #take(line: Buffer): void {
    this.#isAtLineStart = line.at(-1) === newline;
    const text = line.length > tailBytes ? "" : line.toString("utf8").trim();
    const counter = /^reporter:counter:([^,]*),([^,]*),\s*([+-]?\d+)$/.exec(text);
    const [, group = "", name = "", amount = ""] = counter ?? [];
    if (counter !== null && Number.isSafeInteger(Number(amount))) {
      this.#handler.counter(group.trim(), name.trim(), Number(amount));
    } else if (text.startsWith("reporter:status:")) {
      this.#handler.status(text.slice("reporter:status:".length).trim());
    } else {
      this.#keep(line);
      this.#handler.malformed(text);
    }
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#handler.log(bytes);
    this.#isAtLineStart = bytes.at(-1) === newline;
    const end = bytes.subarray(-tailBytes);
    if (this.#tailEnd + end.length > this.#tail.length) {
      this.#tail.copyWithin(0, this.#tailEnd - tailBytes, this.#tailEnd);
      this.#tailEnd = tailBytes;
    }
    this.#tailEnd += end.copy(this.#tail, this.#tailEnd);
  }
}

/** Whether the bytes from `start` on begin with `reporter:`, or are a prefix of it. */
function mayBeReport(bytes: Buffer, start: number): boolean {
  const beginning = bytes.subarray(start, start + prefix.length);
  return beginning.length > 0 && beginning.equals(prefix.subarray(0, beginning.length));
}
