import {
  IssuedTokenSchema,
  tokenName,
  TokenNameSchema,
  TokenRequestSchema,
  TokenSchema,
  type IssuedToken,
  type Token,
} from "../../shared/api/tokens.ts";
import { configuredNames } from "../configuration.ts";
import { registryOf } from "../env.ts";
import { check, readJson } from "../http/body.ts";
import { listAnswer, pageParameters, respondWithList } from "../http/lists.ts";
import { jsonAnswer, jsonBody, pathParameter, refTo } from "../http/operation.ts";
import { invalidRequest, ProblemError } from "../http/problems.ts";
import { param, type Call, type Resource } from "../http/resource.ts";
import { jsonResponse } from "../http/responses.ts";
import { generateToken, hashToken } from "../secrets/api-tokens.ts";
import { z } from "zod";

const unknownToken = (name: string): ProblemError =>
  new ProblemError("unknown-token", `No issued token is named '${name}'. Those in API_TOKENS are not kept here.`);

const getToken = async (call: Call): Promise<Response> => {
  const name = param(call, "name");
  const token = await registryOf(call.env).getToken(name);
  if (token === null) throw unknownToken(name);
  return jsonResponse(JSON.stringify(token));
};

const putToken = async (call: Call): Promise<Response> => {
  const { name } = check(z.object({ name: TokenNameSchema }), { name: param(call, "name") });
  const { role, expires = null } = await readJson(call.request, TokenRequestSchema);
  const now = Date.now();
  if (expires !== null && Date.parse(expires) <= now) {
    throw invalidRequest([{ field: "expires", message: "must be a day to come" }]);
  }
  if (configuredNames(call.env).has(name)) {
    const detail = `API_TOKENS has a token named '${name}', which goes first. Use another name, or remove that one.`;
    throw new ProblemError("token-configured", detail);
  }
  const token: Token = { name, role, expires, created: now };
  const text = generateToken();
  const isNew = await registryOf(call.env).putToken(token, await hashToken(text));
  const headers: Record<string, string> = isNew ? { Location: `/api/v1/tokens/${name}` } : {};
  return jsonResponse(JSON.stringify({ ...token, token: text } satisfies IssuedToken), isNew ? 201 : 200, headers);
};

const deleteToken = async (call: Call): Promise<Response> => {
  const name = param(call, "name");
  if (!(await registryOf(call.env).deleteToken(name))) throw unknownToken(name);
  return new Response(null, { status: 204 });
};

export const tokenResources: readonly Resource[] = [
  {
    path: "/api/v1/tokens",
    audience: "api",
    methods: {
      GET: {
        role: "admin",
        operation: {
          id: "listTokens",
          summary: "List the tokens that were issued",
          parameters: pageParameters,
          responses: { "200": listAnswer("Tokens, in the order of their names", TokenSchema) },
        },
        handle: async ({ url, env }) =>
          await respondWithList(url, async (after, limit) => await registryOf(env).listTokens(after, limit)),
      },
    },
  },
  {
    path: "/api/v1/tokens/:name",
    audience: "api",
    parameters: [
      pathParameter("name", "Who uses the token", "unknown-token", { type: "string", pattern: tokenName.source }),
    ],
    methods: {
      GET: {
        role: "admin",
        operation: {
          id: "getToken",
          summary: "Get what is known of a token",
          responses: { "200": jsonAnswer("The token, without its text", refTo(TokenSchema)) },
        },
        handle: getToken,
      },
      PUT: {
        role: "admin",
        operation: {
          id: "putToken",
          summary: "Issue a token, or replace the one of that name",
          requestBody: jsonBody(TokenRequestSchema),
          responses: {
            "200": jsonAnswer("The token that replaces the former one", refTo(IssuedTokenSchema)),
            "201": jsonAnswer("The first token of that name", refTo(IssuedTokenSchema)),
          },
          problems: ["token-configured"],
        },
        handle: putToken,
      },
      DELETE: {
        role: "admin",
        operation: {
          id: "deleteToken",
          summary: "Delete a token; it stops working within a minute",
          responses: { "204": { description: "The token is deleted" } },
        },
        handle: deleteToken,
      },
    },
  },
];
