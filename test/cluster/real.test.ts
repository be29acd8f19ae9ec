import { KubeConfig } from "@kubernetes/client-node";
import { describe } from "vitest";
import { jobSuite } from "./job-suite.ts";
import { RealCluster } from "./real-cluster.ts";

/**
 * `npm run test:cluster`: runs the suite's jobs on the cluster of the current kubeconfig. `EDGEFOLD_IMAGE` names the runners'
 * image, which that cluster must have; `EDGEFOLD_HOST` is an address of this machine that its pods can reach.
 */
const { EDGEFOLD_IMAGE, EDGEFOLD_HOST = "localhost" } = process.env;

describe("the cluster of the current kubeconfig", () => {
  jobSuite(async () => {
    if (EDGEFOLD_IMAGE === undefined)
      throw new Error("set EDGEFOLD_IMAGE to the image of runners, as built by `npm run image`");
    const config = new KubeConfig();
    config.loadFromDefault();
    return new RealCluster(config, EDGEFOLD_IMAGE, EDGEFOLD_HOST);
  });
});
