import { fieldOf, resourceOf } from "./field-references.ts";
import type { Container, EnvVar, Pod } from "./object-schemas.ts";
import { SetupProblem } from "./setup-problem.ts";
import type { Store } from "./store.ts";

/** Replaces `$(NAME)` if a variable of that name was defined before; `$$(NAME)` stands for a literal `$(NAME)`. */
export const expanded = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\$|\$\(([\w.-]+)\)/g, (reference, name: string | undefined) =>
    name === undefined ? "$" : (variables[name] ?? reference),
  );

const configError = (message: string): SetupProblem => new SetupProblem("CreateContainerConfigError", message);

const keyOf = (
  store: Store,
  pod: Pod,
  plural: "secrets" | "configmaps",
  { name, key, optional }: { readonly name: string; readonly key: string; readonly optional?: boolean | undefined },
): string | undefined => {
  const { namespace = "" } = pod.metadata;
  const found = store.get(plural, namespace, name);
  const value = found?.data?.[key];
  if (value !== undefined) return plural === "secrets" ? Buffer.from(value, "base64").toString() : value;
  if (optional === true) return undefined;
  const [one, kind] = plural === "secrets" ? ["secret", "Secret"] : ["configmap", "ConfigMap"];
  throw configError(
    found === undefined ? `${one} "${name}" not found` : `couldn't find key ${key} in ${kind} ${namespace}/${name}`,
  );
};

/** The variables of a container, in order. @throws SetupProblem if something that they refer to is missing */
export const environmentOf = (store: Store, pod: Pod, container: Container): Record<string, string> => {
  const variables: Record<string, string> = {};
  const valueOf = ({ value = "", valueFrom }: EnvVar): string | undefined => {
    if (valueFrom?.secretKeyRef !== undefined) return keyOf(store, pod, "secrets", valueFrom.secretKeyRef);
    if (valueFrom?.configMapKeyRef !== undefined) return keyOf(store, pod, "configmaps", valueFrom.configMapKeyRef);
    if (valueFrom?.fieldRef !== undefined) return fieldOf(pod, valueFrom.fieldRef.fieldPath);
    if (valueFrom?.resourceFieldRef !== undefined) return resourceOf(container, valueFrom.resourceFieldRef);
    return expanded(value, variables);
  };
  for (const variable of container.env ?? []) {
    const value = valueOf(variable);
    if (value !== undefined) variables[variable.name] = value;
  }
  return variables;
};
