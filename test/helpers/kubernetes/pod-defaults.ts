import type { Pod, PodSpec } from "./object-schemas.ts";

/** The defaults that the server sets in a pod's specification, including a Job template's; the parser sets more. */
export const setSpecDefaults = (spec: PodSpec): void => {
  for (const container of spec.containers) {
    const { image } = container;
    container["imagePullPolicy"] ??=
      !/[:@]/.test(image.slice(image.lastIndexOf("/") + 1)) || image.endsWith(":latest") ? "Always" : "IfNotPresent";
  }
};

/** The defaults that the server sets in a pod. */
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

/** The quality of service that a pod gets from its cpu and memory resources. */
export const qosClassOf = ({ containers }: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" => {
  const amounts = containers.flatMap(({ resources: { limits = {}, requests = {} } }) =>
    ["cpu", "memory"].map((name) => ({ limit: limits[name], request: requests[name] })),
  );
  if (amounts.every(({ limit, request }) => limit === undefined && request === undefined)) return "BestEffort";
  return amounts.every(({ limit, request }) => limit !== undefined && limit === request) ? "Guaranteed" : "Burstable";
};
