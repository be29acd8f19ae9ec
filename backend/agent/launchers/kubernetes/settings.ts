import { z } from "zod";
import { leastPodMemory, parseQuantity, type PodOptions } from "../../../../shared/pods.ts";
import type { Failure } from "../launcher.ts";
import { proxyVariables } from "../../../proxy.ts";

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
  );

const MemorySchema = z
  .string()
  .refine((text) => parseQuantity(text) >= leastPodMemory, "must be a quantity of Kubernetes, 512Mi or more");

const QuantitySchema = z
  .string()
  .refine((text) => parseQuantity(text) > 0, "must be a quantity of Kubernetes above 0, such as 500m, 2 or 4Gi");

/** The environment's settings for a cluster and its pods. */
export const KubernetesSettingsSchema = z.object({
  /** The namespace that jobs run in. Nothing else should use it. */
  JOBS_NAMESPACE: z.string().min(1).default("edgefold-jobs"),
  /** The image of pods, unless a job names one. */
  RUNNER_IMAGE: z.string({ error: "is required: the image that runners are started from" }).min(1),
  /** The defaults for each pod, which a job can override. */
  RUNNER_CPU: QuantitySchema.default("1"),
  RUNNER_MEMORY_LIMIT: MemorySchema.default("1Gi"),
  RUNNER_EPHEMERAL_STORAGE: QuantitySchema.default("10Gi"),
  RUNNER_SERVICE_ACCOUNT: z.string().min(1).default("edgefold-runner"),
  /** What jobs may choose: names in which `*` stands for any characters. By default, jobs may choose nothing. */
  ALLOWED_IMAGES: list,
  ALLOWED_SERVICE_ACCOUNTS: list,
  /** Variables that are passed to pods unchanged, if they are set. */
  AWS_REGION: z.string().optional(),
  AWS_DEFAULT_REGION: z.string().optional(),
  AWS_ENDPOINT_URL: z.string().optional(),
  AWS_ENDPOINT_URL_S3: z.string().optional(),
  STORAGE_ENDPOINTS: z.string().optional(),
  HTTP_PROXY: z.string().optional(),
  HTTPS_PROXY: z.string().optional(),
  NO_PROXY: z.string().optional(),
  http_proxy: z.string().optional(),
  https_proxy: z.string().optional(),
  no_proxy: z.string().optional(),
  MERGE_FACTOR: z.string().optional(),
  TASK_OUTPUT_LIMIT: z.string().optional(),
});
export type KubernetesSettings = z.infer<typeof KubernetesSettingsSchema>;

/** The settings that are passed to pods unchanged. */
export const passedOn = [
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_S3",
  "STORAGE_ENDPOINTS",
  ...proxyVariables,
  "MERGE_FACTOR",
  "TASK_OUTPUT_LIMIT",
] as const satisfies readonly (keyof KubernetesSettings)[];

/** Whether a job may use the name it requests: the default, or one that a pattern allows. */
const isAllowed = (name: string | undefined, usual: string, allowed: readonly string[]): boolean =>
  name === undefined || name === usual || allowed.some((pattern) => matches(name, pattern));

const matches = (name: string, pattern: string): boolean =>
  new RegExp(
    `^${pattern
      .split("*")
      .map((text) => RegExp.escape(text))
      .join(".*")}$`,
    "s",
  ).test(name);

/** Returns why a job's pod options are not allowed; undefined if they are. */
export const refusalOf = (
  { image, serviceAccountName }: PodOptions,
  settings: Pick<
    KubernetesSettings,
    "ALLOWED_IMAGES" | "ALLOWED_SERVICE_ACCOUNTS" | "RUNNER_IMAGE" | "RUNNER_SERVICE_ACCOUNT"
  >,
): Failure | undefined => {
  const { ALLOWED_IMAGES, ALLOWED_SERVICE_ACCOUNTS, RUNNER_IMAGE, RUNNER_SERVICE_ACCOUNT } = settings;
  if (!isAllowed(image, RUNNER_IMAGE, ALLOWED_IMAGES)) {
    return refused(`image '${image}'`, "ALLOWED_IMAGES", ALLOWED_IMAGES);
  }
  if (!isAllowed(serviceAccountName, RUNNER_SERVICE_ACCOUNT, ALLOWED_SERVICE_ACCOUNTS)) {
    return refused(`service account '${serviceAccountName}'`, "ALLOWED_SERVICE_ACCOUNTS", ALLOWED_SERVICE_ACCOUNTS);
  }
  return undefined;
};

const refused = (what: string, variable: string, allowed: readonly string[]): Failure => ({
  code: "NotAllowed",
  message: `The cluster does not allow the ${what}; its ${variable} is ${allowed.length === 0 ? "empty" : allowed.join(", ")}.`,
});
