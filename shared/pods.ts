import { z } from "zod";
import { VariableNameSchema } from "./program-settings.ts";

/**
 * How a job's pods are to be, in Kubernetes' own words. Checked as Kubernetes does it ("Object Names and IDs", "Labels and
 * Selectors", "Quantity"), so that what is wrong is said by the POST, and not by a pod that never starts.
 */

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const qualifiedName = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsSubdomain = new RegExp(`^(?=.{1,253}$)${subdomain}$`);
const labelKey = new RegExp(`^((?=[^/]{1,253}/)${subdomain}/)?${qualifiedName}$`);
const labelValue = new RegExp(`^(${qualifiedName})?$`);

const ObjectNameSchema = z
  .string()
  .regex(dnsSubdomain, "must be a name of Kubernetes: at most 253 lower-case letters, digits, '-' and '.'");

const LabelKeySchema = z
  .string()
  .regex(
    labelKey,
    "must be a key of Kubernetes: at most 63 letters, digits, '-', '_' and '.', after a domain and '/' or not",
  );
const LabelValueSchema = z
  .string()
  .regex(labelValue, "must be a label's value: at most 63 letters, digits, '-', '_' and '.'");

/** Kinds of keys that say what a pod belongs to; those are not the user's to set. */
const reserved = /^([^/]*\b(edgefold\.dev|kubernetes\.io|k8s\.io)\/|controller-uid$|job-name$)/;
const OwnKeySchema = LabelKeySchema.refine(
  (key) => !reserved.test(key),
  "must not be one of Edgefold's or of Kubernetes' own keys",
);

const suffixes: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const quantity = /^(\d+(?:\.\d+)?|\.\d+)(m|k|[MGTPE]|[KMGTPE]i)?$/;
const positiveQuantity = new RegExp(quantity.source.replace("^", "^(?=.*[1-9])"));

/** The number that a quantity of Kubernetes stands for: bytes, or processors. NaN where it is none. */
export const parseQuantity = (text: string): number => {
  const [, digits, suffix] = quantity.exec(text) ?? [];
  return Number(digits) * (suffix === undefined ? 1 : (suffixes[suffix] ?? Number.NaN));
};

export const QuantitySchema = z
  .string()
  .regex(positiveQuantity, "must be a quantity of Kubernetes above 0, such as 500m, 2 or 4Gi");

/** The least memory of a pod in bytes: half of it is the runner's, which needs 256 MiB (`RUNNER_MEMORY`). */
export const leastPodMemory = 512 * 2 ** 20;

const MemorySchema = QuantitySchema.refine((text) => !(parseQuantity(text) < leastPodMemory), "must be 512Mi or more");

const ResourcesSchema = z
  .strictObject({
    cpu: QuantitySchema.optional().describe("Requested, not limited"),
    memory: MemorySchema.optional().describe("For the runner and its programs together"),
    "ephemeral-storage": QuantitySchema.optional().describe("For spilled records and what programs write"),
  })
  .describe("Resources of each pod: its requests and, except cpu, its limits");

