import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ClusterConfig } from "../../../../backend/agent/launchers/kubernetes/cluster-config.ts";
import { programsFolder } from "../../../../backend/host/build.ts";
import { FakeCluster } from "../../../helpers/kubernetes/cluster.ts";
import { until } from "../../../helpers/until.ts";
import { LauncherScene } from "./scene.ts";

/* The API server goes down and comes back. */

const outages = (logged: readonly string[]): string[] => logged.filter((line) => line.startsWith("the API server"));

it.each(["refuse", "hang", 503, 429, 401] as const)(
  "an agent survives an outage of the API server: %s",
  async (how) => {
    const scene = await LauncherScene.start();
    scene.want("a", 1);
    const before = await scene.running("a", 1);
    await scene.conditionsAre("a");
    await scene.cluster.breakApiServer(how);
    await scene.condition("a", "ClusterUnavailable");
    expect(scene.leader.leads).toBe(false);
    // Requests and events during the outage are handled afterwards.
    scene.want("b", 2);
    await scene.condition("b", "ClusterUnavailable");
    const removed = scene.remove("a");
    expect(outages(scene.logged)).toHaveLength(1);
    await scene.cluster.restoreApiServer(how);
    await scene.running("b", 2);
    await removed;
    expect(scene.pods("a")).toEqual([]);
    await scene.conditionsAre("b");
    expect(scene.exits.map(({ runnerId }) => runnerId)).toEqual(before.map(({ metadata }) => metadata.name));
    await until("the end of the outage in the log", () => (outages(scene.logged).length === 2 ? true : undefined));
    expect(outages(scene.logged)[1]).toMatch(/^the API server answers again, after \d+ s$/);
  },
);

it("a pod that ends during an outage of the API server is reported and replaced afterwards", async () => {
  const scene = await LauncherScene.start();
  scene.want("a", 1);
  const [pod] = await scene.running("a", 1);
  await scene.cluster.breakApiServer("refuse");
  await scene.condition("a", "ClusterUnavailable");
  if (pod === undefined) throw new Error("no pod");
  await scene.cluster.kill(pod);
  scene.cluster.expireWatches();
  await scene.cluster.restoreApiServer("refuse");
  await until("the report of its end", () => (scene.exits.length > 0 ? true : undefined));
  expect(scene.exits[0]?.runnerId).toBe(pod.metadata.name);
  await scene.running("a", 1, [pod]);
});

it("an agent whose token was replaced continues with the new one", async () => {
  let tokenFile = "";
  const scene = await LauncherScene.start({
    config: (cluster, directory) => {
      tokenFile = join(directory, "token");
      writeFileSync(tokenFile, tokenOf(cluster));
      const config = new ClusterConfig();
      config.loadFromClusterAndUser(
        {
          name: "test",
          server: cluster.server,
          caData: Buffer.from(cluster.certificate).toString("base64"),
          skipTLSVerify: false,
        },
        { name: "agent", authProvider: { name: "tokenFile", config: { tokenFile } } },
      );
      return config;
    },
  });
  scene.want("a", 1);
  await scene.running("a", 1);
  const token = scene.cluster.rotateToken();
  await scene.condition("a", "ClusterUnavailable");
  writeFileSync(tokenFile, token);
  await scene.conditionsAre("a");
  scene.want("a", 2);
  await scene.running("a", 2);
});

const tokenOf = (cluster: FakeCluster): string => {
  const config = new ClusterConfig();
  config.loadFromString(cluster.kubeconfig({ user: "agent" }));
  return config.getCurrentUser()?.token ?? "";
};

it("an agent that starts during an outage of the API server waits for it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "edgefold-agent-"));
  const cluster = await FakeCluster.start({});
  try {
    const text = cluster.kubeconfig({ user: "agent" });
    await cluster.breakApiServer("refuse");
    writeFileSync(join(directory, "kubeconfig"), text);
    const agent = spawn(process.execPath, [join(await programsFolder(), "agent/main.js")], {
      env: {
        PATH: process.env["PATH"],
        LAUNCHER: "kubernetes",
        KUBECONFIG: join(directory, "kubeconfig"),
        AGENT_TOKEN: "none",
        RUNNER_IMAGE: "none",
      },
    });
    let output = "";
    agent.stderr.on("data", (chunk) => (output += String(chunk)));
    const exited = once(agent, "exit");
    await until("the word of the outage", () => (output.includes("ECONNREFUSED") ? true : undefined));
    await cluster.restoreApiServer("refuse");
    // It learns only now that it has no permissions in this cluster.
    await exited;
    expect(output).toMatch(
      /^the API server fails \(the agent's permissions: connect ECONNREFUSED [^\n]*\nthe API server answers again, after \d+ s\nthe agent may not do what it must/,
    );
  } finally {
    await cluster.stop();
    rmSync(directory, { recursive: true });
  }
});
