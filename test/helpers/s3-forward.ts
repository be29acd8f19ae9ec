import { request as send, type IncomingMessage } from "node:http";

/** A store's complete answer. */
export type StoreAnswer = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
};

export const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

/** Forwards a complete request to a store, with all its headers: the signature covers the host that the client connected to. */
export const forward = async (
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  to: { readonly host: string; readonly port: number },
): Promise<StoreAnswer> => {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  send({ ...to, agent: false, method, path: url, headers }, resolve)
    .on("error", reject)
    .end(body);
  const answer = await promise;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await bodyOf(answer) };
};
