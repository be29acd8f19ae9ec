import type { S3Address } from "../../shared/address.ts";
import { malformed } from "./s3-failure.ts";
import type { S3Client } from "./s3-request.ts";
import { parseListPage } from "./s3-xml.ts";
import type { ObjectInfo } from "./store.ts";

/** Lists every object whose key begins with the key of `prefix`, in the store's order, which is the byte order of the keys. */
export const listS3 = async function* (client: S3Client, prefix: S3Address): AsyncGenerator<ObjectInfo> {
  const query = { "list-type": "2", "encoding-type": "url", prefix: prefix.key };
  const bucket = { ...prefix, key: "" };
  let token: string | undefined;
  do {
    const resume: Record<string, string> = token === undefined ? {} : { "continuation-token": token };
    const page = await client.parsed(
      { operation: "ListObjectsV2", method: "GET", at: bucket, query: { ...query, ...resume } },
      parseListPage,
    );
    for (const { key, size, etag } of page.objects) {
      // with a store that ignores the prefix, the job would read or remove everything in the bucket
      if (!key.startsWith(prefix.key)) throw malformed(prefix, "it lists keys that were not asked for");
      yield { address: { ...prefix, key }, size, etag };
    }
    token = page.next;
  } while (token !== undefined);
};
