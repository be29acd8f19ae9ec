import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { controlFolder } from "./hooked.ts";

/**
 * Loaded by `NODE_OPTIONS` into runners, for machines on which no small file system can be made: while told so, what writes to
 * files synchronously, as spills do, meets a full disk.
 */
const folder = controlFolder(import.meta.url, "runner");
if (folder !== undefined) {
  const sign = join(folder, "disk-full");
  const write = fs.writeSync;
  let isFull = false;
  setInterval(() => {
    isFull = fs.existsSync(sign);
  }, 100).unref();
  fs.writeSync = new Proxy(write, {
    apply: (target, self, given) => {
      if (isFull) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      // oxlint-disable-next-line typescript/no-unsafe-return -- what it returns by itself
      return Reflect.apply(target, self, given);
    },
  });
  syncBuiltinESMExports();
}
