import { afterEach, describe, expect, it, vi } from "vitest";
import { UploadSlots, type Slot } from "../../worker/artifacts/upload-slots.ts";
import { readChunks } from "../../worker/http/chunks.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** Whether a promise has resolved by now. */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> =>
  await Promise.race([promise.then(() => true), scheduler.wait(0).then(() => false)]);

describe("slots", () => {
  it("are given to as many as there are, and then to those who wait, in turn", async () => {
    const slots = new UploadSlots(2, 60_000);
    const [first, second] = [await slots.take(), await slots.take()];
    const order: string[] = [];
    const third = slots.take().then((slot) => (order.push("third"), slot));
    const fourth = slots.take().then((slot) => (order.push("fourth"), slot));
    expect([await isSettled(third), await isSettled(fourth)]).toEqual([false, false]);
    second.release();
    const slot = await third;
    expect(await isSettled(fourth)).toBe(false);
    slot.release();
    first.release();
    await fourth;
    expect(order).toEqual(["third", "fourth"]);
  });

  it("are not waited for without a bound", async () => {
    const slots = new UploadSlots(1, 20);
    const held = await slots.take();
    await expect(slots.take()).rejects.toMatchObject({ kind: "busy", extras: { headers: { "Retry-After": "5" } } });
    held.release();
    (await slots.take()).release();
  });

  it("of uploads that stall are given to others", async () => {
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

it("a body that grows beyond what is taken is given up there", async () => {
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
