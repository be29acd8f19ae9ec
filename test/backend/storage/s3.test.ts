import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAddress, type Address } from "../../../shared/address.ts";
import { ambientCredentials } from "../../../backend/storage/credentials.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import { openStore } from "../../../backend/storage/open.ts";
import { startS3Endpoint, type S3Endpoint } from "../../helpers/s3-endpoint.ts";
import { all } from "./bytes.ts";

let s3: S3Endpoint;
const at = (path: string): Address => parseAddress(`${s3.endpoint}/${path}`, false);

beforeAll(async () => {
  s3 = await startS3Endpoint({ buckets: ["data"] });
});
afterAll(() => s3.close());

const store = (password = s3.secretAccessKey) =>
  openStore({ credentials: { username: s3.accessKeyId, password }, fileRoots: [] });

test("lists and removes more than a page", async () => {
  const keys = Array.from({ length: 1005 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
  for (let first = 0; first < keys.length; first += 50) {
    await Promise.all(keys.slice(first, first + 50).map((key) => store().put(at(`data/${key}`), Buffer.from(key))));
  }
  const listed = await all(store().list(at("data/many/")));
  expect(listed.map(({ address }) => address)).toEqual(keys.map((key) => at(`data/${key}`)));
  await store().remove(keys.map((key) => at(`data/${key}`)));
  expect(await all(store().list(at("data/many/")))).toEqual([]);
});

test("reports a wrong password with the store's code", async () => {
  const wrong = store("wrong");
  await expect(wrong.head(at("data/x"))).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
  await expect(all(wrong.list(at("data/")))).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
  await expect(wrong.createUpload(at("data/x"), "a")).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
});

test("reports a missing bucket", async () => {
  await expect(store().head(at("none/x"))).rejects.toMatchObject({ code: "NoSuchBucket" });
  await expect(all(store().list(at("none/")))).rejects.toMatchObject({ code: "NoSuchBucket" });
  await expect(store().ensureBucket(at("none"))).rejects.toMatchObject({ code: "NoSuchBucket" });
  await store().ensureBucket(at("data/x"));
});

test("uses the ambient credentials if a job has none", async () => {
  const environment = {
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_SESSION_TOKEN: "",
  };
  const ambient = ambientCredentials(environment);
  expect(await ambient()).toEqual({ username: s3.accessKeyId, password: s3.secretAccessKey });
  expect(await ambientCredentials({ AWS_ACCESS_KEY_ID: "id" })()).toBeUndefined();
  await s3Store({ credentials: ambient }).put(at("data/ambient"), Buffer.from("x"));
  await expect(openStore({ fileRoots: [] }).head(at("data/ambient"))).rejects.toMatchObject({ name: "StorageError" });
});
