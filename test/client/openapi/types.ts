import { join } from "node:path";
import openapiTypes, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { openApiDocument } from "../../../worker/http/openapi.ts";
import { resourceGroups } from "../../../worker/routes/resources.ts";

/** The file with the SDK's API types. */
export const typesFile = join(import.meta.dirname, "../../../client/sdk/openapi.ts");

/** Fixed values that do not appear in the types, so the types change only with the API. */
const installation = { version: "0", origin: "https://edgefold.example.com", open: false };

/** Generates the API types from the OpenAPI document. */
export const generateTypes = async (): Promise<string> => {
  const document = JSON.stringify(openApiDocument(resourceGroups, installation));
  // Fields with a default are optional in requests.
  const nodes = await openapiTypes(document, { defaultNonNullable: false });
  return COMMENT_HEADER + astToString(nodes);
};
