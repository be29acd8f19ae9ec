import packageJson from "../../package.json" with { type: "json" };
import { openApiDocument } from "../http/openapi.ts";
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
  tasks: "/api/v1/jobs/{id}/tasks",
  clusters: "/api/v1/clusters",
};

export const rootResources: readonly Resource[] = [
  {
    path: "/",
    audience: "api",
    methods: { GET: async () => jsonResponse(JSON.stringify({ name, version, description, links })) },
  },
  {
    path: "/openapi.json",
    audience: "api",
    methods: { GET: async () => jsonResponse(JSON.stringify(openApiDocument(version))) },
  },
];
