import { expect, it } from "vitest";
import { formatAddress } from "../../shared/address.ts";
import { noCounters } from "../../shared/counters.ts";
import { outputFolder, withOutputUrls } from "../../shared/outputs.ts";
import type { Job } from "../../shared/api/jobs.ts";

it.each([
  ["http://minio:9000", false, "http://minio:9000/reducers/J/"],
  ["http://minio:9000/", false, "http://minio:9000/reducers/J/"],
  ["minio:9000/b", true, "https://minio:9000/b/J/"],
  ["http://minio:9000/b/c d", false, "http://minio:9000/b/c%20d/J/"],
  ["http://localhost:4750/cdn-cgi/local/r2/s3", false, "http://localhost:4750/cdn-cgi/local/r2/s3/reducers/J/"],
  ["file:///data/out/", false, "file:///data/out/J/"],
])("the output of %s (useSSL %s) goes to %s", (path, useSSL, folder) => {
  expect(formatAddress(outputFolder(path, useSSL, "J"))).toBe(folder);
});

const counts = { total: 3, running: 0, completed: 3, failed: 0 };
const job = (nReducers: number, outputs: string[], status: Job["status"] = "completed"): Job => ({
  id: "J",
  nReducers,
  status,
  outputLocation: { location: "http://h/b", useSSL: false },
  inputData: { id: "J", path: "http://h/in/", type: "file/txt", splitStart: 0, splitEnd: 1 },
  startTime: 0,
  endTime: null,
  name: null,
  tags: {},
  rerunOf: null,
  programs: null,
  submittedBy: "api",
  cluster: "default",
  error: null,
  counters: noCounters,
  conditions: [],
  progress: { maps: counts, reduces: { ...counts, total: nReducers } },
  outputs,
  failedMaps: [1],
});

it("outputs are the URLs of the named parts", () => {
  expect(withOutputUrls(job(2, ["part-r-00000", "part-r-00001"])).outputs).toEqual([
    "http://h/b/J/part-r-00000",
    "http://h/b/J/part-r-00001",
  ]);
  expect(withOutputUrls(job(2, [], "committing")).outputs).toEqual([]);
});

it("a job of an earlier release, which named no parts, has one for each reduce, or for each map if there are no reduces", () => {
  expect(withOutputUrls(job(2, [])).outputs).toEqual(["http://h/b/J/part-r-00000", "http://h/b/J/part-r-00001"]);
  expect(withOutputUrls(job(0, [])).outputs).toEqual(["http://h/b/J/part-m-00000", "http://h/b/J/part-m-00002"]);
  expect(withOutputUrls(job(2, [], "failed")).outputs).toEqual([]);
  expect(withOutputUrls(job(99_999, [])).outputs).toHaveLength(100);
});
