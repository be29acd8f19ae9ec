import { Console } from "node:console";
import { Writable } from "node:stream";

/** Redirects what modules print with `console` to `log`, as text. */
export const redirectConsole = (log: (bytes: Uint8Array) => void): void => {
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      log(chunk);
      done();
    },
  });
  globalThis.console = new Console({ stdout: stream, stderr: stream, colorMode: false });
};
