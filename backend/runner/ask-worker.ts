import { request, type Dispatcher } from "undici";
import { Dispatchers } from "../proxy.ts";
import { pauseByClock, retrying, type Patience } from "../retry.ts";
import { classOf, isTransient } from "../storage/failure-class.ts";
import { codeOfStatus } from "../storage/http-failure.ts";
import type { RunnerToken } from "./runner-token.ts";

const dispatchers = new Dispatchers();

/** How often and for how long to retry before giving up. */
const patience: Patience = { tries: 6, windowMs: 60_000, floorMs: 100, stepMs: 100, capMs: 10_000 };

/** The Worker rejected the request, and a retry would not help. */
class RefusedError extends Error {}

type WorkerRequest = {
  readonly method: "GET" | "PUT";
  /** The status of a successful response. */
  readonly success: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
};

/**
 * Sends an HTTP request to the Worker with the runner's token. Retries failures unless the Worker refuses the request.
 * @param take reads the body of a successful response
 * @throws Error if the Worker refuses the request or cannot be reached
 */
export const askWorker = async (
  url: URL,
  token: RunnerToken,
  { method, success, headers, body }: WorkerRequest,
  take: (body: Dispatcher.ResponseData["body"]) => Promise<void>,
): Promise<void> => {
  await retrying(
    async () => {
      const answer = await request(url, {
        method,
        dispatcher: dispatchers.for(url),
        headers: { ...headers, authorization: `Bearer ${token.current}` },
        body,
      });
      if (answer.statusCode === success) {
        await take(answer.body);
        return;
      }
      await answer.body.dump();
      const failure = { code: codeOfStatus(answer.statusCode), status: answer.statusCode };
      throw new (isTransient(classOf(failure)) ? Error : RefusedError)(`the Worker answered ${answer.statusCode}`);
    },
    (error) => (error instanceof RefusedError ? undefined : { patience }),
    pauseByClock,
    undefined,
  );
};
