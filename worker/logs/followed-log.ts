import { leftOut, tailBytes } from "../../shared/attempt-log.ts";
import { LogPieceSchema } from "../contracts.ts";
import type { Inbox } from "../http/inbox.ts";
import type { StoredLog } from "./attempt-logs.ts";

/** While nothing comes, in ms: it does not matter when somebody who waits looks again. */
const waitMs = 60_000;

/**
 * A log as it grows: what is stored, then what its runner sends, until the attempt has ended. Bytes are told apart by their place
 * in the whole log; for those that nobody sends there is a line that says how many they are.
 *
 * @param inbox open before the log is read, so that nothing is missed in between
 * @param read reads what is stored now
 * @param begin where in the stored text to begin
 */
export const followLog = async function* (
  inbox: Inbox,
  read: () => Promise<StoredLog>,
  begin: (text: Uint8Array) => number,
): AsyncGenerator<Uint8Array> {
  const stored = await read();
  let position = stored.length;
  yield stored.text.subarray(begin(stored.text));
  /** The bytes of the whole log from `offset` on, as far as they are new. */
  const add = function* (offset: number, bytes: Uint8Array): Generator<Uint8Array> {
    if (offset > position) yield leftOut(offset - position);
    yield bytes.subarray(Math.max(0, position - offset));
    position = Math.max(position, offset + bytes.length);
  };
  /**
   * What was stored meanwhile and is not sent: by a runner that cannot be followed, or was gone, or had not heard of the follower
   * yet. Once the attempt has ended, this is all of its log.
   */
  const addStored = async function* (): AsyncGenerator<Uint8Array> {
    const { text, length } = await read();
    if (length <= position) return;
    const end = text.subarray(-Math.min(tailBytes, length - position));
    yield* add(length - end.length, end);
  };
  while (!inbox.isOver) {
    const messages = inbox.take();
    for (const message of messages === "dropped" ? [] : messages) {
      const { offset, content } = LogPieceSchema.parse(JSON.parse(message));
      if (offset > position) yield* addStored();
      yield* add(offset, Uint8Array.fromBase64(content));
    }
    await inbox.wait(waitMs);
  }
  yield* addStored();
};
