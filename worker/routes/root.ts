import packageJson from "../../package.json" with { type: "json" };
import { readConfiguration } from "../configuration.ts";
import { openApiDocument } from "../http/openapi.ts";
import { jsonAnswer } from "../http/operation.ts";
import { jsonResponse } from "../http/responses.ts";
import type { ResourceGroup } from "../http/resource.ts";

const { name, version, description } = packageJson;

const index = {
  name,
  version,
  description,
  links: {
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
    notificationKey: "/api/v1/notification-key",
  },
};

/** What tells of all other resources, and of itself. */
export const rootGroup = (others: readonly ResourceGroup[]): ResourceGroup => {
  const root: ResourceGroup = {
    tag: "description",
    description: "What the API has",
    resources: [
      {
        path: "/",
        audience: "api",
        methods: {
          GET: {
            operation: {
              id: "root",
              summary: "List the resources of the API",
              responses: { "200": jsonAnswer("Links to the resources", { type: "object", examples: [index] }) },
            },
            handle: async () => jsonResponse(JSON.stringify(index)),
          },
        },
      },
      {
        path: "/openapi.json",
        // It is the same as in the public source, and tools that read it seldom have a token.
        audience: "anyone",
        methods: {
          GET: {
            operation: {
              id: "openapi",
              summary: "Get this document",
              responses: { "200": jsonAnswer("An OpenAPI 3.1 document", { type: "object" }) },
            },
            handle: async ({ env, url }) => {
              const { open } = readConfiguration(env);
              const document = openApiDocument([root, ...others], { version, origin: url.origin, open });
              return jsonResponse(JSON.stringify(document));
            },
          },
        },
      },
    ],
  };
  return root;
};
