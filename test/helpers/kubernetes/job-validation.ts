import { isDeepStrictEqual } from "node:util";
import type { FailureRule, Job } from "./job-schemas.ts";
import { invalidValue, labelCauses, notAllowed, required, unsupported } from "./metadata-validation.ts";
import { podSpecCauses } from "./pod-validation.ts";
import type { Cause } from "./status.ts";

const ruleCauses = ({ action, onExitCodes, onPodConditions }: FailureRule, job: Job, at: string): Cause[] => {
  if ((onExitCodes === undefined) === ((onPodConditions ?? []).length === 0))
    return [invalidValue(at, { action }, "specifying one of OnExitCodes and OnPodConditions is required")];
  if (action === "FailIndex") return [unsupported(`${at}.action`, action, ["Count", "FailJob", "Ignore"])];
  if (onExitCodes === undefined) return [];
  const field = `${at}.onExitCodes`;
  const { containerName, operator, values } = onExitCodes;
  const isOrdered = values.every((value, index) => index === 0 || value > (values[index - 1] ?? value));
  return [
    ...(containerName === undefined || job.spec.template.spec.containers.some(({ name }) => name === containerName)
      ? []
      : [
          invalidValue(
            `${field}.containerName`,
            containerName,
            "must be one of the container or initContainer names in the pod template",
          ),
        ]),
    ...(values.length === 0 ? [invalidValue(`${field}.values`, values, "at least one value is required")] : []),
    ...(operator === "In" && values.includes(0)
      ? [invalidValue(`${field}.values[${values.indexOf(0)}]`, 0, "must not be 0 for the In operator")]
      : []),
    ...(isOrdered ? [] : [invalidValue(`${field}.values`, values, "must be ordered")]),
  ];
};

const policyCauses = (job: Job): Cause[] => {
  const { podFailurePolicy, podReplacementPolicy, template } = job.spec;
  if (podFailurePolicy === undefined) return [];
  const at = "spec.podFailurePolicy.rules";
  return [
    ...(template.spec.restartPolicy === "Never"
      ? []
      : [
          invalidValue(
            "spec.template.spec.restartPolicy",
            template.spec.restartPolicy,
            'only "Never" is supported when podFailurePolicy is specified',
          ),
        ]),
    ...(podReplacementPolicy === "Failed"
      ? []
      : [unsupported("spec.podReplacementPolicy", podReplacementPolicy, ["Failed"])]),
    ...(podFailurePolicy.rules.length > 20
      ? [
          {
            reason: "FieldValueTooMany",
            message: `Too many: ${podFailurePolicy.rules.length}: must have at most 20 items`,
            field: at,
          },
        ]
      : []),
    ...podFailurePolicy.rules.flatMap((rule, index) => ruleCauses(rule, job, `${at}[${index}]`)),
  ];
};

const counts = [
  "parallelism",
  "completions",
  "backoffLimit",
  "activeDeadlineSeconds",
  "ttlSecondsAfterFinished",
] as const;

const countCauses = ({ spec }: Job): Cause[] =>
  counts.flatMap((field) => {
    const value = spec[field];
    if (value === undefined || value >= 0) return [];
    return [invalidValue(`spec.${field}`, value, "must be greater than or equal to 0")];
  });

const createCauses = (job: Job): Cause[] => {
  const { spec, metadata } = job;
  const policy = spec.template.spec.restartPolicy;
  return [
    ...(metadata.name.length > 63
      ? [invalidValue("metadata.name", metadata.name, "must be no more than 63 characters")]
      : []),
    ...(spec.manualSelector ? [unsupported("spec.manualSelector", true, ["false"])] : []),
    ...(spec.completionMode === "Indexed" ? [unsupported("spec.completionMode", "Indexed", ["NonIndexed"])] : []),
    ...(policy === "Always"
      ? [required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')]
      : []),
    ...(policy === "OnFailure"
      ? [notAllowed("spec.template.spec.restartPolicy", "this server restarts no containers")]
      : []),
    ...labelCauses(spec.template.metadata.labels, "spec.template.labels"),
    ...podSpecCauses(spec.template.spec, "spec.template.spec"),
    ...policyCauses(job),
  ];
};

/** Fields that cannot be changed later. */
const immutables = [
  "template",
  "selector",
  "completionMode",
  "completions",
  "podFailurePolicy",
  "manualSelector",
] as const;

export const jobCauses = (job: Job, before: Job | undefined): Cause[] => {
  if (before === undefined) return [...countCauses(job), ...createCauses(job)];
  const changed = immutables.filter((field) => !isDeepStrictEqual(job.spec[field], before.spec[field]));
  return [
    ...countCauses(job),
    ...changed.map((field) => invalidValue(`spec.${field}`, job.spec[field], "field is immutable")),
  ];
};
