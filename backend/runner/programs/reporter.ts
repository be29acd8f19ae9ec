const newline = 0x0a;

/** How much of a program's stderr is kept, in bytes: the end of it. */
const tailBytes = 8 * 1024;

/** Takes what a program reports by way of stderr. */
type ReportHandler = {
  counter(group: string, name: string, amount: number): void;
  status(text: string): void;
};

/**
 * Reads a program's stderr: lines `reporter:counter:<group>,<counter>,<amount>` and `reporter:status:<message>` go to the
 * handler (Hadoop Streaming's protocol), everything else is kept, as far as it fits in the last 8 KiB.
 */
export class StderrReader {
  readonly #handler: ReportHandler;
  #line: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  constructor(handler: ReportHandler) {
    this.#handler = handler;
  }

  /** Takes the next bytes of stderr. @throws what the handler throws */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#take(Buffer.concat([this.#line, chunk.subarray(start, end + 1)]));
      this.#line = Buffer.alloc(0);
      start = end + 1;
    }
    this.#line = Buffer.concat([this.#line, chunk.subarray(start)]);
    // No report is that long: the memory for a line that never ends stays bounded.
    if (this.#line.length > tailBytes) {
      this.#keep(this.#line);
      this.#line = Buffer.alloc(0);
    }
  }

  /** The end of what was not a report, without surrounding white space. */
  tail(): string {
    return Buffer.concat([this.#tail, this.#line]).subarray(-tailBytes).toString("utf8").trim();
  }

  #take(line: Buffer): void {
    const text = line.toString("utf8").trim();
    const counter = /^reporter:counter:([^,]*),([^,]*),\s*([+-]?\d+)$/.exec(text);
    if (counter !== null) {
      const [, group = "", name = "", amount = "0"] = counter;
      this.#handler.counter(group.trim(), name.trim(), Number(amount));
    } else if (text.startsWith("reporter:status:")) {
      this.#handler.status(text.slice("reporter:status:".length).trim());
    } else {
      this.#keep(line);
    }
  }

  #keep(bytes: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-tailBytes)]).subarray(-tailBytes);
  }
}
