import { expect, test } from "vitest";
import { isTransient, type Failure } from "../../../backend/storage/retry.ts";

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
