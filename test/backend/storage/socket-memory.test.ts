import { Socket } from "node:net";
import { expect, test } from "vitest";
import { reusedMemory } from "../../../backend/storage/socket-memory.ts";

/** A connection whose reading is up to the test. */
class Connection extends Socket {
  override _read(): void {}
}

/** Has a connection read `count` times `length` bytes, each time other ones. @returns the memories that it read into */
const receive = (socket: Socket, count: number, length: number, onRead: () => void): Set<ArrayBufferLike> => {
  const memory = reusedMemory(() => socket);
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < count; i++) {
    const bytes = typeof memory.buffer === "function" ? memory.buffer() : memory.buffer;
    memories.add(bytes.buffer);
    bytes.fill(i, 0, length);
    memory.callback(length, bytes);
    onRead();
  }
  return memories;
};

const lengths = [1, 16_384, 65_536];
const sent = (length: number): Buffer => Buffer.concat(Array.from({ length: 100 }, (_, i) => Buffer.alloc(length, i)));

test.for(lengths)("connections that are read at once use two memories (%d bytes a time)", (length) => {
  const socket = new Connection();
  const received: Buffer[] = [];
  const memories = receive(socket, 100, length, () => received.push(Buffer.from(socket.read())));
  expect(memories.size).toBeLessThanOrEqual(2);
  expect(Buffer.concat(received).equals(sent(length))).toBe(true);
});

test.for(lengths)("what waits in the socket's buffer is not overwritten (%d bytes a time)", (length) => {
  const socket = new Connection();
  receive(socket, 100, length, () => undefined);
  expect(sent(length).equals(socket.read())).toBe(true);
});

test("what comes before the connection is made is no answer", () => {
  const memory = reusedMemory(() => undefined);
  expect(memory.callback(1, Buffer.from("x"))).toBe(false);
});
