import type { RunnerJob } from "../../../shared/protocol/runner.ts";

/** A runner's description of a job with this mapper, whose other properties do not matter. */
export const runnerJob = ({ size, hash }: { readonly size: number; readonly hash: string }): RunnerJob => ({
  jobId: "j",
  input: { path: "http://store/in" },
  output: { path: "http://store/out" },
  useSSL: false,
  nReducers: 1,
  taskTimeoutSeconds: 0,
  programs: { mapper: { name: "mapper", type: "executable", size, hash } },
});
