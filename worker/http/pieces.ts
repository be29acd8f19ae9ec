/**
 * A body that is made while it is read.
 * @param pieces asked for one after another, as the receiver takes them; an empty one is not sent
 * @param close called when the receiver has gone, so that the pieces come to an end
 */
export const streamPieces = (
  pieces: AsyncIterator<Uint8Array | string, unknown>,
  close: () => void,
): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const { done, value } = await pieces.next();
        if (done === true) {
          controller.close();
          return;
        }
        const bytes = typeof value === "string" ? encoder.encode(value) : value;
        if (bytes.length > 0) {
          controller.enqueue(bytes);
          return;
        }
      }
    },
    async cancel() {
      close();
      await pieces.return?.();
    },
  });
};
