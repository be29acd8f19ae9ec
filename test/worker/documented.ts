import { expect } from "vitest";
import { ProblemSchema } from "../../shared/api/problems.ts";
import type { Env } from "../../worker/env.ts";
import { problemsOf } from "../../worker/http/operation-problems.ts";
import { problems, problemType } from "../../worker/http/problems.ts";
import { endpointsOf } from "../../worker/http/resource.ts";
import { resources } from "../../worker/routes/resources.ts";

const patterns = resources.map((resource) => ({
  resource,
  pattern: new RegExp(`^${resource.path.replaceAll(/:\w+/g, "[^/]+")}/*$`),
}));

/** Fails if the OpenAPI document does not list the response for its operation. */
export const expectDocumented = async (request: Request, response: Response, env: Env): Promise<void> => {
  const { pathname } = new URL(request.url);
  const resource = patterns.find(({ pattern }) => pattern.test(pathname))?.resource;
  const method = request.method === "HEAD" ? "GET" : request.method;
  const endpoint = resource && endpointsOf(resource).find((each) => each.method === method);
  if (resource === undefined || endpoint === undefined) return;
  const isProblem = response.headers.get("Content-Type") === "application/problem+json";
  if (!isProblem) {
    expect(Object.keys(endpoint.operation.responses), `${method} ${resource.path}`).toContain(String(response.status));
    return;
  }
  const kinds = [...problemsOf(resource, endpoint, env.OPEN_TO === "loopback")];
  expect(new Set(kinds.map((kind) => problems[kind].status)), `${method} ${resource.path}`).toContain(response.status);
  if (request.method === "HEAD") return;
  const { type } = ProblemSchema.parse(await response.clone().json());
  expect(kinds.map(problemType), `${method} ${resource.path}`).toContain(type);
};
