/** UTF-16 units after which a piece of an array is sent: one for each item would cost more than the items. */
const pieceLength = 64 * 1024;

/**
 * A JSON array that is written while its items are read; they are asked for only when the receiver takes more.
 * @param items each as JSON
 */
export const streamJsonArray = (
  items: Iterator<string, unknown> | AsyncIterator<string, unknown>,
): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder();
  let separator = "[";
  // Of bytes, so that it can be passed from one object to another.
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      let piece = "";
      while (piece.length < pieceLength) {
        const { done, value } = await items.next();
        if (done === true) {
          controller.enqueue(encoder.encode(`${piece}${separator === "[" ? "[" : ""}]`));
          controller.close();
          return;
        }
        piece += separator + value;
        separator = ",";
      }
      controller.enqueue(encoder.encode(piece));
    },
    async cancel() {
      await items.return?.();
    },
  });
};
