import { describe, expect, it } from "vitest";
import { z } from "zod";
import { resources } from "../../worker/routes/resources.ts";
import { call, jsonOf } from "./api.ts";

const DocumentSchema = z.object({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({
    schemas: z.record(z.string(), z.record(z.string(), z.unknown())),
    securitySchemes: z.record(z.string(), z.unknown()),
  }),
});
const document = jsonOf(DocumentSchema, await call("GET", "/openapi.json"));

/** Every value under a key, however deep. */
const values = (node: unknown, key: string): unknown[] => {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => [...(name === key ? [value] : []), ...values(value, key)]);
};

describe("the OpenAPI document", () => {
  it("has every path and method that is served, and no other", async () => {
    const { paths } = await document;
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).flatMap((key) => (key === "parameters" ? [] : [`${key.toUpperCase()} ${path}`])),
    );
    const served = resources.flatMap(({ path, methods }) =>
      Object.keys(methods).map((method) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`),
    );
    expect(described.sort()).toEqual(served.sort());
  });

  it("declares the parameters of every path", async () => {
    for (const [path, item] of Object.entries((await document).paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = z.array(z.object({ name: z.string(), in: z.literal("path"), required: z.literal(true) }));
      expect(declared.parse(item["parameters"] ?? []).map(({ name }) => name)).toEqual(inPath);
    }
  });

  it("says which token and role each operation needs", async () => {
    const { paths } = await document;
    expect(paths["/api/v1/artifacts/{filename}"]?.["delete"]).toMatchObject({
      security: [{ api: [] }],
      description: "Requires the role 'admin'.",
    });
    expect(paths["/api/v1/jobs"]?.["get"]).toMatchObject({ description: "Requires the role 'viewer'." });
    expect(paths["/api/v1/jobs/{id}/link"]?.["get"]).toMatchObject({ security: [{ runner: [] }] });
    expect(paths["/api/v1/jobs/{id}/link"]?.["get"]).not.toHaveProperty("description");
  });

  it("says of every answer what it is", async () => {
    const answers = values((await document).paths, "responses").flatMap((responses) =>
      values(responses, "description"),
    );
    expect(answers.length).toBeGreaterThan(30);
    for (const description of answers) expect(description).toMatch(/^[A-Z]\w*,? \S+/);
  });

  it("refers to what is there only", async () => {
    const whole = await document;
    const references = values(whole, "$ref");
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const id = /^#\/components\/schemas\/(\w+)$/.exec(String(reference))?.[1] ?? "";
      expect(whole.components.schemas).toHaveProperty(id);
    }
    for (const schemes of values(whole.paths, "security")) {
      const names = z.array(z.record(z.string(), z.array(z.string()))).parse(schemes);
      for (const name of names.flatMap(Object.keys)) expect(whole.components.securitySchemes).toHaveProperty(name);
    }
  });

  it("says what one may send and what one gets", async () => {
    const { schemas } = (await document).components;
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
