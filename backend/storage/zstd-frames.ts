/** Requests bytes to look at, or bytes to skip. */
type Step = { readonly look: number } | { readonly pass: number };

const littleEndian = (bytes: Uint8Array): number => bytes.reduceRight((value, byte) => value * 256 + byte, 0);

/** Walks through one frame of RFC 8878. Skips anything else indefinitely and leaves it to the decoder to report the error. */
const frame = function* (): Generator<Step, void, Uint8Array> {
  const magic = littleEndian(yield { look: 4 });
  if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
    yield { pass: littleEndian(yield { look: 4 }) };
    return;
  }
  if (magic !== 0xfd2fb528) yield { pass: Number.POSITIVE_INFINITY };
  const descriptor = littleEndian(yield { look: 1 });
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >> 6;
  const contentSize = contentSizeFlag === 0 ? Number(isSingleSegment) : 2 ** contentSizeFlag;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  yield { pass: Number(!isSingleSegment) + dictionaryId + contentSize };
  for (let isLast = false; !isLast;) {
    const header = littleEndian(yield { look: 3 });
    isLast = (header & 1) === 1;
    const isRunLength = ((header >> 1) & 3) === 1;
    yield { pass: isRunLength ? 1 : header >> 3 };
  }
  yield { pass: (descriptor & 4) === 0 ? 0 : 4 };
};

/**
 * Finds where zstd frames end. Node's decompressor stops at the end of a frame and drops the rest of that chunk. Cutting chunks
 * there makes it read all frames of a file that has several, such as pzstd's output or concatenated files.
 */
export class ZstdFrames {
  #frame = frame();
  #step: Step = { look: 0 };
  #looked: number[] = [];
  #passed = 0;

  constructor() {
    this.#next();
  }

  /** Cuts the next chunk of a file into pieces, none of which extends beyond the end of a frame. */
  cut(chunk: Uint8Array): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let begin = 0;
    let at = 0;
    while (at < chunk.length) {
      at += this.#take(chunk, at);
      if (this.#advance()) {
        pieces.push(chunk.subarray(begin, at));
        begin = at;
      }
    }
    if (begin < at) pieces.push(chunk.subarray(begin, at));
    return pieces;
  }

  /** Feeds the current step the bytes that it still needs. @returns the number of bytes consumed */
  #take(chunk: Uint8Array, at: number): number {
    if ("look" in this.#step) {
      const bytes = chunk.subarray(at, at + this.#step.look - this.#looked.length);
      this.#looked.push(...bytes);
      return bytes.length;
    }
    const count = Math.min(chunk.length - at, this.#step.pass - this.#passed);
    this.#passed += count;
    return count;
  }

  /** Advances to the next step that needs bytes. @returns whether a frame ended */
  #advance(): boolean {
    let ended = false;
    while ("look" in this.#step ? this.#looked.length === this.#step.look : this.#passed === this.#step.pass) {
      ended = this.#next() || ended;
    }
    return ended;
  }

  #next(): boolean {
    const { done, value } = this.#frame.next(Uint8Array.from(this.#looked));
    this.#looked = [];
    this.#passed = 0;
    if (done !== true) {
      this.#step = value;
      return false;
    }
    this.#frame = frame();
    this.#next();
    return true;
  }
}
