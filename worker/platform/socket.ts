import type { z } from "zod";
import { parseJson } from "../../shared/json.ts";

/** Most bytes of a message. Objects share an isolate, so that what one of them parses is paid for by its neighbours. */
const maxMessage = 4 * 1024 * 1024;

/** @returns what a peer has sent; undefined where that is too long to be looked at, or not what the schema says */
export const readMessage = <Message>(
  schema: z.ZodType<Message>,
  message: string | ArrayBuffer,
): Message | undefined => {
  const size = typeof message === "string" ? message.length : message.byteLength;
  return size > maxMessage ? undefined : schema.safeParse(parseJson(message)).data;
};

/** Sends a message; one to a socket that is closing is dropped, and made up for when the peer comes again. */
export const sendText = (socket: WebSocket, message: string): void => {
  try {
    socket.send(message);
  } catch {
    // There is no telling beforehand: the peer may close at any moment.
  }
};

/** Sends a message as JSON, as `sendText` does. */
export const sendJson = (socket: WebSocket, message: unknown): void => sendText(socket, JSON.stringify(message));

/** Answers a close, without which the peer waits for ten seconds. Never throws. */
export const answerClose = (socket: WebSocket, code: number, reason: string): void => {
  try {
    socket.close(code, reason);
  } catch {
    // Codes that may be received may not all be sent: 1005 and 1006 say that none was (RFC 6455, section 7.4.1).
    socket.close();
  }
};
