/** The longest text whose length is a single byte when packed. */
const longestShort = 127;

/** Characters from here up to `firstOther` are single bytes in UTF-8, and neither tabs nor newlines. */
const firstPlain = 0x10;
const firstOther = 0x80;

/** Where packed records wait for their target. A packed record is a packed key and a packed value; see `packed.ts`. */
export class Stage {
  /** The memory that the stage lies in. */
  bytes: Buffer;
  /** Where the stage starts. */
  readonly start: number;
  /** Where it ends. Nothing may be written from here on. */
  end: number;
  /** Where the next record goes. */
  at: number;
  /** How many records it has. */
  records = 0;

  constructor(bytes: Buffer, start: number, length: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = start + length;
    this.at = start;
  }

  /**
   * Adds a record of two short texts of plain characters.
   * @returns false if they are something else, or there is no room for them; then nothing is added
   */
  putText(key: string, value: string): boolean {
    const { bytes } = this;
    const keyLength = key.length;
    const valueLength = value.length;
    if (keyLength > longestShort || valueLength > longestShort) return false;
    let at = this.at;
    if (at + keyLength + valueLength + 2 > this.end) return false;
    bytes[at++] = keyLength;
    for (let index = 0; index < keyLength; index++) {
      const unit = key.charCodeAt(index);
      if (unit >= firstOther || unit < firstPlain) return false;
      bytes[at++] = unit;
    }
    bytes[at++] = valueLength;
    for (let index = 0; index < valueLength; index++) {
      const unit = value.charCodeAt(index);
      if (unit >= firstOther || unit < firstPlain) return false;
      bytes[at++] = unit;
    }
    this.at = at;
    this.records++;
    return true;
  }

  /** Removes all records. */
  clear(): void {
    this.at = this.start;
    this.records = 0;
  }

  /** Takes the memory away: nothing can be added any more. */
  dispose(): void {
    this.bytes = Buffer.alloc(0);
    this.end = 0;
  }
}
