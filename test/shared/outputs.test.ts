import { expect, it } from "vitest";
import { formatAddress } from "../../shared/address.ts";
import { outputFolder, outputUrls } from "../../shared/outputs.ts";
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
const job = (nReducers: number, status: Job["status"]): Parameters<typeof outputUrls>[0] => ({
  id: "J",
  nReducers,
  status,
  outputLocation: { location: "http://h/b", useSSL: false },
  progress: { maps: counts, reduces: { ...counts, total: nReducers } },
  failedMaps: [1],
});

it("has a part a reduce, or a map where there are none, once it is completed", () => {
  expect(outputUrls(job(2, "completed"))).toEqual(["http://h/b/J/part-r-00000", "http://h/b/J/part-r-00001"]);
  expect(outputUrls(job(0, "completed"))).toEqual(["http://h/b/J/part-m-00000", "http://h/b/J/part-m-00002"]);
  expect(outputUrls(job(2, "committing"))).toEqual([]);
  expect(outputUrls(job(2, "failed"))).toEqual([]);
});
