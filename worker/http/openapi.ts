import { z } from "zod";
import { openApiPaths, schemaUri } from "./openapi-paths.ts";

/**
 * The registered schemas as JSON Schema, as one may send them: what has a default need not be sent, and what is not said
 * to be closed may gain fields.
 */
const componentSchemas = (): Record<string, unknown> => {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { io: "input", uri: schemaUri });
  return Object.fromEntries(
    // Within a document of another kind these two would say something else.
    Object.entries(schemas).map(([id, schema]) => [id, { ...schema, $id: undefined, $schema: undefined }]),
  );
};

const bearer = (description: string) => ({ type: "http", scheme: "bearer", description });

/** The OpenAPI 3.1 description of everything that is served. */
export const openApiDocument = (version: string) => ({
  openapi: "3.1.0",
  info: {
    title: "Edgefold",
    version,
    summary: "MapReduce on Kubernetes, driven from a REST endpoint at the edge",
    license: { name: "Apache 2.0", identifier: "Apache-2.0" },
  },
  security: [{ api: [] }],
  paths: openApiPaths,
  components: {
    schemas: componentSchemas(),
    securitySchemes: {
      api: bearer("One of API_TOKENS. Not asked for in development (OPEN_TO=loopback)."),
      agent: bearer("The cluster's token among AGENT_TOKENS."),
      runner: bearer("Given to a job's runners by its agent."),
    },
  },
});
