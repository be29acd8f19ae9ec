import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { controlFolder } from "./hooked.ts";

/**
 * Loaded by `NODE_OPTIONS` into runners, on machines where no small file system can be mounted: while told to, synchronous
 * writes to files, such as spills, fail as on a full disk.
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
      // oxlint-disable-next-line typescript/no-unsafe-return -- what the original returns
      return Reflect.apply(target, self, given);
    },
  });
  syncBuiltinESMExports();
}
