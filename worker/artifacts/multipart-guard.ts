const endsWith = (bytes: Uint8Array, end: Uint8Array): boolean =>
  bytes.length >= end.length && end.every((byte, index) => bytes[bytes.length - end.length + index] === byte);

/**
 * Multipasta 0.2.8 does not see a form's end where a piece ends between the two dashes behind the last boundary. This
 * passes pieces on such that none does: a lone dash waits for the next piece.
 */
export const finalDashGuard = (contentType: string): ((chunk: Uint8Array) => Uint8Array) => {
  const boundary = /;\s*boundary=(?:"([^"]*)"|([^;\s]+))/i.exec(contentType);
  const cut = new TextEncoder().encode(`--${boundary?.[1] ?? boundary?.[2] ?? ""}-`);
  let held = false;
  return (chunk) => {
    let piece = chunk;
    if (held) {
      piece = new Uint8Array(chunk.length + 1);
      piece[0] = 0x2d;
      piece.set(chunk, 1);
    }
    held = endsWith(piece, cut);
    return held ? piece.subarray(0, -1) : piece;
  };
};
