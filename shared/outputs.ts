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
 * How many folders of a bucket hold the shuffle of a job. S3 takes 3,500 writes and 5,500 reads a second of keys with the same
 * beginning, and takes more once it has divided them, which it does after a long load. So keys differ before the job's id, where
 * what was divided for one job serves the next one, too.
 */
export const shuffleSpread = 16;

/**
 * The folders of a job's shuffle objects: `<output bucket>/.edgefold/<jobId>/`, and `<output bucket>/.edgefold/<digit>/<jobId>/` for
 * the digits from 1 to f, or only `<output>/.edgefold/<jobId>/` in a directory. The outputs of successive maps lie in successive folders.
 *
 * @throws AddressError where `outputPath` is no address
 */
export const shuffleFolders = (outputPath: string, useSSL: boolean, jobId: string): [Address, ...Address[]] => {
  const root = outputRoot(outputPath, useSSL);
  if (root.scheme !== "s3") return [joinAddress(root, `${shuffleRoot}${jobId}/`)];
  const bucket = { ...root, key: "" };
  const digits = Array.from({ length: shuffleSpread - 1 }, (_, index) => (index + 1).toString(16));
  return [
    joinAddress(bucket, `${shuffleRoot}${jobId}/`),
    ...digits.map((digit) => joinAddress(bucket, `${shuffleRoot}${digit}/${jobId}/`)),
  ];
};

/** Parts and failed maps of a job that its description names, at most. Lists of their own name all. */
export const mostShown = 100;

/** The address of one of a job's parts. @throws AddressError where `outputPath` is no address */
export const outputUrl = (outputPath: string, useSSL: boolean, jobId: string, part: string): string =>
  formatAddress(outputFolder(outputPath, useSSL, jobId)) + part;

/** The names of the first parts of a job of which a Worker of release 0.1.0 has told, which named none. */
const firstParts = ({ status, nReducers, progress, failedMaps }: Job): string[] => {
  if (status !== "completed") return [];
  const isMapOnly = nReducers === 0;
  const absent = new Set(isMapOnly ? failedMaps : []);
  const names: string[] = [];
  for (let index = 0; index < (isMapOnly ? progress.maps.total : nReducers) && names.length < mostShown; index++) {
    if (!absent.has(index)) names.push(partName(isMapOnly, index));
  }
  return names;
};

/** A job whose outputs are names of parts, with their URLs. */
export const withOutputUrls = (job: Job): Job => {
  const names = job.outputs.length > 0 ? job.outputs : firstParts(job);
  if (names.length === 0) return job;
  const { location, useSSL } = job.outputLocation;
  const folder = formatAddress(outputFolder(location, useSSL, job.id));
  return { ...job, outputs: names.map((name) => folder + name) };
};
