import { z } from "zod";
import type { Audience } from "./auth.ts";
import { examples } from "./examples.ts";
import { schemaUri, type PathParameter } from "./operation.ts";
import { problemAnswers, problemsOf } from "./operation-problems.ts";
import { endpointsOf, type Resource, type ResourceGroup } from "./resource.ts";

/** The OpenAPI 3.1 description of resources. */

/**
 * The registered schemas as JSON Schema, as one may send them: what has a default need not be sent, and what is not said
 * to be closed may gain fields.
 */
const makeSchemas = (): Record<string, unknown> => {
  const { schemas: made } = z.toJSONSchema(z.globalRegistry, { io: "input", uri: schemaUri });
  const exampleOf = new Map(examples.map(({ schema, value }) => [schema.meta()?.id, value]));
  return Object.fromEntries(
    Object.entries(made).map(([id, schema]) => {
      const shown = exampleOf.has(id) ? { examples: [exampleOf.get(id)] } : {};
      // Within a document of another kind these two would say something else.
      return [id, { ...schema, ...shown, $id: undefined, $schema: undefined }];
    }),
  );
};

let schemas: Record<string, unknown> | undefined;

/** Made once: anyone may ask for the document. */
const componentSchemas = (): Record<string, unknown> => (schemas ??= makeSchemas());

const parameterOf = ({ name, description, schema }: PathParameter): object => ({
  name,
  in: "path",
  required: true,
  description,
  schema,
});

/** The tokens that a resource asks for: any of these. */
const securityOf = (audience: Audience, open: boolean): object[] =>
  audience === "anyone" || (audience === "api" && open) ? [] : [{ [audience]: [] }];

const pathItem = (resource: Resource, tag: string, open: boolean): object => {
  const { audience, parameters } = resource;
  const operations = endpointsOf(resource).map((endpoint) => {
    const { method, role, operation } = endpoint;
    const { id, responses, problems: _, ...rest } = operation;
    return [
      method.toLowerCase(),
      {
        operationId: id,
        tags: [tag],
        ...rest,
        description: audience === "api" ? `Requires the role '${role}'.` : undefined,
        responses: { ...responses, ...problemAnswers(problemsOf(resource, endpoint, open)) },
        security: securityOf(audience, open),
      },
    ];
  });
  return { parameters: parameters?.map(parameterOf), ...Object.fromEntries(operations) };
};

const bearerScheme = (description: string) => ({ type: "http", scheme: "bearer", description });

const agentSchemes = {
  agent: bearerScheme("The cluster's token in AGENT_TOKENS."),
  runner: bearerScheme("The token that a job's runners get from their agent."),
};

type Installation = {
  readonly version: string;
  /** Where it was asked: scheme, host and port. */
  readonly origin: string;
  /** Whether requests from this machine need no token. */
  readonly open: boolean;
};

/** The document as this installation serves it. */
export const openApiDocument = (groups: readonly ResourceGroup[], { version, origin, open }: Installation) => ({
  openapi: "3.1.0",
  info: {
    title: "Edgefold",
    version,
    summary: "MapReduce on Kubernetes, driven from a REST endpoint at the edge",
    description:
      "Upload a mapper and a reducer, start a job with them, and follow it until it is completed; its output is in your own " +
      "store. Times are milliseconds since 1970, sizes are bytes. Errors are problem details (RFC 9457).",
    license: { name: "Apache 2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: origin }],
  tags: groups.map(({ tag, description }) => ({ name: tag, description })),
  paths: Object.fromEntries(
    groups.flatMap(({ tag, resources }) =>
      resources.map((resource) => [resource.path.replaceAll(/:(\w+)/g, "{$1}"), pathItem(resource, tag, open)]),
    ),
  ),
  components: {
    schemas: componentSchemas(),
    securitySchemes: open ? agentSchemes : { api: bearerScheme("A token of the API."), ...agentSchemes },
  },
});
