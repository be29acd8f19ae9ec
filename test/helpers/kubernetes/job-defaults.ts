import type { Job } from "./job-schemas.ts";
import { setSpecDefaults } from "./pod-defaults.ts";

/** The defaults that the server sets in a new Job: its pods' selector and labels, and some values. */
export const setJobDefaults = ({ metadata, spec }: Job): void => {
  const labels = {
    "batch.kubernetes.io/controller-uid": metadata.uid,
    "batch.kubernetes.io/job-name": metadata.name,
    "controller-uid": metadata.uid,
    "job-name": metadata.name,
  };
  metadata.generation ??= 1;
  if (metadata.labels === undefined && spec.template.metadata.labels !== undefined)
    metadata.labels = { ...spec.template.metadata.labels };
  spec.selector ??= { matchLabels: { "batch.kubernetes.io/controller-uid": metadata.uid } };
  spec.template.metadata.labels = { ...spec.template.metadata.labels, ...labels };
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
  setSpecDefaults(spec.template.spec);
};
