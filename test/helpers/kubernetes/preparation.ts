import { isDeepStrictEqual } from "node:util";
import { setJobDefaults } from "./job-defaults.ts";
import { jobCauses } from "./job-validation.ts";
import { metadataCauses, notAllowed } from "./metadata-validation.ts";
import { setPodDefaults } from "./pod-defaults.ts";
import { podCauses } from "./pod-validation.ts";
import type { Objects, Plural } from "./resources.ts";
import type { Cause } from "./status.ts";

type Preparations = { readonly [K in Plural]: (object: Objects[K]) => void };
type Checks = { readonly [K in Plural]: (object: Objects[K], before: Objects[K] | undefined) => Cause[] };

const nothing = (): void => {};
const noCauses = (): Cause[] => [];

const encodeSecret = (secret: Objects["secrets"]): void => {
  const { stringData } = secret;
  if (stringData === undefined) return;
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
  delete secret.stringData;
};

const secretCauses = (secret: Objects["secrets"], before: Objects["secrets"] | undefined): Cause[] => {
  if (before?.immutable !== true || isDeepStrictEqual(secret.data, before.data)) return [];
  return [notAllowed("data", "field is immutable when `immutable` is set")];
};

const preparations: Preparations = {
  namespaces: nothing,
  pods: setPodDefaults,
  secrets: encodeSecret,
  events: nothing,
  configmaps: nothing,
  serviceaccounts: nothing,
  jobs: setJobDefaults,
  leases: nothing,
};

const checks: Checks = {
  namespaces: noCauses,
  pods: podCauses,
  secrets: secretCauses,
  events: noCauses,
  configmaps: noCauses,
  serviceaccounts: noCauses,
  jobs: jobCauses,
  leases: noCauses,
};

/** Applies the server's defaults. */
export const prepare = <K extends Plural>(plural: K, object: Objects[K]): void => preparations[plural](object);

/** The errors in an object that is to be created or to replace another. */
export const causesOf = <K extends Plural>(plural: K, object: Objects[K], before?: Objects[K]): Cause[] => [
  ...metadataCauses(object),
  ...checks[plural](object, before),
];
