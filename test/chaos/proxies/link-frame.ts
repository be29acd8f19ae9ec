import { z } from "zod";
import { parseJson } from "../../../shared/json.ts";

const HelloSchema = z.object({ kind: z.literal("hello"), runnerId: z.string() });

/** The text of the first frame sent by a WebSocket client, which is masked (RFC 6455), if the frame is complete and short. */
const firstText = (bytes: Buffer): string | undefined => {
  const [, second = 0] = bytes;
  const short = second & 0x7f;
  if (bytes.length < 8 || (second & 0x80) === 0 || short === 127) return undefined;
  const at = short === 126 ? 4 : 2;
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  const payload = bytes.subarray(at + 4, at + 4 + length);
  if (payload.length < length) return undefined;
  return Buffer.from(payload.map((byte, index) => byte ^ (bytes[at + (index % 4)] ?? 0))).toString();
};

/** The runner whose hello is in these bytes, if there is one. */
export const runnerIn = (bytes: Buffer): string | undefined => {
  const hello = HelloSchema.safeParse(parseJson(firstText(bytes)));
  return hello.success ? hello.data.runnerId : undefined;
};
