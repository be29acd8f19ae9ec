import { ProblemSchema } from "../../shared/api/problems.ts";
import type { Audience } from "./auth.ts";
import { refTo, type Operation } from "./operation.ts";
import { problems, problemType, type ProblemKind } from "./problems.ts";
import { isPublic, type MethodEndpoint, type Resource } from "./resource.ts";

/** Which problems an operation can answer with. Most of it follows from what is said of the operation anyway. */

/** Problems of any operation. */
const always: readonly ProblemKind[] = ["internal", "not-configured", "busy"];

/** Problems of proving who calls. */
const ofAudience: Readonly<Record<Audience, readonly ProblemKind[]>> = {
  anyone: [],
  api: ["unauthorized", "rate-limited"],
  runner: ["unauthorized", "wrong-token", "rate-limited"],
  agent: ["unauthorized", "wrong-token", "rate-limited"],
};

const ofCaller = ({ audience }: Resource, { role }: MethodEndpoint, open: boolean): readonly ProblemKind[] => {
  const local: readonly ProblemKind[] = open ? ["not-loopback", "foreign-page"] : [];
  if (audience !== "api") return [...local, ...ofAudience[audience]];
  if (open) return local;
  // Every token has the least role.
  return role === "viewer" ? ofAudience.api : [...ofAudience.api, "role-missing"];
};

const ofPath = ({ parameters = [] }: Resource, { method, operation }: MethodEndpoint): readonly ProblemKind[] => {
  if (parameters.length === 0) return [];
  // What is put where nothing was is named by the last part.
  const isNew = method === "PUT" && operation.responses["201"] !== undefined;
  const named = isNew ? parameters.slice(0, -1) : parameters;
  return ["malformed-path", ...named.flatMap(({ unknown }) => (unknown === undefined ? [] : [unknown]))];
};

const ofParameters = (resource: Resource, { parameters = [] }: Operation): readonly ProblemKind[] => [
  // Where people call, unknown parameters are refused.
  ...(isPublic(resource) || parameters.length > 0 ? (["invalid-request"] as const) : []),
  ...(parameters.some(({ name }) => name === "Idempotency-Key") ? (["idempotency-conflict"] as const) : []),
];

const ofBody = ({ requestBody }: Operation): readonly ProblemKind[] => {
  if (requestBody === undefined) return [];
  const bytes = ["malformed-body", "body-too-large"] as const;
  const parsed = [...bytes, "invalid-request", "unsupported-media-type"] as const;
  if ("application/json" in requestBody.content) return parsed;
  return "multipart/form-data" in requestBody.content ? [...parsed, "malformed-form"] : bytes;
};

const ofAnswers = ({ responses }: Operation): readonly ProblemKind[] => [
  ...("101" in responses ? (["upgrade-required"] as const) : []),
  ...("206" in responses ? (["range-not-satisfiable"] as const) : []),
];

/** @param open whether requests from this machine need no token */
export const problemsOf = (resource: Resource, endpoint: MethodEndpoint, open: boolean): ReadonlySet<ProblemKind> => {
  const { operation } = endpoint;
  return new Set([
    ...ofCaller(resource, endpoint, open),
    ...ofPath(resource, endpoint),
    ...ofParameters(resource, operation),
    ...ofBody(operation),
    ...ofAnswers(operation),
    ...(operation.problems ?? []),
    ...always,
  ]);
};

const problemAnswer = (kinds: readonly ProblemKind[], status: number): object => {
  const titles = kinds.map((kind) => problems[kind].title);
  const types = { type: { enum: kinds.map(problemType) }, status: { const: status } };
  const schema = { allOf: [refTo(ProblemSchema), { type: "object", properties: types }] };
  return { description: titles.join(". "), content: { "application/problem+json": { schema } } };
};

/** What an OpenAPI document says of problems, by status. */
export const problemAnswers = (kinds: ReadonlySet<ProblemKind>): Readonly<Record<string, object>> => {
  const byStatus = Map.groupBy(kinds, (kind) => problems[kind].status);
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, problemAnswer(some, status)]));
};
