import { resolve } from "node:path";
import { bundleRunner } from "../host/bundle.ts";

/** `node runner.ts FOLDER`: bundles the runner into a folder, for the image. */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: runner FOLDER");
await bundleRunner(new URL("../../", import.meta.url), resolve(folder));
