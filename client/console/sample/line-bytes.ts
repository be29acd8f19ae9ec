const decoder = new TextDecoder();

/** How messages about what is missing begin. */
export const noBuffer = "a sample has no Buffer.";

const refuse = (call: string): never => {
  throw new Error(noBuffer + call);
};

/** Returns a byte to search for. A Uint8Array finds no text and says nothing, where a Buffer finds it. */
const byteOf = (part: unknown, call: string): number => (typeof part === "number" ? part : refuse(`${call} of a text`));

/**
 * A line for modules with the encoding `bytes`, which get a Buffer in the runner. What a Uint8Array does otherwise works here as
 * in Node.js or is refused, so that a sample never shows what the runner would not do.
 */
export class LineBytes extends Uint8Array<ArrayBuffer> {
  override toString(encoding: unknown = "utf8"): string {
    if (encoding === "utf8" || encoding === "utf-8") return decoder.decode(this);
    if (encoding === "latin1" || encoding === "binary")
      return Array.from(this, (byte) => String.fromCharCode(byte)).join("");
    return refuse(`toString(${JSON.stringify(encoding)})`);
  }

  override indexOf(part: number, from = 0): number {
    return super.indexOf(byteOf(part, "indexOf"), from);
  }

  override lastIndexOf(part: number, from = this.length - 1): number {
    return super.lastIndexOf(byteOf(part, "lastIndexOf"), from);
  }

  override includes(part: number, from = 0): boolean {
    return super.includes(byteOf(part, "includes"), from);
  }
}
