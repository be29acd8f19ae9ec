import { z } from "zod";
import { problemAnswer, schemaUri } from "./operation.ts";
import { endpointsOf, type Resource } from "./resource.ts";

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

const bearerScheme = (description: string) => ({ type: "http", scheme: "bearer", description });

const pathItem = (resource: Resource): object => {
  const { audience, parameters } = resource;
  const operations = endpointsOf(resource).map(({ method, role, operation }) => {
    const { id, responses, ...rest } = operation;
    return [
      method.toLowerCase(),
      {
        operationId: id,
        ...rest,
        description: audience === "api" ? `Requires the role '${role}'.` : undefined,
        responses: { ...responses, default: problemAnswer },
        security: [{ [audience]: [] }],
      },
    ];
  });
  return { parameters, ...Object.fromEntries(operations) };
};

/** The OpenAPI 3.1 description of resources. */
export const openApiDocument = (version: string, resources: readonly Resource[]) => ({
  openapi: "3.1.0",
  info: {
    title: "Edgefold",
    version,
    summary: "MapReduce on Kubernetes, driven from a REST endpoint at the edge",
    license: { name: "Apache 2.0", identifier: "Apache-2.0" },
  },
  paths: Object.fromEntries(
    resources.map((resource) => [resource.path.replaceAll(/:(\w+)/g, "{$1}"), pathItem(resource)]),
  ),
  components: {
    schemas: componentSchemas(),
    securitySchemes: {
      api: bearerScheme("A token of the API. Development (OPEN_TO=loopback) asks for none."),
      agent: bearerScheme("The cluster's token in AGENT_TOKENS."),
      runner: bearerScheme("The token that a job's runners get from their agent."),
    },
  },
});
