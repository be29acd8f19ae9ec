import { describe, expect, test } from "vitest";
import { backoffMs, isTransient, maxTries, withRetries, type Failure } from "../../../backend/storage/retry.ts";

test.each<[Failure, boolean]>([
  [{ code: "InternalError", status: 500 }, true],
  [{ code: "SlowDown", status: 503 }, true],
  [{ code: "Http504", status: 504 }, true],
  [{ code: "TooManyRequests", status: 429 }, true],
  [{ code: "InternalError", status: 200 }, true],
  [{ code: "RequestTimeout", status: 400 }, true],
  [{ code: "IDPCommunicationError", status: 400 }, true],
  [{ code: "ThrottlingException", status: 400 }, true],
  [{ code: "ECONNRESET" }, true],
  [{ code: "ETIMEDOUT" }, true],
  [{ code: "EAI_AGAIN" }, true],
  [{ code: "ENOTFOUND" }, false],
  [{ code: "AccessDenied", status: 403 }, false],
  [{ code: "NoSuchKey", status: 404 }, false],
  [{ code: "NotImplemented", status: 501 }, false],
  [{ code: "XMinioStorageFull", status: 507 }, false],
  [{ code: "CERT_HAS_EXPIRED" }, false],
])("whether %o may pass by itself: %s", (failure, expected) => {
  expect(isTransient(failure)).toBe(expected);
});

test("waits anything up to twice as long each time, within limits", () => {
  const almostOne = 1 - Number.EPSILON;
  expect([1, 2, 3, 4, 5, 6, 7, 50].map((tries) => backoffMs(tries, almostOne))).toEqual([
    249, 499, 999, 1999, 3999, 7999, 7999, 7999,
  ]);
  expect(backoffMs(5, 0)).toBe(0);
  expect(backoffMs(5, 0.5)).toBe(2000);
});

const failing = (failures: number) => {
  let calls = 0;
  const work = async (): Promise<number> => {
    calls += 1;
    if (calls <= failures) throw new Error(`failure ${calls}`);
    return calls;
  };
  return { work, calls: () => calls };
};
const noPause = async (): Promise<void> => {};
const transient = (): Failure => ({ code: "SlowDown" });

describe("repeating", () => {
  test("ends with the first success", async () => {
    expect(await withRetries(failing(3).work, transient, noPause, undefined)).toBe(4);
  });

  test("ends with the last failure", async () => {
    await expect(withRetries(failing(99).work, transient, noPause, undefined)).rejects.toThrow(`failure ${maxTries}`);
  });

  test("ends at once for what is not the store's, or lasts", async () => {
    for (const failureOf of [() => undefined, () => ({ code: "AccessDenied" })]) {
      const { work, calls } = failing(99);
      await expect(withRetries(work, failureOf, noPause, undefined)).rejects.toThrow("failure 1");
      expect(calls()).toBe(1);
    }
  });

  test("ends with the signal's reason", async () => {
    const stopped = new Error("stopped");
    await expect(withRetries(failing(99).work, transient, noPause, AbortSignal.abort(stopped))).rejects.toBe(stopped);
  });
});
