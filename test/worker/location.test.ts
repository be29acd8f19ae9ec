import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { JobSchema } from "../../shared/api/jobs.ts";
import type { Env } from "../../worker/env.ts";
import worker from "../../worker/index.ts";
import { regionOf } from "../../worker/location.ts";
import { agentToken, closedEnv, call, jsonOf, openEnv, upload } from "./api.ts";

beforeAll(async () => void (await upload("mapper", "#!the mapper")));
afterEach(() => {
  vi.restoreAllMocks();
});

describe("the region of a request", () => {
  it.each([
    [{ continent: "NA", longitude: "-122.4" }, "wnam"],
    [{ continent: "NA", longitude: "-77.0" }, "enam"],
    [{ continent: "NA" }, "enam"],
    [{ continent: "EU", longitude: "2.3" }, "weur"],
    [{ continent: "EU", longitude: "21.0" }, "eeur"],
    [{ continent: "EU", longitude: "nowhere" }, "weur"],
    [{ continent: "SA" }, "sam"],
    [{ continent: "AS", country: "JP" }, "apac"],
    [{ continent: "AS", country: "AE" }, "me"],
    [{ continent: "OC" }, "oc"],
    [{ continent: "AF", country: "ZA" }, "afr"],
    [{ continent: "AN" }, null],
    [{ continent: 7 }, null],
    [undefined, null],
  ])("of %j is %s", (cf, region) => {
    expect(regionOf(cf)).toBe(region);
  });
});

describe("an object", () => {
  const env: Env = { ...closedEnv, AGENT_TOKENS: `east=${agentToken}` };

  const linkAgent = async (origin: { continent?: string; longitude?: string }): Promise<void> => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts that the Worker looks at
    const cf = origin as IncomingRequestCfProperties;
    const request = new Request<unknown, IncomingRequestCfProperties>("https://host/api/v1/agents/east/link", {
      headers: { Upgrade: "websocket", Authorization: `Bearer ${agentToken}` },
      cf,
    });
    const ctx = createExecutionContext();
    const { webSocket } = await worker.fetch(request, env, ctx);
    webSocket?.accept();
    webSocket?.close();
    await waitOnExecutionContext(ctx);
  };

  const postJob = async (): Promise<string> => {
    const body = JSON.stringify({
      inputPath: "http://minio:9000/test/test.txt",
      outputPath: "http://minio:9000",
      mapperName: "mapper",
      nReducers: 0,
    });
    const posted = await call("POST", "/api/v1/jobs", {
      env: { ...openEnv, AGENT_TOKENS: env.AGENT_TOKENS },
      headers: { "Content-Type": "application/json" },
      body,
    });
    return (await jsonOf(JobSchema, posted)).id;
  };

  it("of a job and of a cluster is created near the cluster's agent", async () => {
    const jobs = vi.spyOn(env.JOBS, "getByName");
    const clusters = vi.spyOn(env.CLUSTERS, "getByName");
    expect(jobs).not.toHaveBeenCalledWith(await postJob(), { locationHint: expect.anything() });
    await linkAgent({ continent: "EU", longitude: "8.7" });
    expect(clusters).toHaveBeenCalledWith("east", { locationHint: "weur" });
    expect(jobs).toHaveBeenCalledWith(await postJob(), { locationHint: "weur" });
    await linkAgent({});
    expect(jobs).toHaveBeenCalledWith(await postJob(), { locationHint: "weur" });
    await linkAgent({ continent: "OC" });
    expect(jobs).toHaveBeenCalledWith(await postJob(), { locationHint: "oc" });
  });
});
