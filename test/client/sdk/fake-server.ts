import { Edgefold } from "../../../client/sdk/index.ts";

/** What a request is answered with: an answer, or the reason why there is none. */
type Reply = Response | Error;

export const url = "https://edgefold.test";
export const token = "a-token";

/** A server that gives the replies it was given, one after another, and the last one from then on. */
export class FakeServer {
  readonly requests: Request[] = [];
  readonly client: Edgefold;
  readonly #replies: (() => Reply | Promise<Reply>)[];

  constructor(...replies: (() => Reply | Promise<Reply>)[]) {
    this.#replies = replies;
    const fetch = async (request: Request): Promise<Response> => {
      this.requests.push(request);
      request.signal.throwIfAborted();
      const reply = await this.#replies[Math.min(this.requests.length, this.#replies.length) - 1]?.();
      if (reply instanceof Response) return reply;
      throw reply ?? new Error("the server has no reply");
    };
    this.client = new Edgefold({ url, token, fetch });
  }

  /** What was asked for: methods, paths and queries. */
  get asked(): string[] {
    return this.requests.map(({ method, url: address }) => `${method} ${address.slice(url.length)}`);
  }

  /** The values of a header, request by request. */
  header(name: string): (string | null)[] {
    return this.requests.map(({ headers }) => headers.get(name));
  }
}

export const json = (body: unknown, headers: Record<string, string> = {}): Response => Response.json(body, { headers });

export const problem = (
  status: number,
  headers: Record<string, string> = {},
  more: Record<string, unknown> = {},
): Response =>
  Response.json(
    { type: `urn:edgefold:problem:of-${status}`, title: "A title", status, detail: "What is wrong.", ...more },
    { status, headers: { "Content-Type": "application/problem+json", ...headers } },
  );

/** Why fetch fails where nobody listens. */
export const refusal = (): Error => new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });

/** What a call was rejected with. */
export const rejectionOf = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call did not fail");
};
