import type { PinnedProgram } from "../job/spec.ts";
import { attachment } from "./disposition.ts";

/** A program's content as a download, or null where R2 does not have it. */
export const contentResponse = async (bucket: R2Bucket, program: PinnedProgram): Promise<Response | null> => {
  const object = await bucket.get(program.key);
  if (object === null) return null;
  return new Response(object.body, {
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(program.size),
      "Content-Disposition": attachment(program.name),
      ETag: `"${program.hash}"`,
    },
  });
};
