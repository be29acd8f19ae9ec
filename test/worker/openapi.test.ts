import { describe, expect, it } from "vitest";
import { z } from "zod";
import { examples } from "../../worker/http/examples.ts";
import { resources } from "../../worker/routes/resources.ts";
import type { Env } from "../../worker/env.ts";
import { call, closedEnv, jsonOf, openEnv } from "./api.ts";

const ContentSchema = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) }));
const BodySchema = z.object({ content: ContentSchema.default({}) });
const OperationSchema = z.object({
  tags: z.array(z.string()),
  description: z.string().optional(),
  requestBody: BodySchema.optional(),
  responses: z.record(z.string(), BodySchema.extend({ description: z.string() })),
  security: z.array(z.record(z.string(), z.array(z.string()))),
});
const DocumentSchema = z.object({
  openapi: z.literal("3.1.0"),
  servers: z.array(z.object({ url: z.string() })),
  tags: z.array(z.object({ name: z.string(), description: z.string().min(10) })),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({
    schemas: z.record(z.string(), z.record(z.string(), z.unknown())),
    securitySchemes: z.record(z.string(), z.unknown()),
  }),
});

const documentOf = async (env: Env, origin?: string) =>
  jsonOf(DocumentSchema, await call("GET", "/openapi.json", { env, origin }));
const document = await documentOf(closedEnv, "https://edgefold.example.com");
const openDocument = await documentOf(openEnv);

type Document = typeof document;
type Operation = z.infer<typeof OperationSchema>;

/** All operations, under `GET /path`. */
const operationsOf = ({ paths }: Document): ReadonlyMap<string, Operation> =>
  new Map<string, Operation>(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([key, value]) =>
        key === "parameters" ? [] : [[`${key.toUpperCase()} ${path}`, OperationSchema.parse(value)] as const],
      ),
    ),
  );
const operations = operationsOf(document);

/** Every value under a key, however deep. */
const values = (node: unknown, key: string): unknown[] => {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => [...(name === key ? [value] : []), ...values(value, key)]);
};

/** The kinds of problems that an operation can return, by status. */
const problemsOf = (name: string, of = operations): Record<string, unknown[]> =>
  Object.fromEntries(
    Object.entries(of.get(name)?.responses ?? {}).flatMap(([status, { content }]) => {
      const kinds = values(content["application/problem+json"], "enum").flat();
      return kinds.length === 0
        ? []
        : [[status, kinds.map((kind) => String(kind).replace("urn:edgefold:problem:", ""))]];
    }),
  );

