import { Edgefold } from "../../../client/sdk/index.ts";

/** The result of a request: a response, or the error that fetch throws. */
type Reply = Response | Error;

export const url = "https://edgefold.test";
export const token = "a-token";

/** A server that returns the given replies in turn, then repeats the last one. */
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

  /** The method, path and query of each request. */
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

/** The error of fetch when the connection is refused. */
export const refusal = (): Error => new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });

/** Returns the error a call was rejected with. */
export const rejectionOf = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call did not fail");
};