const TolerationSchema = z
  .strictObject({
    key: LabelKeySchema.optional(),
    operator: z.enum(["Exists", "Equal"]).optional(),
    value: LabelValueSchema.optional(),
    effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
    tolerationSeconds: z.int().nonnegative().optional(),
  })
  .refine(({ key, operator }) => key !== undefined || operator === "Exists", {
    path: ["operator"],
    message: "must be Exists where there is no key",
  })
  .refine(({ operator, value }) => operator !== "Exists" || value === undefined, {
    path: ["value"],
    message: "must be left out where the operator is Exists",
  })
  .refine(({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === "NoExecute", {
    path: ["tolerationSeconds"],
    message: "goes with the effect NoExecute alone",
  });

/** Most entries of a map. */
const mostEntries = 64;

/** Most bytes that the keys and values of a job's annotations have together. Kubernetes allows 256 KiB, for a single object. */
const mostAnnotationBytes = 16 * 1024;

const AnnotationsSchema = z.record(z.string(), z.string());

const bytesOf = (map: Readonly<Record<string, string>>): number =>
  new TextEncoder().encode(Object.entries(map).flat().join("")).length;

const entries = <Value extends z.ZodType<string>>(key: z.ZodType<string, string>, value: Value) =>
  z
    .record(key, value)
    .refine((map) => Object.keys(map).length <= mostEntries, `must have at most ${mostEntries} entries`);

/** The fields of a job's request that its pods are made of. */
export const podFields = {
  resources: ResourcesSchema.optional(),
  nodeSelector: entries(LabelKeySchema, LabelValueSchema).optional(),
  tolerations: z.array(TolerationSchema).max(mostEntries).optional(),
  image: z
    .string()
    .max(1024)
    .regex(/^[a-z0-9][-a-zA-Z0-9_.:/@]*$/, "must be the name of an image, such as registry.example.com/name:tag")
    .optional()
    .describe("An image that the cluster allows (ALLOWED_IMAGES)"),
  imagePullSecrets: z.array(ObjectNameSchema).max(16).optional(),
  serviceAccountName: ObjectNameSchema.optional().describe(
    "A service account that the cluster allows (ALLOWED_SERVICE_ACCOUNTS)",
  ),
  labels: entries(OwnKeySchema, LabelValueSchema).optional(),
  annotations: entries(OwnKeySchema, z.string())
    .refine((map) => bytesOf(map) <= mostAnnotationBytes, "must have at most 16 KiB together, keys and values")
    .optional(),
  queueName: z
    .string()
    .regex(dnsLabel, "must be the name of a queue: at most 63 lower-case letters, digits and '-'")
    .optional()
    .describe("The Kueue LocalQueue that the job waits in"),
};

/** The Secrets with jobs' tokens (`generationName` of the agent): no job may have another one's. */
const tokenSecret = /^edgefold-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-g\d+)?$/;

const SecretNameSchema = ObjectNameSchema.refine(
  (name) => !tokenSecret.test(name),
  "must not be the Secret of a job's token",
);

/** Credentials that lie in the cluster, so that the Worker need not see them. */
export const SecretReferenceSchema = z
  .strictObject({
    secretName: SecretNameSchema.describe(
      "A Secret in the jobs' namespace with the keys username and password, and optionally sessionToken and region",
    ),
  })
  .meta({ id: "SecretReference" });

/** Variables whose values are keys of Secrets in the jobs' namespace. */
export const SecretEnvironmentSchema = z
  .record(
    VariableNameSchema,
    z.strictObject({
      secretName: SecretNameSchema,
      key: z
        .string()
        .max(253)
        .regex(/^[-._a-zA-Z0-9]+$/, "must be a key of a Secret: letters, digits, '-', '_' and '.'"),
    }),
  )
  .refine((map) => Object.keys(map).length <= mostEntries, `must have at most ${mostEntries} entries`);

/** What an agent must know of a job to make its pods. */
export const PodOptionsSchema = z.object({
  ...podFields,
  /** Those of jobs of release 0.1.0 can have 256 KiB. */
  annotations: AnnotationsSchema.optional(),
  /** The most of the job's runners, where it is limited. */
  parallelism: z.int().positive().optional(),
  /** Secrets of the jobs' namespace that the pods are to see. */
  credentialSecrets: z.array(ObjectNameSchema).default([]),
  secretEnvironment: SecretEnvironmentSchema.optional(),
  /** How long the job may take from its creation to its end; the Worker enforces it. */
  deadlineSeconds: z.int().positive().optional(),
});
export type PodOptions = z.infer<typeof PodOptionsSchema>;

/** A cluster's name, which is also a label's value. */
export const ClusterNameSchema = z
  .string()
  .regex(dnsLabel, "must be a cluster's name: at most 63 lower-case letters, digits and '-'");
