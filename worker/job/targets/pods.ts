import type { PodOptions } from "../../../shared/pods.ts";
import type { StorageAccess } from "../../../shared/api/storage-access.ts";
import type { JobSpec } from "../spec.ts";

const secretOf = (access: StorageAccess | undefined): string[] =>
  access !== undefined && "secretName" in access ? [access.secretName] : [];

/** What the agent of a job's cluster must know of it to make its pods. */
export const podsOf = (spec: JobSpec): PodOptions => {
  const { request, credentialSecrets } = spec;
  const { resources, nodeSelector, tolerations, image, imagePullSecrets, serviceAccountName } = request;
  const { labels, annotations, queueName, parallelism, deadlineSeconds, secretEnvironment } = request;
  return {
    resources,
    nodeSelector,
    tolerations,
    image,
    imagePullSecrets,
    serviceAccountName,
    labels,
    annotations,
    queueName,
    parallelism,
    credentialSecrets: [...credentialSecrets],
    secretEnvironment,
    deadlineSeconds,
  };
};

/** The Secrets that a request refers to, each once. */
export const credentialSecrets = (input: StorageAccess | undefined, output: StorageAccess | undefined): string[] => [
  ...new Set([...secretOf(input), ...secretOf(output)]),
];
