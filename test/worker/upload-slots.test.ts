import { SELF } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { UploadSlots, type Slot } from "../../worker/artifacts/upload-slots.ts";
import { readChunks } from "../../worker/http/chunks.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("slots", () => {
  it("are given out until none are left, then to waiting uploads", async () => {
    const slots = new UploadSlots(2, 60_000);
    const [first, second] = [await slots.take(), await slots.take()];
    let given = 0;
    const take = async (): Promise<Slot> => {
      const slot = await slots.take();
      given++;
      return slot;
    };
    const waiting = [take(), take()];
    await scheduler.wait(60);
    expect(given).toBe(0);
    second.release();
    const slot = await Promise.race(waiting);
    await scheduler.wait(60);
    expect(given).toBe(1);
    slot.release();
    first.release();
    await Promise.all(waiting);
  });

  it("are waited for only for a limited time", async () => {
    const slots = new UploadSlots(1, 20);
    const held = await slots.take();
    await expect(slots.take()).rejects.toMatchObject({ kind: "busy", extras: { headers: { "Retry-After": "5" } } });
    held.release();
    (await slots.take()).release();
  });

  it("of stalled uploads are given to others", async () => {
    vi.useFakeTimers();
    const slots = new UploadSlots(2, 20_000);
    const [stalled, active] = [await slots.take(), await slots.take()];
    vi.advanceTimersByTime(50_000);
    active.renew();
    const next = slots.take();
    await vi.advanceTimersByTimeAsync(12_000);
    const slot: Slot = await next;
    active.renew();
    slot.renew();
    expect(() => stalled.renew()).toThrow("The upload stalled for too long. Send it again.");
    stalled.release();
    expect(() => slot.renew()).not.toThrow();
  });
});

it("a body is abandoned once it exceeds the limit", async () => {
  let sent = 0;
  const body = new ReadableStream({
    type: "bytes",
    pull(controller) {
      sent++;
      controller.enqueue(new Uint8Array(300_000));
    },
  });
  const read = async (): Promise<void> => {
    for await (const _ of readChunks(body, 1_000_000));
  };
  await expect(read()).rejects.toMatchObject({ kind: "body-too-large" });
  expect(sent).toBeLessThan(10);
});

it("concurrent uploads of many clients are stored, each by its own request", async () => {
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const form = new FormData();
      form.append("type", "module");
      form.append("program", new Blob([new Uint8Array(300_000)]), `client-${n}`);
      const response = await SELF.fetch("http://localhost:4750/api/v1/artifacts", { method: "PUT", body: form });
      await response.body?.cancel();
      return response.status;
    }),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
});
