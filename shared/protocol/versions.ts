/**
 * The version that this release speaks. It grows with every change that an older end would misread; a field that an older end
 * may leave out or ignore is no such change.
 *
 * - 3: release 0.1.0.
 * - 4: inputs are decompressed as the job says, stores have headers and a default endpoint, empty outputs have no upload.
 *   Between agent and Worker nothing changed.
 */
export const protocolVersion = 4;

/**
 * The oldest versions that a Worker of this release serves. Runners of version 3 would read compressed inputs as text, and
 * could not commit empty outputs.
 */
const oldestVersions = { agent: 3, runner: 4 } as const;

/**
 * What runners of this release can do that not all runners of its range of versions can. A job names those that it needs.
 * `arguments`: programs get the job's arguments and variables. `files`: they find the job's files and archives in their working
 * directory. `secrets`: they get variables whose values are of Secrets. `follow`: the logs of attempts are sent to those who follow
 * them. `builtins`: programs can be built-in ones. `wasm`: programs can be WebAssembly.
 */
export const runnerFeatures = ["arguments", "files", "secrets", "follow", "builtins", "wasm"] as const;
export type RunnerFeature = (typeof runnerFeatures)[number];

/** Why the Worker does not serve an agent or runner that speaks `version`; undefined where it does. */
export const versionRefusal = (peer: "agent" | "runner", version: number): string | undefined => {
  const oldest = oldestVersions[peer];
  if (version >= oldest && version <= protocolVersion) return undefined;
  const served = oldest < protocolVersion ? `protocols ${oldest} to ${protocolVersion}` : `protocol ${protocolVersion}`;
  return `the Worker speaks ${served}, the ${peer} ${version}`;
};

/** Why a runner cannot work for a job; undefined where it can. @param needed the features that the job needs */
export const runnerRefusal = (
  { version, features }: { readonly version: number; readonly features: readonly string[] },
  needed: readonly string[],
): string | undefined => {
  const missing = needed.filter((feature) => !features.includes(feature));
  return (
    versionRefusal("runner", version) ??
    (missing.length === 0 ? undefined : `the job needs ${missing.join(", ")}, which the runner lacks`)
  );
};
