import type { z } from "zod";
import type { ProblemKind } from "./problems.ts";

/** What the OpenAPI document says of a method at a path (OpenAPI 3.1, "Operation Object"), and what such texts are made of. */

type Parameter = { readonly name: string; readonly in: "path" | "query" | "header" } & Readonly<
  Record<string, unknown>
>;

type RequestBody = {
  readonly required: true;
  /** By media type. */
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
};

export type Operation = {
  /** Unique in the document. */
  readonly id: string;
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: RequestBody;
  /** By status, without problems. */
  readonly responses: Readonly<Record<string, object>>;
  /** The problems it can answer with besides those that follow from all else (`problemsOf`). */
  readonly problems?: readonly ProblemKind[];
};

/** Where the document keeps the schema of this id. */
export const schemaUri = (id: string): string => `#/components/schemas/${id}`;

export const refTo = (schema: z.ZodType): object => {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error("a schema of the API has no id");
  return { $ref: schemaUri(id) };
};

export const arrayOf = (schema: z.ZodType): object => ({ type: "array", items: refTo(schema) });

/** An answer with JSON of that JSON schema. */
export const jsonAnswer = (description: string, schema: object): object => ({
  description,
  content: { "application/json": { schema } },
});

/** A body with JSON of that schema, which must be sent. */
export const jsonBody = (schema: z.ZodType): RequestBody => ({
  required: true,
  content: { "application/json": { schema: refTo(schema) } },
});

export const bytesAnswer = (description: string): object => ({
  description,
  content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
});

/** A `:part` of a resource's path. */
export type PathParameter = {
  readonly name: string;
  readonly description: string;
  readonly schema: object;
  /** The problem where it names nothing that there is. */
  readonly unknown?: ProblemKind | undefined;
};

export const pathParameter = (
  name: string,
  description: string,
  unknown?: ProblemKind,
  schema: object = { type: "string" },
): PathParameter => ({ name, description, schema, unknown });
