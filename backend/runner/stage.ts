/** The longest text whose length is a single byte when packed. */
const longestShort = 127;

/** Characters from here up to `firstOther` are single bytes in UTF-8, and neither tabs nor newlines. */
const firstPlain = 0x10;
const firstOther = 0x80;

/** The digit 0. */
const zero = 0x30;

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
    const keyEnd = this.#write(key, this.at);
    const end = keyEnd === 0 ? 0 : this.#write(value, keyEnd);
    return end > 0 && this.#keep(end);
  }

  /** Likewise, with a value of one digit, the most frequent one: a call for its text would cost as much as writing it. */
  putDigit(key: string, digit: number): boolean {
    const at = this.#write(key, this.at);
    if (at === 0 || at + 2 > this.end) return false;
    this.bytes[at] = 1;
    this.bytes[at + 1] = zero + digit;
    return this.#keep(at + 2);
  }

  /** Writes a packed text. @returns where it ends; 0 if it is no short text of plain characters, or there is no room */
  #write(text: string, start: number): number {
    const { bytes } = this;
    const { length } = text;
    if (length > longestShort || start + length + 1 > this.end) return 0;
    let at = start;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= firstOther || unit < firstPlain) return 0;
      bytes[at++] = unit;
    }
    return at;
  }

  /** Counts a record that has been written. @param end where it ends */
  #keep(end: number): true {
    this.at = end;
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
