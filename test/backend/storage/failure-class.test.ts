import { expect, test } from "vitest";
import { attemptError } from "../../../backend/runner/attempt-failure.ts";
import { classOf, type FailureClass } from "../../../backend/storage/failure-class.ts";
import { failureReport } from "../../../backend/runner/tasks/run.ts";
import { StorageError } from "../../../backend/storage/store.ts";

test.each<[FailureClass, string, number?]>([
  ["gone", "NoSuchKey", 404],
  ["gone", "NotFound", 404],
  ["gone", "InvalidRange", 416],
  ["gone", "NoSuchUpload", 404],
  ["gone", "ObjectChanged"],
  ["gone", "ENOENT"],
  ["refused", "AccessDenied", 403],
  ["refused", "ExpiredToken", 400],
  ["refused", "SignatureDoesNotMatch", 403],
  ["refused", "NotImplemented", 501],
  ["refused", "PermanentRedirect", 301],
  ["refused", "BucketAlreadyOwnedByYou", 409],
  ["refused", "Http418", 418],
  ["refused", "SomethingNew"],
  ["refused", "EACCES"],
  ["refused", "EROFS"],
  ["throttled", "SlowDown", 503],
  ["throttled", "SlowDown", 200],
  ["throttled", "ServiceUnavailable", 503],
  ["throttled", "TooManyRequests", 429],
  ["throttled", "RequestLimitExceeded", 400],
  ["throttled", "ThrottlingException", 400],
  ["throttled", "SomethingNew", 503],
  ["unreachable", "InternalError", 500],
  ["unreachable", "InternalError", 200],
  ["unreachable", "Http502", 502],
  ["unreachable", "Http504", 504],
  ["unreachable", "XMinioStorageFull", 507],
  ["unreachable", "RequestTimeout", 400],
  ["unreachable", "OperationAborted", 409],
  ["unreachable", "BadDigest", 400],
  ["unreachable", "IDPCommunicationError", 400],
  ["unreachable", "TruncatedBody"],
  ["unreachable", "ECONNRESET"],
  ["unreachable", "EAI_AGAIN"],
  ["unreachable", "EMFILE"],
  ["unreachable", "EIO"],
  ["unreachable", "ENOSPC"],
  ["damaged", "CorruptInput"],
  ["damaged", "DamagedSegment"],
])("%s: %s %s", (expected, code, status) => {
  expect(classOf({ code, status })).toBe(expected);
  expect(classOf({ code, status }, true)).toBe(expected);
  expect(new StorageError(code, "", { status }).class).toBe(expected);
});

test.each([
  ["ENOTFOUND"],
  ["NoSuchBucket", 404],
  ["InvalidAccessKeyId", 403],
  ["InvalidClientTokenId", 403],
  ["CERT_HAS_EXPIRED"],
  ["ERR_TLS_CERT_ALTNAME_INVALID"],
  ["ERR_SSL_WRONG_VERSION_NUMBER"],
  ["HPE_INVALID_CONSTANT"],
] as const)("refused, but unreachable if the store has answered before: %s", (code, status?: number) => {
  expect(classOf({ code, status })).toBe("refused");
  expect(classOf({ code, status }, true)).toBe("unreachable");
});

test.each<[boolean, string, number?]>([
  [true, "AccessDenied", 403],
  [true, "NoSuchKey", 404],
  [true, "NoInput"],
  [true, "CorruptInput"],
  [true, "ObjectChanged"],
  [true, "ENOTFOUND"],
  [true, "EACCES"],
  [false, "SlowDown", 503],
  [false, "ECONNREFUSED"],
  [false, "ENOSPC"],
  [false, "ExpiredToken", 400],
  [false, "NoSuchUpload", 404],
  [false, "MalformedAnswer"],
  [false, "DamagedSegment"],
])("final for the job: %s, after %s %s", (final, code, status) => {
  expect(attemptError(new StorageError(code, "no", { status }))).toEqual({ code, message: "no", final });
});

test("an attempt that a store throttles is released for a while, and no other failure is", () => {
  expect(failureReport("a", new StorageError("SlowDown", "slower", { status: 503 }))).toEqual({
    kind: "release",
    attempt: "a",
    reason: "slower",
    pauseSeconds: expect.any(Number),
  });
  expect(failureReport("a", new StorageError("InternalError", "no", { status: 500 })).kind).toBe("fail");
});
