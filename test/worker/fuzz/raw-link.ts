import { z } from "zod";
import { openLink } from "../links.ts";
import { inTime } from "./answers.ts";

const open = new Set<RawLink>();

/** Closes every link that a test has left open. Vitest hangs otherwise. */
export const closeLinks = async (): Promise<void> => {
  await Promise.all([...open].map(async (link) => await link.close()));
};

const AnswerSchema = z.looseObject({ re: z.int() });

/** The client's end of a link, which can send anything. */
export class RawLink {
  /** Resolves with the close code when the link is closed. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Record<string, unknown>) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.closed = promise;
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string" || data === "pong") return;
      const answer = AnswerSchema.safeParse(JSON.parse(data)).data;
      if (answer !== undefined) this.#waiting.get(answer.re)?.(answer);
    });
    socket.addEventListener("close", ({ code }) => {
      socket.close();
      open.delete(this);
      resolve(code);
    });
    socket.accept();
    open.add(this);
  }

  static async dial<Api extends Rpc.DurableObjectBranded>(taker: DurableObjectStub<Api>): Promise<RawLink> {
    return new RawLink(await openLink(taker));
  }

  get isOpen(): boolean {
    return open.has(this) && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Sends a frame without waiting for an answer. Frames sent on a closed link are lost. */
  send(frame: string | Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** Sends a request. Fails if nothing happens in time. @returns its answer, or undefined if the link is closed instead */
  async ask(message: object, id: number): Promise<Record<string, unknown> | undefined> {
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown> | undefined>();
    this.#waiting.set(id, resolve);
    this.send(JSON.stringify({ ...message, id }));
    const text = JSON.stringify(message).slice(0, 500);
    return await inTime(`an answer to ${text}`, Promise.race([promise, this.closed.then(() => undefined)]));
  }

  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000, "done");
    await inTime("the link", this.closed);
  }
}
