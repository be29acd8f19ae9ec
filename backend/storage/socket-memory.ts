import type { OnReadOpts, Socket } from "node:net";

/** Bytes of one of a connection's two memories. */
const memoryLength = 128 * 1024;

/** The fewest bytes to read into: as many as Node reads at once. */
const leastRead = 64 * 1024;

/**
 * Has a connection read into the same memory again and again. Node would allocate memory for each read, and V8 collects all garbage
 * whenever some 32 MB were allocated so, which takes longer than receiving the bytes.
 *
 * Bytes that have left the socket's own buffer are overwritten soon: whoever reads them must copy them at once.
 * @param socketOf the connection; undefined as long as it is being made, when nothing can have been asked for
 */
export const reusedMemory = (socketOf: () => Socket | undefined): OnReadOpts => {
  let memory: Buffer = Buffer.allocUnsafeSlow(memoryLength);
  let other: Buffer | undefined;
  let filled = 0;
  return {
    buffer: () => memory.subarray(filled),
    callback: (length, bytes) => {
      const socket = socketOf();
      if (socket === undefined) return false;
      filled += length;
      if (memoryLength - filled < leastRead) {
        // If the socket's buffer is empty, it has no bytes of the other memory.
        const free = socket.readableLength === 0 ? other : undefined;
        [memory, other] = [free ?? Buffer.allocUnsafeSlow(memoryLength), memory];
        filled = 0;
      }
      return socket.push(bytes.subarray(0, length));
    },
  };
};
