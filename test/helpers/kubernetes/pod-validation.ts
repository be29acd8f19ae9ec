import { isDeepStrictEqual } from "node:util";
import { invalidValue, isSubdomain, notAllowed, notThere, required } from "./metadata-validation.ts";
import type { Container, Pod, PodSpec } from "./object-schemas.ts";
import { quantity } from "./quantity.ts";
import type { Cause } from "./status.ts";

const duplicates = (values: readonly string[], field: (index: number) => string): Cause[] =>
  values.flatMap((value, index) =>
    values.indexOf(value) === index
      ? []
      : [{ reason: "FieldValueDuplicate", message: `Duplicate value: ${JSON.stringify(value)}`, field: field(index) }],
  );

const resourceCauses = ({ resources: { limits = {}, requests = {} } }: Container, at: string): Cause[] =>
  [
    ...Object.entries(limits).map((entry) => ["limits", ...entry] as const),
    ...Object.entries(requests).map((entry) => ["requests", ...entry] as const),
  ].flatMap(([which, name, amount]) => {
    const field = `${at}.resources.${which}`;
    const value = quantity(amount);
    if (value === undefined || value < 0)
      return [invalidValue(`${field}[${name}]`, amount, "must be greater than or equal to 0")];
    const limit = limits[name] === undefined ? undefined : quantity(limits[name]);
    if (which === "limits" || limit === undefined || value <= limit) return [];
    return [invalidValue(field, amount, `must be less than or equal to ${name} limit of ${String(limits[name])}`)];
  });

const containerCauses = (container: Container, spec: PodSpec, at: string): Cause[] => {
  const { name, image, env = [], volumeMounts = [] } = container;
  const volumes = (spec.volumes ?? []).map((volume) => volume.name);
  return [
    ...(name === "" ? [required(`${at}.name`)] : []),
    ...(image === "" ? [required(`${at}.image`)] : []),
    ...env.flatMap(({ name: variable, value, valueFrom }, index) => [
      ...(variable === "" ? [required(`${at}.env[${index}].name`)] : []),
      ...(valueFrom !== undefined && value !== undefined && value !== ""
        ? [invalidValue(`${at}.env[${index}].valueFrom`, "", "may not be specified when `value` is not empty")]
        : []),
    ]),
    ...volumeMounts.flatMap((mount, index) =>
      volumes.includes(mount.name) ? [] : [notThere(`${at}.volumeMounts[${index}].name`, mount.name)],
    ),
    ...duplicates(
      volumeMounts.map(({ mountPath }) => mountPath),
      (index) => `${at}.volumeMounts[${index}].mountPath`,
    ),
    ...resourceCauses(container, at),
  ];
};

/** The errors in a pod specification. @param at the path of the specification */
export const podSpecCauses = (spec: PodSpec, at: string): Cause[] => [
  ...(spec.containers.length === 0 ? [required(`${at}.containers`)] : []),
  ...spec.containers.flatMap((container, index) => containerCauses(container, spec, `${at}.containers[${index}]`)),
  ...duplicates(
    spec.containers.map(({ name }) => name),
    (index) => `${at}.containers[${index}].name`,
  ),
  ...duplicates(
    (spec.volumes ?? []).map(({ name }) => name),
    (index) => `${at}.volumes[${index}].name`,
  ),
  ...(spec.volumes ?? []).flatMap(({ name }, index) =>
    isSubdomain(name) && !name.includes(".")
      ? []
      : [
          invalidValue(
            `${at}.volumes[${index}].name`,
            name,
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'",
          ),
        ],
  ),
  // This server's own rule: an unsupported feature must not appear to work.
  ...((spec.initContainers ?? []).length > 0
    ? [notAllowed(`${at}.initContainers`, "this server runs no init containers")]
    : []),
  ...(spec.containers.length > 1 ? [notAllowed(`${at}.containers`, "this server runs one container a pod")] : []),
];

export const podCauses = ({ spec }: Pod, before: Pod | undefined): Cause[] => {
  if (before === undefined) return podSpecCauses(spec, "spec");
  return isDeepStrictEqual(spec, before.spec)
    ? []
    : [notAllowed("spec", "pod updates may not change fields other than `spec.containers[*].image` and a few others")];
};
