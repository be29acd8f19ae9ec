import { compressionOf, compressionSuffixes } from "../../../shared/compression.ts";
import { StorageError } from "../../storage/store.ts";
import { binaryFormat, headLength } from "./binary-formats.ts";

/** U+FEFF in UTF-8, which Windows programs write before text. */
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Whether an object that starts with `head` is text without a byte order mark. */
export const isPlainText = (head: Buffer): boolean => binaryFormat(head) === undefined && markLength(head) === 0;

const markLength = (head: Buffer): number =>
  head.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? byteOrderMark.length : 0;

/** Holds back the beginning of an object until there is enough to tell whether it is text. */
export class ObjectHead {
  readonly #path: string;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  /** The length of the byte order mark that was removed, in bytes. */
  mark = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * @returns the text so far, without a byte order mark; undefined while more is needed
   * @throws StorageError `UnsupportedInput` if the object is not text
   */
  push(chunk: Buffer): Buffer | undefined {
    this.#length += chunk.length;
    if (this.#length >= headLength) return this.#text(chunk);
    // Copied, because the memory of a chunk can be reused once the next one is requested.
    this.#chunks.push(Buffer.from(chunk));
    return undefined;
  }

  /** Returns the text of an object that ended early. @throws StorageError as `push` does */
  end(): Buffer {
    return this.#text(Buffer.alloc(0));
  }

  #text(last: Buffer): Buffer {
    const bytes = this.#chunks.length === 0 ? last : Buffer.concat([...this.#chunks, last]);
    const format = binaryFormat(bytes);
    if (format !== undefined) throw unsupported(this.#path, format);
    this.mark = markLength(bytes);
    return bytes.subarray(this.mark);
  }
}

const unsupported = (path: string, format: string): StorageError => {
  const what = compressionOf(path) === undefined ? "the object" : "what the object decompresses to";
  const endings = Object.entries(compressionSuffixes).map(([suffix, compression]) => `${compression} (${suffix})`);
  const message =
    `${path}: ${what} ${format}. Input is text in UTF-8, as it is or compressed once, which its name's ending says: ` +
    `${endings.join(", ")}. With inputCompression "none" its bytes are read as they are`;
  return new StorageError("UnsupportedInput", `${message} (UnsupportedInput)`);
};
