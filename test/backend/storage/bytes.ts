/** All bytes of a stream. */
export const bytesOf = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

/** All items of an async iterable. */
export const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

/** `size` bytes that repeat at an odd distance, so that misplaced ones show. */
export const pattern = (size: number): Buffer => {
  const period = Buffer.from(Array.from({ length: 65_521 }, (_, index) => (index * 31 + (index >> 8)) % 251));
  return Buffer.alloc(size, period);
};
