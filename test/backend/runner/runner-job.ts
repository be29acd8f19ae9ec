import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { programsFolder } from "../../../backend/host/build.ts";
import type { RunnerJob } from "../../../shared/protocol/runner.ts";

/** What the thread of a runner's tasks runs. */
export const threadCode = pathToFileURL(join(await programsFolder(), "runner/thread/main.js"));

type Content = { readonly size: number; readonly hash: string };

/** A runner's description of a mapper. */
export const mapperRef = (content: Content) => ({ name: "mapper", type: "executable" as const, ...content });

/** A runner's description of a job with this mapper, whose other properties do not matter. */
export const runnerJob = (content: Content): RunnerJob => ({
  jobId: "j",
  input: { path: "http://store/in" },
  output: { path: "http://store/out" },
  useSSL: false,
  nReducers: 1,
  taskTimeoutSeconds: 0,
  programs: { mapper: mapperRef(content) },
});
