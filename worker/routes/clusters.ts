import { clusterNames } from "../configuration.ts";
import { clusterOf } from "../env.ts";
import { jsonResponse } from "../http/responses.ts";
import type { Call, Resource } from "../http/resource.ts";

const list = async ({ env }: Call): Promise<Response> => {
  const clusters = await Promise.all(clusterNames(env).map(async (name) => await clusterOf(env, name).describe(name)));
  return jsonResponse(JSON.stringify(clusters));
};

export const clusterResources: readonly Resource[] = [
  { path: "/api/v1/clusters", audience: "api", methods: { GET: list } },
];
