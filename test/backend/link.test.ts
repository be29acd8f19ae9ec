import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Link, type LinkOptions } from "../../backend/link.ts";
import { LinkEndedError } from "../../backend/link-end.ts";
import {
  AgentAnswerSchema,
  AgentNoticeSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
} from "../../shared/protocol/agent.ts";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { FakeWorker, type Dialled, type Received } from "./fake-worker.ts";

let worker: FakeWorker;
const links: Link<AgentRequest, AgentAnswer, AgentNotice>[] = [];
const removed = (jobId: string) => ({ kind: "removed", jobId }) as const;
const waitFor = { timeout: 20_000, interval: 5 };

const dial = (options: Partial<LinkOptions<AgentRequest, AgentAnswer, AgentNotice>> = {}) => {
  const seen = { welcomes: [] as AgentAnswer[], notices: [] as AgentNotice[], downs: 0, log: [] as string[] };
  const link = new Link<AgentRequest, AgentAnswer, AgentNotice>({
    url: `ws://127.0.0.1:${worker.port}/api/v1/agents/default/link`,
    token: () => "secret",
    answerSchema: AgentAnswerSchema,
    noticeSchema: AgentNoticeSchema,
    hello: () => ({
      kind: "hello",
      version: protocolVersion,
      release: "1",
      clusterId: "c",
      launcher: "process",
      capacity: 1,
    }),
    onWelcome: (answer) => void seen.welcomes.push(answer),
    onNotice: (notice) => void seen.notices.push(notice),
    onDown: () => void seen.downs++,
    log: (text) => void seen.log.push(text),
    ...options,
  });
  links.push(link);
  return { link, seen };
};

const obliging = (message: Received, from: Dialled): void =>
  from.send(message.kind === "hello" ? welcome(message) : { re: message.id, kind: "done" });
const welcome = (message: Received) => ({ re: message.id, kind: "welcome", wanted: [], remove: [] });

beforeEach(async () => {
  worker = await FakeWorker.start();
  worker.answer = obliging;
});

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  await worker.stop();
});

