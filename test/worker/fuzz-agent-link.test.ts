import { env, runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AgentRequestSchema } from "../../shared/protocol/agent.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { clusterOf } from "../../worker/env.ts";
import { closeLinks, RawLink } from "./fuzz/raw-link.ts";
import { nearlyValid, valid } from "./fuzz/schemas.ts";
import { allRunsMs, asObject, runs, sendAll, stepsOf } from "./fuzz/steps.ts";
import { finish, instanceOf } from "./fuzz/survivors.ts";
import { JobFixture } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

/** Every message on an agent's link is answered, or the link is closed. Whatever the agent must not change stays as it was. */

afterEach(async () => {
  await closeLinks();
  await hangUp();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const greeting = {
  kind: "hello",
  version: protocolVersion,
  release: "0",
  clusterId: "uid",
  launcher: "process",
  capacity: 1,
};

describe("an agent's link", () => {
  let clusters = 0;

  it(
    "handles anything; jobs unknown to the cluster are not touched",
    async () => {
      const steps = stepsOf(valid(AgentRequestSchema).map(asObject), nearlyValid(AgentRequestSchema));
      await fc.assert(
        fc.asyncProperty(steps, async (sent) => {
          const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
          const cluster = clusterOf(env, `odd-${clusters++}`);
          await cluster.want({ jobId: "known", version: 1, runners: 2, token: "t", pods: { credentialSecrets: [] } });
          const dial = async (): Promise<RawLink> => {
            const link = await RawLink.dial(cluster);
            await link.ask(greeting, 1);
            return link;
          };
          const instance = await runInDurableObject(cluster, (object) => object);
          await sendAll(dial, sent);
          const link = await dial();
          expect(await link.ask(greeting, 2)).toMatchObject({
            kind: "welcome",
            wanted: [{ jobId: "known", version: 1, runners: 2 }],
          });
          expect(await runInDurableObject(cluster, (object) => object)).toBe(instance);
          expect(logged.mock.calls).toEqual([]);
          await closeLinks();
        }),
        runs(25),
      );
    },
    allRunsMs,
  );

  it(
    "handles anything about a known job, which still ends",
    async () => {
      const messages = valid(AgentRequestSchema).map(asObject);
      const steps = stepsOf(messages, nearlyValid(AgentRequestSchema));
      await fc.assert(
        fc.asyncProperty(steps, fc.constantFrom("good", "odd"), async (sent, runnerId) => {
          vi.spyOn(console, "error").mockImplementation(() => undefined);
          const name = `known-${clusters++}`;
          const job = await JobFixture.create({}, name);
          const cluster = clusterOf(env, name);
          const instance = await instanceOf(job);
          const runner = await job.runner("good");
          await sendAll(
            async () => {
              const link = await RawLink.dial(cluster);
              await link.ask(greeting, 1);
              return link;
            },
            sent.map((step) =>
              step.kind === "message" && "jobId" in step.message
                ? {
                    ...step,
                    message: { ...step.message, jobId: job.id, ...("runnerId" in step.message ? { runnerId } : {}) },
                  }
                : step,
            ),
          );
          await closeLinks();
          expect(await instanceOf(job)).toBe(instance);
          await finish(job, runner);
          await runner.close();
        }),
        runs(15),
      );
    },
    allRunsMs,
  );
});
