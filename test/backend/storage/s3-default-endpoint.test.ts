import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { formatAddress, parseAddress, parseInput, type Address } from "../../../shared/address.ts";
import { shuffleFolders } from "../../../shared/outputs.ts";
import { listInputs } from "../../../backend/storage/inputs.ts";
import { openStore } from "../../../backend/storage/open.ts";
import { s3DefaultEndpoint } from "../../../backend/storage/s3-default-endpoint.ts";
import type { Store } from "../../../backend/storage/store.ts";
import { startS3Endpoint, type S3Endpoint } from "../../helpers/s3-endpoint.ts";
import { all, bytesOf } from "./bytes.ts";

test.each([
  [{ AWS_ENDPOINT_URL_S3: "http://minio:9000", AWS_ENDPOINT_URL: "http://other" }, "http://minio:9000"],
  [{ AWS_ENDPOINT_URL_S3: "", AWS_ENDPOINT_URL: "https://gateway.example/s3/" }, "https://gateway.example/s3"],
  [{ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-2" }, "https://s3.eu-west-1.amazonaws.com"],
  [{ AWS_DEFAULT_REGION: "cn-north-1" }, "https://s3.cn-north-1.amazonaws.com.cn"],
  [{}, "https://s3.us-east-1.amazonaws.com"],
])("with %o the endpoint is %s", (environment, endpoint) => {
  expect(s3DefaultEndpoint({ environment })).toBe(endpoint);
  expect(s3DefaultEndpoint({ endpoint: "http://own:9000/", environment })).toBe("http://own:9000");
});

test("the credentials' region takes precedence over the environment's, and is not needed with an explicit endpoint", () => {
  const environment = { AWS_REGION: "eu-west-1" };
  expect(s3DefaultEndpoint({ region: "us-gov-west-1", environment })).toBe("https://s3.us-gov-west-1.amazonaws.com");
  expect(s3DefaultEndpoint({ region: "auto", environment: { AWS_ENDPOINT_URL: "http://r2" } })).toBe("http://r2");
});

test.each([
  [{ environment: { AWS_ENDPOINT_URL_S3: "minio:9000" } }, "AWS_ENDPOINT_URL_S3 must be a URL"],
  [{ environment: { AWS_ENDPOINT_URL: "http://minio?key=5ec4e7" } }, "AWS_ENDPOINT_URL must be a URL"],
  [{ environment: { AWS_ENDPOINT_URL: "http://me:5ec4e7@minio" } }, "AWS_ENDPOINT_URL must be a URL"],
  [{ region: "auto", environment: {} }, "'auto' is no region of AWS; name the endpoint as s3Endpoint"],
  [{ region: "evil.example/", environment: {} }, "is no region of AWS"],
])("%o is an error that does not repeat possible secrets", (choice, message) => {
  const choose = (): string => s3DefaultEndpoint(choice);
  expect(choose).toThrow(expect.objectContaining({ code: "InvalidEndpoint", class: "refused" }));
  expect(choose).toThrow(message);
  expect(choose).not.toThrow("5ec4e7");
});

const at = (key: string): Address => parseAddress(`s3://data/${key}`, false);

describe("a store reads, lists and writes addresses that name no endpoint", () => {
  let server: S3Endpoint;
  beforeAll(async () => {
    server = await startS3Endpoint({ buckets: ["data", "reducers"] });
  });
  afterAll(() => server.close());
  afterEach(() => void vi.unstubAllEnvs());

  const open = (s3Endpoint?: string): Store =>
    openStore({
      credentials: { username: server.accessKeyId, password: server.secretAccessKey },
      fileRoots: [],
      ...(s3Endpoint === undefined ? {} : { s3Endpoint }),
    });
  test.each(["the job's", "the environment's"])("at %s endpoint", async (whose) => {
    if (whose !== "the job's") vi.stubEnv("AWS_ENDPOINT_URL_S3", server.endpoint);
    const store = open(whose === "the job's" ? server.endpoint : undefined);
    const folder = whose.replaceAll(/\W/g, "");
    await store.put(at(`${folder}/a*b.txt`), Buffer.from("hello"));
    await store.put(at(`${folder}/c.txt`), Buffer.from("there"));
    const named = parseAddress(`${server.endpoint}/data/${folder}/c.txt`, false);
    expect((await bytesOf(await store.read(named))).toString()).toBe("there");
    expect(await store.head(at(`${folder}/c.txt`))).toMatchObject({ address: at(`${folder}/c.txt`), size: 5 });
    const inputs = await all(listInputs(store, parseInput(`s3://data/${folder}/*.txt`, false)));
    expect(inputs.map(({ address }) => formatAddress(address))).toEqual([
      `s3://data/${folder}/a%2Ab.txt`,
      `s3://data/${folder}/c.txt`,
    ]);
    await expect(all(listInputs(store, parseInput("s3://data/none", false)))).rejects.toMatchObject({
      code: "NoSuchKey",
    });
    const part = at(`${folder}/part`);
    const id = await store.createUpload(part, "attempt");
    const tag = await store.uploadPart(part, id, 1, Buffer.from("part"));
    expect(await store.completeUpload(part, id, [tag], "attempt")).toBe("completed");
    await store.ensureBucket(part);
    await store.remove([part, at(`${folder}/c.txt`)]);
    expect(await all(store.list(at(`${folder}/`)))).toHaveLength(1);
  });

  test("and contacts nobody if the environment's endpoint is unusable", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL_S3", "no url");
    await expect(open().head(at("x"))).rejects.toMatchObject({ code: "InvalidEndpoint" });
  });
});

test.each([
  ["s3://", ["s3://reducers/.edgefold/J/", "s3://reducers/.edgefold/1/J/"], "s3://reducers/.edgefold/f/J/"],
  ["s3://b/out", ["s3://b/.edgefold/J/", "s3://b/.edgefold/1/J/"], "s3://b/.edgefold/f/J/"],
  ["file:///out", ["file:///out/.edgefold/J/"], "file:///out/.edgefold/J/"],
])("the folders of a shuffle in %s", (path, first, last) => {
  const folders = shuffleFolders(path, false, "J").map(formatAddress);
  expect([folders.slice(0, 2), folders.at(-1)]).toEqual([first, last]);
});
