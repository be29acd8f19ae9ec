import packageJson from "../../package.json" with { type: "json" };
import { openApiDocument } from "../http/openapi.ts";
import { jsonAnswer } from "../http/operation.ts";
import { jsonResponse } from "../http/responses.ts";
import type { Resource } from "../http/resource.ts";

const { name, version, description } = packageJson;

const links = {
  self: "/",
  openapi: "/openapi.json",
  artifacts: "/api/v1/artifacts",
  artifact: "/api/v1/artifacts/{filename}",
  artifactContent: "/api/v1/artifacts/{filename}/content",
  jobs: "/api/v1/jobs",
  job: "/api/v1/jobs/{id}",
  events: "/api/v1/jobs/{id}/events",
  tasks: "/api/v1/jobs/{id}/tasks",
  clusters: "/api/v1/clusters",
  tokens: "/api/v1/tokens",
  token: "/api/v1/tokens/{name}",
};

/** What tells of all other resources, and of itself. */
export const rootResources = (others: readonly Resource[]): readonly Resource[] => {
  const own: readonly Resource[] = [
    {
      path: "/",
      audience: "api",
      methods: {
        GET: {
          operation: {
            id: "root",
            summary: "List the resources of the API",
            responses: { "200": jsonAnswer("Links to the resources", { type: "object" }) },
          },
          handle: async () => jsonResponse(JSON.stringify({ name, version, description, links })),
        },
      },
    },
    {
      path: "/openapi.json",
      audience: "api",
      methods: {
        GET: {
          operation: {
            id: "openapi",
            summary: "Get this document",
            responses: { "200": jsonAnswer("An OpenAPI 3.1 document", { type: "object" }) },
          },
          handle: async () => jsonResponse(JSON.stringify(openApiDocument(version, [...own, ...others]))),
        },
      },
    },
  ];
  return own;
};
