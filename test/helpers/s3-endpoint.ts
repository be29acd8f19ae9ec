import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { localR2EndpointPath } from "../../shared/address.ts";

export type S3Endpoint = {
  /** Without a trailing slash; a bucket's address is `<endpoint>/<bucket>`. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly close: () => Promise<void>;
};

/** Starts an in-memory S3-compatible store on a free port of this machine, with the given empty buckets. */
export const startS3Endpoint = async ({ buckets }: { readonly buckets: readonly string[] }): Promise<S3Endpoint> => {
  const s3Credentials = { accessKeyId: "test-key", secretAccessKey: "test-secret" };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default { fetch: () => new Response() };",
      compatibilityDate: "2026-01-01",
      cf: false,
      r2Buckets: Object.fromEntries(buckets.map((id, index) => [`BUCKET_${index}`, { id, s3Credentials }])),
    }),
  );
  const { port } = await miniflare.ready;
  // the store only answers to loopback names
  return {
    endpoint: `http://localhost:${port}${localR2EndpointPath}`,
    ...s3Credentials,
    close: () => miniflare.dispose(),
  };
};
