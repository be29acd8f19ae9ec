/**
 * What the objects need from the Workers runtime and Node lacks. The cryptography is a fake: real cryptography would take
 * longer than everything else, and run in its own threads, so that no two runs would be alike.
 */

const bytesOf = (data: BufferSource): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);

const subtle = {
  importKey: async () => ({}),
  deriveKey: async () => ({}),
  deriveBits: async () => new ArrayBuffer(32),
  digest: async () => new ArrayBuffer(32),
  sign: async () => new ArrayBuffer(32),
  verify: async () => true,
  encrypt: async (_algorithm: unknown, _key: unknown, data: BufferSource) => bytesOf(data).slice().buffer,
  decrypt: async (_algorithm: unknown, _key: unknown, data: BufferSource) => bytesOf(data).slice().buffer,
};

Object.defineProperty(globalThis, "crypto", {
  value: {
    subtle,
    getRandomValues: <T>(array: T): T => array,
    randomUUID: () => "00000000-0000-4000-8000-000000000000",
  },
});
Object.assign(Uint8Array.prototype, {
  toHex(this: Uint8Array): string {
    return Buffer.from(this).toString("hex");
  },
  toBase64(this: Uint8Array): string {
    return Buffer.from(this).toString("base64");
  },
});
Object.assign(Uint8Array, {
  fromBase64: (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64")),
  fromHex: (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex")),
});
Object.assign(globalThis, {
  // oxlint-disable-next-line typescript/no-extraneous-class -- it is passed on and never inspected
  WebSocketRequestResponsePair: class {},
  scheduler: { wait: async () => new Promise(() => undefined) },
});
