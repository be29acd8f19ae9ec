import { hostname } from "node:os";
import { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import { parseConfig, type AgentConfig } from "./config.ts";
import { serveHealth } from "./health.ts";
import { ClusterApi } from "./launchers/kubernetes/cluster-api.ts";
import { defaultTimes, KubernetesLauncher, type KubernetesTimes } from "./launchers/kubernetes/kubernetes.ts";
import { defaultLeaderTimes, Leader } from "./launchers/kubernetes/leader.ts";
import { KubernetesSettingsSchema } from "./launchers/kubernetes/settings.ts";
import { log, serve } from "./serve.ts";

/** What the agent is told of itself. */
const OwnSchema = z.object({
  AGENT_NAMESPACE: z.string().min(1).default("edgefold"),
  POD_NAME: z.string().min(1).default(`${hostname()}-${process.pid}`),
  /** Where the kubelet asks how it is; nowhere by default. */
  HEALTH_PORT: z.coerce.number().int().positive().max(65_535).optional(),
});

/**
 * Runs an agent whose runners are pods, until a signal ends it, the Worker dismisses it, or another agent leads.
 * @returns the exit code
 */
export const runKubernetesAgent = async (
  config: AgentConfig,
  times: KubernetesTimes = defaultTimes,
): Promise<number> => {
  const settings = parseConfig(KubernetesSettingsSchema, process.env);
  const { AGENT_NAMESPACE, POD_NAME, HEALTH_PORT } = parseConfig(OwnSchema, process.env);
  const health = HEALTH_PORT === undefined ? undefined : await serveHealth(HEALTH_PORT);
  const kubeConfig = new KubeConfig();
  // The service account's within a cluster, KUBECONFIG or ~/.kube/config outside.
  kubeConfig.loadFromDefault();
  const api = new ClusterApi(kubeConfig, settings.JOBS_NAMESPACE, config.cluster);
  const missing = await api.missingPermissions(AGENT_NAMESPACE);
  if (missing.length > 0) {
    log(`the agent may not do what it must:\n${missing.map((what) => `- ${what}`).join("\n")}`);
    return 1;
  }
  const { cluster } = config;
  const leader = new Leader({
    config: kubeConfig,
    namespace: AGENT_NAMESPACE,
    cluster,
    identity: POD_NAME,
    times: defaultLeaderTimes,
    log,
  });
  // One that waits for its turn does what it is for.
  if (health !== undefined) health.isReady = true;
  const stopWaiting = (): void => void leader.stop();
  process.once("SIGTERM", stopWaiting).once("SIGINT", stopWaiting);
  if (!(await leader.lead())) return 0;
  process.off("SIGTERM", stopWaiting).off("SIGINT", stopWaiting);
  if (health !== undefined) health.isReady = false;
  // Pods go on; whoever leads now finds them.
  void leader.lost.then(() => process.exit(1));
  try {
    return await serve(config, {
      clusterId: await api.clusterId(),
      launcher: (events) =>
        new KubernetesLauncher(
          { config: kubeConfig, cluster, workerUrl: config.workerUrl, capacity: config.runners, settings, times, log },
          events,
        ),
      onConnected: () => {
        if (health !== undefined) health.isReady = true;
      },
    });
  } finally {
    await leader.stop();
    health?.close();
  }
};
