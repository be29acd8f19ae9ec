import { afterAll, describe } from "vitest";
import { jobSuite } from "../cluster/job-suite.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const clusters: SimulatedCluster[] = [];
afterAll(async () => {
  for (const cluster of clusters) await cluster.fake.stop();
});

describe("a simulated cluster", () => {
  jobSuite(async () => {
    const cluster = await SimulatedCluster.start();
    clusters.push(cluster);
    return cluster;
  });
});
