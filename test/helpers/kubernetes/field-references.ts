import { totalmem } from "node:os";
import type { Container, Pod } from "./object-schemas.ts";
import { quantity } from "./quantity.ts";
import { SetupProblem } from "./setup-problem.ts";

/** The value of a pod's field, as text. */
export const fieldOf = ({ metadata, spec, status }: Pod, path: string): string => {
  const [, map, key] = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path) ?? [];
  if (key !== undefined) return (map === "labels" ? metadata.labels : metadata.annotations)?.[key] ?? "";
  const fields: Readonly<Record<string, unknown>> = {
    "metadata.name": metadata.name,
    "metadata.namespace": metadata.namespace,
    "metadata.uid": metadata.uid,
    "spec.nodeName": spec.nodeName,
    "spec.serviceAccountName": spec.serviceAccountName,
    "status.podIP": status["podIP"],
    "status.hostIP": status["hostIP"],
  };
  const value = fields[path];
  if (typeof value === "string") return value;
  const lines =
    path === "metadata.labels" ? metadata.labels : path === "metadata.annotations" ? metadata.annotations : undefined;
  if (lines === undefined) throw new SetupProblem("CreateContainerConfigError", `unsupported fieldPath: ${path}`);
  return Object.entries(lines)
    .map(([name, text]) => `${name}=${JSON.stringify(text)}`)
    .join("\n");
};

type ResourceReference = { readonly resource: string; readonly divisor?: string | undefined };

/** A container's request or limit, in units of the divisor, rounded up; the machine's capacity if none is set. */
export const resourceOf = ({ resources }: Container, { resource, divisor = "1" }: ResourceReference): string => {
  const [which, name = ""] = resource.split(".");
  const amounts = which === "requests" ? resources.requests : resources.limits;
  const amount = amounts?.[name] ?? (name === "memory" ? totalmem() : 1);
  const unit = quantity(divisor === "0" ? 1 : divisor) ?? 1;
  return String(Math.ceil((quantity(amount) ?? 0) / unit));
};
