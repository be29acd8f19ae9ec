import { gzipSync } from "node:zlib";
import type { Random } from "../../helpers/random.ts";
import { inputContent } from "./input.ts";

/** What a job does, and how it must end. */
export type JobKind = "sort" | "sum" | "map-only" | "failing" | "stopped";

export type InputObject = { readonly name: string; readonly content: Buffer; readonly packed: boolean };

/** A job as decided by the seed. */
export type JobPlan = {
  readonly number: number;
  readonly kind: JobKind;
  readonly objects: readonly InputObject[];
  /** Without addresses and credentials. */
  readonly request: Readonly<Record<string, unknown>> & { readonly nReducers: number };
  /** The type of program that writes the output: modules omit the tab before an empty value. */
  readonly writer: "executable" | "module";
  /** For a job that is to be stopped: how long after it has begun, in ms. */
  readonly stopAfterMs: number;
};

const weights: Record<JobKind, number> = { sort: 9, sum: 9, "map-only": 4, failing: 2, stopped: 3 };

/**
 * Attempts per task. Storage errors, killed programs and full disks are charged to the task as failures; no reasonable number
 * of faults may use up all attempts: if they do, that is a finding.
 */
const maxAttempts = 60;

type Programs = { readonly mapperName: string; readonly reducerName?: string; readonly combinerName?: string };

const isModule = (name: string | undefined): boolean => name?.endsWith(".mjs") === true;

const identities = [
  "identity.sh",
  "slow-identity.sh",
  "slow-identity.sh",
  "identity.mjs",
  "slow-identity.mjs",
] as const;

const programsOf = (kind: JobKind, random: Random): Programs => {
  switch (kind) {
    case "sort":
      return { mapperName: random.pick(identities), reducerName: random.pick(identities) };
    case "sum": {
      const reducers = ["sum.sh", "slow-sum.sh", "sum.mjs"] as const;
      const programs = { mapperName: random.pick(identities), reducerName: random.pick(reducers) };
      return random.chance(0.6) ? { ...programs, combinerName: random.pick(["sum.sh", "sum.mjs"]) } : programs;
    }
    case "map-only":
      return { mapperName: random.pick(identities) };
    case "failing":
      return random.chance(0.5)
        ? { mapperName: "failing.sh", reducerName: "identity.sh" }
        : { mapperName: "slow-identity.sh", reducerName: "failing.mjs" };
    case "stopped":
      return { mapperName: random.pick(["dawdling.sh", "slow-identity.sh"]), reducerName: "dawdling.sh" };
  }
};

/** Bytes of the input; mostly small, since speed is not under test. */
const sizeOf = (kind: JobKind, random: Random): number => {
  // Outputs that take several parts of an upload.
  if (kind === "sort" && random.chance(0.06)) return random.int(36_000_000, 40_000_000);
  return random.chance(0.3) ? random.int(1_000_000, 3_000_000) : random.int(20_000, 600_000);
};

const objectsOf = (size: number, random: Random): InputObject[] => {
  const count = random.chance(0.4) ? random.int(2, 4) : 1;
  return Array.from({ length: count }, (_, index) => {
    const packed = size < 4_000_000 && random.chance(0.3);
    const content = inputContent(random, Math.ceil(size / count));
    return { name: `${index}.txt${packed ? ".gz" : ""}`, content, packed };
  });
};

export const planJob = (seed: Random, number: number): JobPlan => {
  const random = seed.stream(number);
  const kind = random.weighted(weights);
  const programs = programsOf(kind, random);
  const size = sizeOf(kind, random);
  const large = size > 4_000_000;
  const nReducers = kind === "map-only" ? 0 : large ? 2 : random.int(1, 5);
  const request = {
    ...(large ? { mapperName: "identity.sh", reducerName: "identity.sh" } : programs),
    nReducers,
    splitSize: Math.ceil(size / (large ? 4 : random.int(1, 8))),
    // A job that is meant to fail must not take forever to do so.
    maxAttempts: kind === "failing" ? 2 : maxAttempts,
    speculation: random.chance(0.7),
    ...(random.chance(0.3) ? { parallelism: random.int(1, 2) } : {}),
    ...(random.chance(0.2) ? { combineInputs: true } : {}),
  };
  const writer = isModule(request.reducerName ?? request.mapperName) ? "module" : "executable";
  return {
    number,
    kind,
    objects: objectsOf(size, random),
    request,
    writer,
    stopAfterMs: random.int(0, 2500),
  };
};

export const storedContent = ({ content, packed }: InputObject): Buffer => (packed ? gzipSync(content) : content);
