import type { FailureRule, Job } from "./job-schemas.ts";
import type { Pod } from "./object-schemas.ts";
import { podName } from "./pods.ts";

/** What a pod's failure means for its Job. */
export type Verdict =
  | { readonly action: "Count" | "Ignore" }
  | { readonly action: "FailJob"; readonly message: string };

/** Why the rule matches the pod, in the words of a Job's condition; undefined if it does not. */
const matchOf = (pod: Pod, { onExitCodes, onPodConditions }: FailureRule): string | undefined => {
  if (onExitCodes !== undefined) {
    const { containerName, operator, values } = onExitCodes;
    for (const { name, state } of pod.status.containerStatuses ?? []) {
      const code = state.terminated?.exitCode ?? 0;
      if (code === 0 || (containerName !== undefined && containerName !== name)) continue;
      if (values.includes(code) === (operator === "In"))
        return `Container ${name} for pod ${podName(pod)} failed with exit code ${code}`;
    }
    return undefined;
  }
  const condition = pod.status.conditions?.find((one) =>
    (onPodConditions ?? []).some(({ type, status }) => type === one.type && status === one.status),
  );
  return condition === undefined ? undefined : `Pod ${podName(pod)} has condition ${condition.type}`;
};

/** Applies the first matching rule. */
export const verdictOn = (pod: Pod, job: Job): Verdict => {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const why = matchOf(pod, rule);
    if (why === undefined) continue;
    if (rule.action === "FailJob")
      return { action: "FailJob", message: `${why} matching FailJob rule at index ${index}` };
    return { action: rule.action === "Ignore" ? "Ignore" : "Count" };
  }
  return { action: "Count" };
};
