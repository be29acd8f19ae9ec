import type { KubeObject } from "./object-schemas.ts";
import type { Cause } from "./status.ts";

export const invalidValue = (field: string, value: unknown, why: string): Cause => ({
  reason: "FieldValueInvalid",
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  field,
});
export const required = (field: string, why = ""): Cause => ({
  reason: "FieldValueRequired",
  message: `Required value${why === "" ? "" : `: ${why}`}`,
  field,
});
export const unsupported = (field: string, value: unknown, supported: readonly string[]): Cause => ({
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => `"${one}"`).join(", ")}`,
  field,
});
export const notThere = (field: string, value: unknown): Cause => ({
  reason: "FieldValueNotFound",
  message: `Not found: ${JSON.stringify(value)}`,
  field,
});
export const notAllowed = (field: string, why: string): Cause => ({
  reason: "FieldValueForbidden",
  message: `Forbidden: ${why}`,
  field,
});

const part = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?";
const dnsLabel = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

export const isSubdomain = (name: string): boolean =>
  name.length <= 253 && new RegExp(`^${dnsLabel}(\\.${dnsLabel})*$`).test(name);

const isQualifiedName = (key: string): boolean => {
  const [name = "", prefix, more] = key.split("/").toReversed();
  return (
    more === undefined &&
    name.length <= 63 &&
    new RegExp(`^${part}$`).test(name) &&
    (prefix === undefined || isSubdomain(prefix))
  );
};

const isLabelValue = (value: string): boolean => value.length <= 63 && new RegExp(`^(${part})?$`).test(value);

export const labelCauses = (labels: Readonly<Record<string, string>> | undefined, field: string): Cause[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...(isQualifiedName(key) ? [] : [invalidValue(field, key, "name part must consist of alphanumeric characters")]),
    ...(value.length > 63 ? [invalidValue(field, value, "must be no more than 63 bytes")] : []),
    ...(value.length > 63 || isLabelValue(value)
      ? []
      : [invalidValue(field, value, "a valid label must be an empty string or consist of alphanumeric characters")]),
  ]);

const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character";

/** The errors in an object's name, labels, annotations and owners. */
export const metadataCauses = ({ metadata }: KubeObject): Cause[] => {
  const { name, labels, annotations, ownerReferences } = metadata;
  const annotationBytes = Buffer.byteLength(
    Object.entries(annotations ?? {})
      .flat()
      .join(""),
  );
  return [
    ...(isSubdomain(name) ? [] : [invalidValue("metadata.name", name, subdomainRule)]),
    ...labelCauses(labels, "metadata.labels"),
    ...Object.keys(annotations ?? {})
      .filter((key) => !isQualifiedName(key.toLowerCase()))
      .map((key) => invalidValue("metadata.annotations", key, "name part must consist of alphanumeric characters")),
    ...(annotationBytes > 262_144
      ? [
          {
            reason: "FieldValueTooLong",
            message: "Too long: may not be more than 262144 bytes",
            field: "metadata.annotations",
          },
        ]
      : []),
    ...(ownerReferences ?? []).flatMap(({ uid }, index) =>
      uid === "" ? [required(`metadata.ownerReferences[${index}].uid`, "must not be empty")] : [],
    ),
    ...((ownerReferences ?? []).filter(({ controller }) => controller === true).length > 1
      ? [
          invalidValue(
            "metadata.ownerReferences",
            ownerReferences,
            "Only one reference can have Controller set to true",
          ),
        ]
      : []),
  ];
};
