import { MeSchema } from "../../shared/api/me.ts";
import { jsonAnswer, refTo } from "../http/operation.ts";
import type { Resource } from "../http/resource.ts";
import { jsonResponse } from "../http/responses.ts";

/** The caller, as the Worker knows it. */
export const meResources: readonly Resource[] = [
  {
    path: "/api/v1/me",
    audience: "api",
    methods: {
      GET: {
        operation: {
          id: "getMe",
          summary: "Get who one is, and what one is allowed to do",
          responses: { "200": jsonAnswer("The caller", refTo(MeSchema)) },
        },
        handle: async ({ caller: { name, role } }) => jsonResponse(JSON.stringify({ name, role })),
      },
    },
  },
];
