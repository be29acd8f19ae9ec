import { formatAddress, joinAddress, parseAddress, type Address } from "./address.ts";
import type { Job } from "./api/jobs.ts";
import { partName } from "./status.ts";

/** Where a job's output goes when its `outputPath` names a store alone. */
const defaultBucket = "reducers";

/** The address that outputs lie under, the default bucket put in where the path names none. */
const outputRoot = (outputPath: string, useSSL: boolean): Address => {
  const output = parseAddress(outputPath, useSSL);
  return output.scheme === "s3" && output.bucket === "" ? { ...output, bucket: defaultBucket } : output;
};

/** What the keys of all shuffle objects begin with. */
export const shuffleRoot = ".edgefold/";

/** Whether the bucket is chosen for the user, who then need not have created it. */
export const usesDefaultBucket = (outputPath: string, useSSL: boolean): boolean => {
  const output = parseAddress(outputPath, useSSL);
  return output.scheme === "s3" && output.bucket === "";
};

/**
 * The folder that a job's parts and its `_SUCCESS` appear in: `<output>/<jobId>/`.
 *
 * @throws AddressError where `outputPath` is no address
 */
export const outputFolder = (outputPath: string, useSSL: boolean, jobId: string): Address =>
  joinAddress(outputRoot(outputPath, useSSL), `${jobId}/`);

/**
 * The folder of a job's shuffle objects: `<output bucket>/.edgefold/<jobId>/`, or in a directory `<output>/.edgefold/<jobId>/`.
 *
 * @throws AddressError where `outputPath` is no address
 */
export const shuffleFolder = (outputPath: string, useSSL: boolean, jobId: string): Address => {
  const root = outputRoot(outputPath, useSSL);
  return joinAddress(root.scheme === "s3" ? { ...root, key: "" } : root, `${shuffleRoot}${jobId}/`);
};

type Outcome = Pick<Job, "id" | "nReducers" | "outputLocation" | "status" | "progress" | "failedMaps">;

/**
 * The URLs of a job's parts in order: one a reduce, or in a map-only job one a map, but for those that failed. None before the
 * job is completed.
 */
export const outputUrls = (job: Outcome): string[] => {
  if (job.status !== "completed") return [];
  const { location, useSSL } = job.outputLocation;
  const folder = formatAddress(outputFolder(location, useSSL, job.id));
  const mapOnly = job.nReducers === 0;
  const count = mapOnly ? job.progress.maps.total : job.nReducers;
  const absent = new Set(mapOnly ? job.failedMaps : []);
  return Array.from({ length: count }, (_, index) => index)
    .filter((index) => !absent.has(index))
    .map((index) => folder + partName(mapOnly, index));
};