describe("the OpenAPI document", () => {
  it("has every path and method that is served, and no other", () => {
    const served = resources.flatMap(({ path, methods }) =>
      Object.keys(methods).map((method) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`),
    );
    expect([...operations.keys()].sort()).toEqual(served.sort());
  });

  it("declares the parameters of every path", () => {
    for (const [path, item] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = z.array(z.object({ name: z.string(), in: z.literal("path"), required: z.literal(true) }));
      expect(declared.parse(item["parameters"] ?? []).map(({ name }) => name)).toEqual(inPath);
    }
  });

  it("names the server that it was requested from", () => {
    expect(document.servers).toEqual([{ url: "https://edgefold.example.com" }]);
    expect(openDocument.servers).toEqual([{ url: "http://localhost:4750" }]);
  });

  it("has exactly one tag for each operation, and describes every tag", () => {
    const used = [...operations.values()].map(({ tags }) => tags);
    for (const tags of used) expect(tags).toHaveLength(1);
    expect(new Set(used.flat())).toEqual(new Set(document.tags.map(({ name }) => name)));
    expect(operations.get("PUT /api/v1/jobs/{id}/attempts/{attempt}/log")?.tags).toEqual(["internal"]);
  });

  it("says which token and role each operation needs", () => {
    expect(operations.get("DELETE /api/v1/artifacts/{filename}")).toMatchObject({
      security: [{ api: [] }],
      description: "Requires the role 'admin'.",
    });
    expect(operations.get("GET /api/v1/jobs")).toMatchObject({ description: "Requires the role 'viewer'." });
    expect(operations.get("GET /openapi.json")?.security).toEqual([]);
    expect(operations.get("GET /api/v1/jobs/{id}/link")).toMatchObject({ security: [{ runner: [] }] });
    expect(operations.get("GET /api/v1/jobs/{id}/link")).not.toHaveProperty("description");
  });

  it("requires no API token if none is needed", () => {
    const open = operationsOf(openDocument);
    expect(open.get("GET /api/v1/jobs")?.security).toEqual([]);
    expect(open.get("GET /api/v1/jobs/{id}/link")?.security).toEqual([{ runner: [] }]);
    expect(Object.keys(openDocument.components.securitySchemes)).toEqual(["agent", "runner"]);
    expect(problemsOf("GET /api/v1/jobs", open)).not.toHaveProperty("401");
  });

  it("lists the problems that each operation can return", () => {
    const always = { "500": ["internal"], "503": ["not-configured", "busy"] };
    expect(problemsOf("POST /api/v1/jobs")).toEqual({
      "400": ["invalid-request", "malformed-body"],
      "401": ["unauthorized"],
      "403": ["role-missing"],
      "404": ["unknown-artifact"],
      "413": ["body-too-large"],
      "415": ["unsupported-media-type"],
      "422": ["idempotency-conflict"],
      "429": ["rate-limited", "too-many-jobs"],
      ...always,
    });
    expect(problemsOf("GET /api/v1/jobs/{id}")).toEqual({
      "400": ["malformed-path", "invalid-request"],
      "401": ["unauthorized"],
      "404": ["unknown-job"],
      "429": ["rate-limited"],
      ...always,
    });
    expect(problemsOf("DELETE /api/v1/jobs/{id}")["409"]).toEqual(["job-ended", "job-committing", "job-not-over"]);
    expect(problemsOf("PUT /api/v1/tokens/{name}")).not.toHaveProperty("404");
    expect(problemsOf("GET /api/v1/jobs/{id}/link")).toMatchObject({
      "403": ["wrong-token"],
      "426": ["upgrade-required"],
    });
    for (const name of operations.keys()) {
      expect(Object.keys(problemsOf(name)).some((status) => status.startsWith("4"))).toBe(true);
    }
  });

  it("describes every response", () => {
    const answers = [...operations.values()].flatMap(({ responses }) => Object.values(responses));
    expect(answers.length).toBeGreaterThan(100);
    for (const { description } of answers) expect(description).toMatch(/^[A-Z][\w-]*,? \S+/);
  });

  it("has an example for every JSON, text or form body", () => {
    const { schemas } = document.components;
    const shown = (schema: Record<string, unknown>): boolean => {
      const [reference = ""] = values(schema, "$ref").map((path) => String(path).split("/").at(-1));
      const all = schema["allOf"] !== undefined;
      return values(all || reference !== "" ? schemas[reference] : schema, "examples").length > 0;
    };
    for (const [name, { requestBody, responses }] of operations) {
      for (const { content } of [...Object.values(responses), ...(requestBody === undefined ? [] : [requestBody])]) {
        for (const [type, { schema }] of Object.entries(content)) {
          const isShown = schema["format"] === "binary" || name === "GET /openapi.json" || shown(schema);
          expect(isShown, `${name} ${type}`).toBe(true);
        }
      }
    }
  });

  it("has no dangling references", () => {
    const references = values(document, "$ref");
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const id = /^#\/components\/schemas\/(\w+)$/.exec(String(reference))?.[1] ?? "";
      expect(document.components.schemas).toHaveProperty(id);
    }
    const schemes = [...operations.values()].flatMap(({ security }) => security.flatMap(Object.keys));
    for (const name of schemes) expect(document.components.securitySchemes).toHaveProperty(name);
  });

  it("describes requests and responses", () => {
    const { schemas } = document.components;
    expect(schemas["JobRequest"]).toMatchObject({
      additionalProperties: false,
      required: ["inputPath", "outputPath", "mapperName"],
      properties: {
        nReducers: { default: 1 },
        inputStorageCredentials: {
          anyOf: [
            { $ref: "#/components/schemas/StorageCredentials" },
            { $ref: "#/components/schemas/SecretReference" },
          ],
        },
        inputStorageHeaders: {
          propertyNames: { enum: expect.arrayContaining(["x-amz-expected-bucket-owner", "x-amz-request-payer"]) },
        },
      },
    });
    expect(schemas["Artifact"]).toMatchObject({ required: ["name", "type", "size", "hash"] });
    expect(schemas["Artifact"]).not.toHaveProperty("$schema");
    expect(schemas["Job"]).not.toHaveProperty("additionalProperties");
  });
});

describe("an example", () => {
  it.each(examples.map(({ schema, value }) => [schema.meta()?.id, schema, value] as const))(
    "of %s is valid",
    (_id, schema, value) => {
      // Parsing drops fields that the schema does not have.
      expect({ value: schema.parse(value) }).toMatchObject({ value });
    },
  );
});
