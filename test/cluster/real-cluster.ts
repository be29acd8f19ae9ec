import { readFileSync } from "node:fs";
import { AppsV1Api, KubeConfig, KubernetesObjectApi, PatchStrategy } from "@kubernetes/client-node";
import { unless } from "../../backend/agent/launchers/kubernetes/api-error.ts";
import { documents } from "../helpers/kubernetes/documents.ts";
import { agentNamespace, jobsNamespace, TestCluster } from "./cluster.ts";

/** Kinds to leave out of an installation: the agent under test runs on this machine and gets its settings there. */
const leftOut: ReadonlySet<string> = new Set(["Deployment", "ConfigMap", "NetworkPolicy"]);

/** The cluster that a kubeconfig names. */
export class RealCluster extends TestCluster {
  /** @throws Error if an agent is already installed: the two would interfere with each other */
  override async install(): Promise<void> {
    const { items } = await this.config
      .makeApiClient(AppsV1Api)
      .listNamespacedDeployment({ namespace: agentNamespace });
    if (items.length > 0) {
      throw new Error(
        `an agent is installed in this cluster, ${agentNamespace}/${items[0]?.metadata?.name}; use a cluster without one`,
      );
    }
    const api = KubernetesObjectApi.makeApiClient(this.config);
    for (const document of documents(
      readFileSync(new URL("../../backend/deploy/edgefold.yaml", import.meta.url), "utf8"),
    )) {
      if (leftOut.has(document.kind)) continue;
      const { name, namespace } = document.metadata;
      const found = await unless(api.read({ ...document, metadata: { name, namespace: namespace ?? "" } }), 404);
      if (found === undefined) await api.create(document);
      else await api.patch(document, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
    }
  }

  override async agentConfig(): Promise<string> {
    const { status } = await this.core.createNamespacedServiceAccountToken({
      namespace: agentNamespace,
      name: "edgefold-agent",
      body: { spec: { audiences: [], expirationSeconds: 7200 } },
    });
    const config = new KubeConfig();
    const cluster = this.config.getCurrentCluster();
    if (cluster === null || status === undefined) throw new Error("there is no cluster, or no token");
    config.loadFromClusterAndUser(cluster, { name: "agent", token: status.token });
    return config.exportConfig();
  }

  override async quota(pods: number | undefined): Promise<void> {
    const [namespace, name] = [jobsNamespace, "edgefold-test"];
    await unless(this.core.deleteNamespacedResourceQuota({ namespace, name }), 404);
    if (pods === undefined) return;
    await this.core.createNamespacedResourceQuota({
      namespace,
      body: { metadata: { name }, spec: { hard: { pods: String(pods) } } },
    });
  }
}
