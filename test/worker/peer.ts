import type { z } from "zod";
import { linksEnded, openLink } from "./links.ts";

/** A message without its id. */
type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;

const dialled = new Set<{ close(): Promise<void> }>();

/** Closes every connection that a test has left open. Vitest hangs otherwise. */
export const hangUp = async (): Promise<void> => {
  await Promise.all([...dialled].map(async (peer) => await peer.close()));
  dialled.clear();
  await linksEnded();
};

/** The client's end of a link to an object. It records the notices it received, and how the link ended. */
export class Peer<Request, Answer extends { re: number }, Notice> {
  readonly notices: Notice[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  private constructor(socket: WebSocket, schemas: { answer: z.ZodType<Answer>; notice: z.ZodType<Notice> }) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = promise;
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string" || data === "pong") return;
      const message: unknown = JSON.parse(data);
      const answer = schemas.answer.safeParse(message).data;
      if (answer === undefined) this.notices.push(schemas.notice.parse(message));
      else this.#waiting.get(answer.re)?.(answer);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      socket.close();
      resolve({ code, reason });
    });
    socket.accept();
    dialled.add(this);
  }

  static async dial<Request, Answer extends { re: number }, Notice, Api extends Rpc.DurableObjectBranded>(
    object: DurableObjectStub<Api>,
    schemas: { request: z.ZodType<Request>; answer: z.ZodType<Answer>; notice: z.ZodType<Notice> },
  ): Promise<Peer<Request, Answer, Notice>> {
    return new Peer<Request, Answer, Notice>(await openLink(object), schemas);
  }

  async request(message: Unnumbered<Request>): Promise<Answer> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    this.send(JSON.stringify({ id, ...message }));
    return await promise;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Closes the link unless the other end already has, and waits until both have. */
  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000, "done");
    await this.closed;
  }
}
