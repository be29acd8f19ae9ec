import type { S3Request } from "./s3-request.ts";
import { StorageError } from "./store.ts";

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The path-style URL of an object or bucket, with each character encoded as signing requires. @throws StorageError */
export const urlOf = ({ at, query = {} }: Pick<S3Request, "at" | "query">): URL => {
  const { endpoint, bucket, key } = at;
  if (bucket === "") throw new StorageError("InvalidBucketName", `${endpoint}: the address names no bucket`);
  const components = key.split("/");
  if (components.includes(".") || components.includes("..")) {
    // URLs cannot express such a component
    throw new StorageError("InvalidKey", `the key '${key}' in ${endpoint}/${bucket} has '.' or '..' between slashes`);
  }
  const path = key === "" ? "" : `/${components.map(encode).join("/")}`;
  const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return new URL(`${endpoint}/${encode(bucket)}${path}${search.length === 0 ? "" : `?${search.join("&")}`}`);
};
