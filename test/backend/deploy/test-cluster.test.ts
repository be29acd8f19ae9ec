import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { json } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { RealCluster } from "../../cluster/real-cluster.ts";
import { documents } from "../../helpers/kubernetes/documents.ts";

const KindSchema = z.object({ kind: z.string() });

/** An API server whose only objects are Deployments of the given names, and which accepts every creation. */
class EmptyCluster {
  /** The kinds of the created objects. */
  readonly created: string[] = [];
  readonly #server: Server;

  constructor(deployments: readonly string[]) {
    const deploymentList = { items: deployments.map((name) => ({ metadata: { name } })) };
    this.#server = createServer((request, response) => {
      void this.#answer(request, deploymentList).then(([status, body]) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
      );
    });
  }

  async #answer(request: IncomingMessage, deploymentList: object): Promise<[number, object]> {
    const { method, url = "" } = request;
    if (method !== "GET") {
      this.created.push(KindSchema.parse(await json(request)).kind);
      return [201, {}];
    }
    if (url.endsWith("/deployments")) return [200, deploymentList];
    if (/^\/(api\/v1|apis\/[^/]+\/[^/]+)$/.test(url)) return [200, { resources: kinds }];
    return [404, { kind: "Status", code: 404, reason: "NotFound" }];
  }

  async install(): Promise<void> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: "admin" },
    );
    await new RealCluster(config, "image", "localhost").install();
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const manifest = documents(readFileSync(new URL("../../../backend/deploy/edgefold.yaml", import.meta.url), "utf8"));
/** The kinds that the API server lists for every group at once. */
const kinds = manifest.map(({ kind, metadata: { namespace } }) => ({
  name: `${kind.toLowerCase()}s`,
  kind,
  namespaced: namespace !== undefined,
}));

let cluster: EmptyCluster;
afterEach(() => cluster.stop());

it("the cluster of `npm run test:cluster` gets what an agent needs, but no agent settings", async () => {
  cluster = new EmptyCluster([]);
  await cluster.install();
  expect(cluster.created).toContain("Role");
  expect(cluster.created.filter((kind) => ["ConfigMap", "Deployment"].includes(kind))).toEqual([]);
});

it("a cluster with an agent is refused and left unchanged", async () => {
  cluster = new EmptyCluster(["edgefold-agent"]);
  await expect(cluster.install()).rejects.toThrow(
    "an agent is installed in this cluster, edgefold/edgefold-agent; use a cluster without one",
  );
  expect(cluster.created).toEqual([]);
});
