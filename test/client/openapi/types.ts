import { join } from "node:path";
import openapiTypes, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { openApiDocument } from "../../../worker/http/openapi.ts";
import { resourceGroups } from "../../../worker/routes/resources.ts";

/** Where the SDK keeps the types of the API. */
export const typesFile = join(import.meta.dirname, "../../../client/sdk/openapi.ts");

/** Nothing of these is in the types, so that they change with the API alone. */
const installation = { version: "0", origin: "https://edgefold.example.com", open: false };

/** The types of the API, made from its OpenAPI document. */
export const generateTypes = async (): Promise<string> => {
  const document = JSON.stringify(openApiDocument(resourceGroups, installation));
  // A field that has a default need not be sent.
  const nodes = await openapiTypes(document, { defaultNonNullable: false });
  return COMMENT_HEADER + astToString(nodes);
};
