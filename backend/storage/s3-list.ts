import type { S3Address } from "../../shared/address.ts";
import { malformed } from "./s3-failure.ts";
import type { S3Client } from "./s3-request.ts";
import { parseListPage } from "./s3-xml.ts";
import type { ObjectInfo } from "./store.ts";

/** Every object whose key begins with the key of `prefix`, in the order of the store, which is that of the keys' bytes. */
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
      // a store that takes no notice of the prefix would have all that it holds read, or removed
      if (!key.startsWith(prefix.key)) throw malformed(prefix, "it lists keys that were not asked for");
      yield { address: { ...prefix, key }, size, etag };
    }
    token = page.next;
  } while (token !== undefined);
};
