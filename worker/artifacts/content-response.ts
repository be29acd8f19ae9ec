import type { PinnedArtifact } from "../job/spec.ts";
import { attachment } from "./disposition.ts";

/** An artifact's content as a download, or null where R2 does not have it. */
export const contentResponse = async (bucket: R2Bucket, artifact: PinnedArtifact): Promise<Response | null> => {
  const object = await bucket.get(artifact.key);
  if (object === null) return null;
  return new Response(object.body, {
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(artifact.size),
      "Content-Disposition": attachment(artifact.name),
      ETag: `"${artifact.hash}"`,
    },
  });
};
