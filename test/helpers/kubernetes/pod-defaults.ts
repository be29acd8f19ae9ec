import type { Pod, PodSpec } from "./object-schemas.ts";

/** What the server sets in a pod's specification, also in that of a Job's template; more is set where it is parsed. */
export const setSpecDefaults = (spec: PodSpec): void => {
  for (const container of spec.containers) {
    const { image } = container;
    container["imagePullPolicy"] ??=
      !/[:@]/.test(image.slice(image.lastIndexOf("/") + 1)) || image.endsWith(":latest") ? "Always" : "IfNotPresent";
  }
};

/** What the server sets in a pod. */
export const setPodDefaults = ({ spec, metadata }: Pod): void => {
  setSpecDefaults(spec);
  metadata.generation ??= 1;
  spec.serviceAccountName ??= "default";
  spec["serviceAccount"] = spec.serviceAccountName;
  spec["enableServiceLinks"] ??= true;
  spec["priority"] ??= 0;
  for (const { resources } of spec.containers)
    if (resources.limits !== undefined) resources.requests = { ...resources.limits, ...resources.requests };
};

/** The quality of service that a pod gets, by its resources of cpu and memory. */
export const qosClassOf = ({ containers }: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" => {
  const amounts = containers.flatMap(({ resources: { limits = {}, requests = {} } }) =>
    ["cpu", "memory"].map((name) => ({ limit: limits[name], request: requests[name] })),
  );
  if (amounts.every(({ limit, request }) => limit === undefined && request === undefined)) return "BestEffort";
  return amounts.every(({ limit, request }) => limit !== undefined && limit === request) ? "Guaranteed" : "Burstable";
};
