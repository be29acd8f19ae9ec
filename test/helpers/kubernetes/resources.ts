import type { z } from "zod";
import { JobSchema } from "./job-schemas.ts";
import { ConfigMapSchema, EventSchema, ObjectSchema, PodSchema, SecretSchema } from "./object-schemas.ts";

const schemas = {
  namespaces: ObjectSchema,
  pods: PodSchema,
  secrets: SecretSchema,
  events: EventSchema,
  configmaps: ConfigMapSchema,
  serviceaccounts: ObjectSchema,
  jobs: JobSchema,
  leases: ObjectSchema,
} as const;

/** A resource, by its name in paths. */
export type Plural = keyof typeof schemas;

/** The object type of each resource. */
export type Objects = { [K in Plural]: z.infer<(typeof schemas)[K]> };

const parsers: { readonly [K in Plural]: z.ZodType<Objects[K]> } = schemas;

/** @throws ZodError if a field is missing or has the wrong type */
export const parseObject = <K extends Plural>(plural: K, object: unknown): Objects[K] => parsers[plural].parse(object);

/** The properties of a resource. */
export type Resource = {
  readonly plural: Plural;
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly isNamespaced: boolean;
  /** Whether it has a `status` subresource, through which alone its `status` can be changed. */
  readonly hasStatus: boolean;
};

const core = { group: "", version: "v1", isNamespaced: true, hasStatus: false };

export const resources: { readonly [K in Plural]: Resource } = {
  namespaces: { ...core, plural: "namespaces", kind: "Namespace", isNamespaced: false },
  pods: { ...core, plural: "pods", kind: "Pod", hasStatus: true },
  secrets: { ...core, plural: "secrets", kind: "Secret" },
  events: { ...core, plural: "events", kind: "Event" },
  configmaps: { ...core, plural: "configmaps", kind: "ConfigMap" },
  serviceaccounts: { ...core, plural: "serviceaccounts", kind: "ServiceAccount" },
  jobs: { ...core, plural: "jobs", kind: "Job", group: "batch", hasStatus: true },
  leases: { ...core, plural: "leases", kind: "Lease", group: "coordination.k8s.io" },
};

export const plurals: readonly Plural[] = Object.values(resources).map(({ plural }) => plural);

export const apiVersionOf = ({ group, version }: Resource): string => (group === "" ? version : `${group}/${version}`);

/** The resource of this name in an API group. */
export const resourceNamed = (group: string, version: string, plural: string): Resource | undefined =>
  Object.values(resources).find(
    (resource) => resource.plural === plural && resource.group === group && resource.version === version,
  );
