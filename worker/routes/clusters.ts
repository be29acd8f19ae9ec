import { ClusterSchema } from "../../shared/api/clusters.ts";
import { clusterNames } from "../configuration.ts";
import { clusterOf } from "../env.ts";
import { arrayOf, jsonAnswer } from "../http/operation.ts";
import { jsonResponse } from "../http/responses.ts";
import type { Call, Resource } from "../http/resource.ts";

const listClusters = async ({ env }: Call): Promise<Response> => {
  const clusters = await Promise.all(clusterNames(env).map(async (name) => await clusterOf(env, name).describe(name)));
  return jsonResponse(JSON.stringify(clusters));
};

export const clusterResources: readonly Resource[] = [
  {
    path: "/api/v1/clusters",
    audience: "api",
    methods: {
      GET: {
        operation: {
          id: "listClusters",
          summary: "List the clusters that jobs can run on",
          responses: { "200": jsonAnswer("Clusters, in the order of AGENT_TOKENS", arrayOf(ClusterSchema)) },
        },
        handle: listClusters,
      },
    },
  },
];
