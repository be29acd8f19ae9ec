import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { KubeConfig } from "@kubernetes/client-node";
import { programsFolder } from "../../backend/host/build.ts";
import { TestCluster } from "../cluster/cluster.ts";
import { FakeCluster } from "../helpers/kubernetes/cluster.ts";
import { documents } from "../helpers/kubernetes/documents.ts";

const image = "registry.example.com/edgefold:test";
/** An image without a runner. */
export const brokenImage = "registry.example.com/broken:test";

const docs = fileURLToPath(new URL("../../docs", import.meta.url));

/** A cluster inside this process, whose pods are local processes. Nothing is installed. */
export class SimulatedCluster extends TestCluster {
  readonly fake: FakeCluster;

  private constructor(fake: FakeCluster) {
    const config = new KubeConfig();
    config.loadFromString(fake.kubeconfig({ user: "admin" }));
    super(config, image, "127.0.0.1");
    this.fake = fake;
  }

  static async start(): Promise<SimulatedCluster> {
    const manifest = readFileSync(new URL("../../backend/deploy/edgefold.yaml", import.meta.url), "utf8");
    return new SimulatedCluster(
      await FakeCluster.start({
        documents: documents(manifest),
        images: { [image]: { root: await programsFolder() }, [brokenImage]: { root: docs } },
      }),
    );
  }

  /** Does nothing: the cluster starts with Edgefold installed. */
  override async install(): Promise<void> {}

  override async agentConfig(): Promise<string> {
    return this.fake.kubeconfig({ user: "agent" });
  }

  override async quota(pods: number | undefined): Promise<void> {
    this.fake.setQuota(pods);
  }
}
