import { AwsClient } from "aws4fetch";
import { givenStore } from "../helpers/given-store.ts";
import { startS3Endpoint } from "../helpers/s3-endpoint.ts";
import type { Credentials } from "../../shared/api/storage-access.ts";

/** The store that the jobs read and write: the tests' own, or a server named by the environment. */
export type ChaosStore = {
  readonly bucket: string;
  readonly credentials: Credentials;
  /** Where it listens, and the path before the bucket. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Its name in the report. */
  readonly name: string;
  readonly close: () => Promise<void>;
};

const bucket = "chaos";

/** @param address `http://user:password@host:port/bucket`, on this machine's loopback; the tests' own store if undefined */
export const openChaosStore = async (address: string | undefined): Promise<ChaosStore> => {
  if (address === undefined) {
    const { endpoint, accessKeyId, secretAccessKey, close } = await startS3Endpoint({ buckets: [bucket] });
    const { hostname: host, port, pathname: path } = new URL(endpoint);
    const credentials = { username: accessKeyId, password: secretAccessKey };
    return { bucket, credentials, host, port: Number(port), path, name: "the local R2", close };
  }
  const { endpoint, ...given } = givenStore("CHAOS_S3", address);
  const { hostname: host, port } = endpoint;
  return {
    ...given,
    host,
    port: Number(port),
    path: "",
    name: `the S3 server at ${host}:${port}`,
    close: async () => undefined,
  };
};

export const endpointOf = ({ host, port, path }: ChaosStore): string => `http://${host}:${port}${path}`;

/** The uploads that the store itself lists as open; undefined if it cannot list them. */
export const listedUploads = async (store: ChaosStore, prefix: string): Promise<string[] | undefined> => {
  const { username, password } = store.credentials;
  const client = new AwsClient({
    accessKeyId: username,
    secretAccessKey: password,
    service: "s3",
    region: "us-east-1",
    // A store answers 501 to unknown operations, which this client would retry.
    retries: 0,
  });
  const url = new URL(`${endpointOf(store)}/${store.bucket}`);
  url.search = `?uploads=&prefix=${encodeURIComponent(prefix)}`;
  const answer = await client.fetch(url);
  const text = await answer.text();
  if (answer.status === 501) return undefined;
  if (answer.status !== 200) throw new Error(`the store does not list uploads: ${answer.status} ${text}`);
  return [...text.matchAll(/<Upload>.*?<Key>([^<]*)<.*?<\/Upload>/gs)].map(([, key = ""]) => key);
};
