import { resolve } from "node:path";
import { bundlePrograms } from "../host/bundle.ts";

/** `node programs.ts FOLDER`: bundles the programs of agents and runners into a folder, for the image. */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: programs FOLDER");
await bundlePrograms(new URL("../../", import.meta.url), resolve(folder));
