const limitBytes = 4 * 1024 * 1024;

/** What a container has written to stdout and stderr; only the end if it is long. */
export class ContainerLog {
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > 2 * limitBytes) {
      const kept = Buffer.concat(this.#chunks).subarray(-limitBytes);
      this.#chunks = [kept];
      this.#bytes = kept.length;
    }
  }

  toString(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  /** The end of the log, as put into a status: at most 80 lines and 2048 bytes. */
  get tail(): string {
    const text = this.toString();
    const lines = text.split(/(?<=\n)/).slice(-80);
    return Buffer.from(lines.join("")).subarray(-2048).toString();
  }
}