describe("a link", () => {
  it("says hello with the token, and sends requests only after the welcome", async () => {
    let greeting: (() => void) | undefined;
    worker.answer = (message, from) => {
      if (message.kind === "hello") greeting = () => obliging(message, from);
      else obliging(message, from);
    };
    const { link, seen } = dial();
    const answer = link.request(removed("a"));
    await vi.waitUntil(() => greeting, waitFor);
    expect(worker.current.received.map(({ kind }) => kind)).toEqual(["hello"]);
    greeting?.();
    expect(await answer).toMatchObject({ kind: "done" });
    expect(worker.current).toMatchObject({ authorization: "Bearer secret", path: "/api/v1/agents/default/link" });
    expect(seen.welcomes).toHaveLength(1);
  });

  it("sends waiting requests in order, followed by those of the welcome's handler", async () => {
    const { link } = dial({ onWelcome: () => void link.request(removed("c")) });
    await Promise.all([link.request(removed("a")), link.request(removed("b"))]);
    await vi.waitUntil(() => worker.received("removed").length === 3, waitFor);
    expect(worker.received("removed").map(({ jobId }) => jobId)).toEqual(["a", "b", "c"]);
  });

  it("gets every answer although the connection is cut at every step", async () => {
    // Each connection is cut before, after or instead of the answer to one of its messages.
    const steps = ["cut", "hello", "hello+", "cut", "hello+1", "hello+1+", "hello+2"];
    worker.answer = (message, from) => {
      const step = steps[worker.connections.length - 1];
      const isHello = message.kind === "hello";
      if (step === undefined) obliging(message, from);
      else if (step === "cut") from.socket.terminate();
      else if (isHello) {
        obliging(message, from);
        if (step === "hello+") from.socket.close(1012);
      } else if (from.received.length - 1 >= Number(/\d/.exec(step)?.[0] ?? 0)) {
        if (step.endsWith("+")) obliging(message, from);
        from.socket.terminate();
      } else obliging(message, from);
    };
    const { link, seen } = dial();
    const answers = await Promise.all(["a", "b", "c", "d"].map((jobId) => link.request(removed(jobId))));
    expect(answers.map(({ kind }) => kind)).toEqual(["done", "done", "done", "done"]);
    expect(new Set(worker.received("removed").map(({ id }) => id)).size).toBe(4);
    expect(seen.downs).toBeGreaterThan(0);
  });

  it("offers a message only over the current connection", async () => {
    worker.answer = (message, from) => {
      if (message.kind === "hello" || message["jobId"] === "b") obliging(message, from);
    };
    const { link } = dial();
    await expect(link.offer(removed("early"))).rejects.toThrow("lost");
    await link.request(removed("b"));
    const offers = [link.offer(removed("a")), link.offer(removed("b"))];
    expect(await offers[1]).toMatchObject({ kind: "done" });
    worker.cut();
    await expect(offers[0]).rejects.toThrow("lost");
    await link.request(removed("b"));
    expect(worker.received("removed").map(({ jobId }) => jobId)).toEqual(["b", "a", "b", "b"]);
  });

  it("presents the newest token whenever it connects", async () => {
    let dials = 0;
    const { link } = dial({ token: () => `token-${dials++}` });
    await link.request(removed("a"));
    worker.cut();
    await link.request(removed("b"));
    expect(worker.connections.map(({ authorization }) => authorization)).toEqual(["Bearer token-0", "Bearer token-1"]);
  });

  it("keeps a request's number when it repeats it, and ignores a second answer", async () => {
    worker.answer = (message, from) => {
      if (message.kind === "hello") obliging(message, from);
      else if (worker.connections.length === 1) from.socket.terminate();
      else {
        obliging(message, from);
        obliging(message, from);
      }
    };
    const { link } = dial();
    await link.request(removed("a"));
    await link.request(removed("b"));
    const [first, second] = worker.received("removed");
    expect(first).toEqual(second);
    expect(worker.connections).toHaveLength(2);
  });

  it("passes notices on", async () => {
    const { link, seen } = dial();
    await link.request(removed("a"));
    worker.current.send({ kind: "remove", jobId: "b" });
    await vi.waitUntil(() => seen.notices.length, waitFor);
    expect(seen.notices).toEqual([{ kind: "remove", jobId: "b" }]);
  });

  it("retries after HTTP 503, and while nobody listens", async () => {
    worker.refusals = [
      { status: 503, body: "" },
      { status: 500, body: "" },
    ];
    const { port } = worker;
    const { link, seen } = dial();
    await link.request(removed("a"));
    await worker.stop();
    const answer = link.request(removed("b"));
    await vi.waitUntil(() => seen.log.some((line) => line.includes("ECONNREFUSED")), waitFor);
    worker = await FakeWorker.start(port);
    worker.answer = obliging;
    expect(await answer).toMatchObject({ kind: "done" });
    expect(seen.log.join("\n")).toContain("HTTP 503");
  });

  it.each([
    [401, JSON.stringify({ title: "Unauthorized", detail: "wrong token" }), "wrong token"],
    [403, "plain", "plain"],
    [404, "", "Refused"],
  ])("ends after HTTP %i", async (status, body, reason) => {
    worker.refusals = [{ status, body }];
    const { link } = dial();
    const request = link.request(removed("a"));
    await expect(request).rejects.toBeInstanceOf(LinkEndedError);
    expect(await link.closed).toEqual({ kind: "refused", status, reason });
    expect(worker.connections).toHaveLength(0);
  });

  it.each(Object.entries(closeCodes))("ends after the close code for '%s'", async (name, code) => {
    worker.answer = (_, from) => from.socket.close(code, name);
    const { link } = dial();
    const request = link.request(removed("a"));
    await expect(request).rejects.toThrow(name);
    expect(await link.closed).toEqual({ kind: "dismissed", code, reason: name });
    await expect(link.request(removed("b"))).rejects.toBeInstanceOf(LinkEndedError);
    expect(worker.connections).toHaveLength(1);
  });

  it.each(["not JSON", `{"re":"x"}`, `{"kind":"unheard-of"}`])("drops a connection that sends %s", async (text) => {
    worker.answer = (message, from) => {
      if (worker.connections.length === 1 && message.kind !== "hello") from.socket.send(text);
      else obliging(message, from);
    };
    const { link, seen } = dial();
    expect(await link.request(removed("a"))).toMatchObject({ kind: "done" });
    expect(worker.connections).toHaveLength(2);
    expect(seen.log.join("\n")).toContain("a message that is none");
  });

  it("drops a connection if the handler rejects its welcome", async () => {
    let times = 0;
    const { link, seen } = dial({
      onWelcome: () => {
        if (times++ === 0) throw new Error("not welcome");
      },
    });
    await link.request(removed("a"));
    expect(times).toBe(2);
    expect(seen.downs).toBe(0);
    expect(seen.log.join("\n")).toContain("not welcome");
  });

  it("drops a connection that leaves pings unanswered", async () => {
    worker.answersPings = false;
    const { seen } = dial({ heartbeatMs: 20 });
    await vi.waitUntil(() => worker.connections.length > 2, waitFor);
    expect(seen.log.join("\n")).toContain("does not answer pings");
  });

  it("drops a connection that answers pings but not a request", async () => {
    const { link, seen } = dial({ heartbeatMs: 50 });
    const isOverdue = (): boolean => seen.log.some((line) => line.includes("overdue"));
    worker.answer = (message, from) => {
      // On a busy machine a connection can also be dropped because of a late ping.
      if (message.kind === "hello" || isOverdue()) obliging(message, from);
    };
    await link.request(removed("a"));
    expect(isOverdue()).toBe(true);
  });

  it("takes the answer to its hello as contact, but not the answers to requests", async () => {
    const held: (() => void)[] = [];
    const { link } = dial();
    expect(link.lastContact).toBe(-Infinity);
    const before = performance.now();
    await link.request(removed("a"));
    const answered = link.lastContact;
    expect(answered).toBeGreaterThanOrEqual(before);
    expect(answered).toBeLessThanOrEqual(performance.now());
    worker.answer = (message, from) => void held.push(() => obliging(message, from));
    const request = link.request(removed("b"));
    await vi.waitUntil(() => held.length, waitFor);
    expect(link.lastContact).toBe(answered);
    held[0]?.();
    await request;
    expect(link.lastContact).toBe(answered);
  });

  it("takes a pong as contact", async () => {
    const { link } = dial({ heartbeatMs: 50 });
    await link.request(removed("a"));
    const then = link.lastContact;
    await vi.waitUntil(() => link.lastContact > then, waitFor);
    expect(worker.received("removed")).toHaveLength(1);
  });

  it("does not take a pong as contact before its hello is answered: until then nobody knows whose it is", async () => {
    const [before, after] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    worker.answer = (message, from) => {
      if (message.kind === "hello") void after.promise.then(() => obliging(message, from));
      else obliging(message, from);
    };
    const { link } = dial({ heartbeatMs: 50 });
    await vi.waitUntil(() => worker.connections[0]?.received.length, waitFor);
    setTimeout(before.resolve, 200);
    await before.promise;
    expect(link.lastContact).toBe(-Infinity);
    after.resolve();
    await link.request(removed("a"));
    await vi.waitUntil(() => link.lastContact > 0, waitFor);
  });

  it("pings as often as it is told to, on later connections too", async () => {
    const { link } = dial();
    await link.request(removed("a"));
    const first = link.lastContact;
    link.setHeartbeat(20);
    await vi.waitUntil(() => link.lastContact > first, waitFor);
    worker.current.socket.terminate();
    await vi.waitUntil(() => worker.connections.length === 2, waitFor);
    await link.request(removed("b"));
    const second = link.lastContact;
    await vi.waitUntil(() => link.lastContact > second, waitFor);
    expect(worker.connections).toHaveLength(2);
  });

  it("ends when it is closed, in any state", async () => {
    const { link } = dial();
    await link.request(removed("a"));
    await link.close();
    expect(await link.closed).toEqual({ kind: "closed" });
    await link.close();

    const early = dial();
    const request = early.link.request(removed("a"));
    const rejected = expect(request).rejects.toThrow("closed");
    await early.link.close();
    await rejected;

    worker.answer = () => {};
    const mute = dial();
    await vi.waitUntil(() => worker.connections.length === 2, waitFor);
    await mute.link.close();
    await worker.stop();
    const lost = dial();
    await vi.waitUntil(() => lost.seen.log.length, waitFor);
    await lost.link.close();
    expect(await lost.link.closed).toEqual({ kind: "closed" });
  });
});
