import { z } from "zod";
import { Random } from "../helpers/random.ts";
import type { Clock } from "./clock.ts";
import type { SimulatedJob } from "./job.ts";

const EndSchema = z.object({ status: z.string(), endTime: z.int() });
/** What the objects pass to their `fetch`. */
export type Sent = { readonly headers: Record<string, string>; readonly body: string; readonly signal: AbortSignal };

export type End = z.infer<typeof EndSchema> & { readonly delivery: string | null };

/** The longest delay each way, in ms. */
const slowest = 4000;

/** The receiver of notifications about the ends of jobs. */
export class Receiver {
  readonly #clock: Clock;
  readonly #jobOf: (id: string) => SimulatedJob;
  readonly #random: Random;
  readonly #heard = new Map<string, End[]>();
  /** The number of requests received for each job. */
  readonly #requests = new Map<string, number>();

  constructor(clock: Clock, jobOf: (id: string) => SimulatedJob, seed: number) {
    this.#clock = clock;
    this.#jobOf = jobOf;
    // Its own generator: the receiver changes nothing in jobs that notify nobody.
    this.#random = new Random(seed);
  }

  /** Each end that a job has reported. */
  heardOf(id: string): readonly End[] {
    return this.#heard.get(id) ?? [];
  }

  /** The `fetch` of the objects. A received request need not be answered. */
  async fetch(request: Sent): Promise<Response> {
    const headers = new Headers(request.headers);
    const { id, host, options } = this.#jobOf(headers.get("Edgefold-Job") ?? "");
    return await host.request((settle) => {
      request.signal.addEventListener("abort", () => settle(broken("the request was aborted")));
      this.#clock.after(this.#random.between(1, slowest), () => {
        const requests = this.#requests.get(id) ?? 0;
        this.#requests.set(id, requests + 1);
        const isTaken = requests >= (options.refusals ?? Infinity);
        if (isTaken || this.#random.chance(0.3)) this.#receive(id, headers, request.body);
        // A further request is never answered.
        const refusal = this.#random.pick([broken("the line was cut"), status(500), null]);
        const answer = isTaken ? status(204) : refusal;
        if (answer !== null) this.#clock.after(this.#random.between(1, slowest), () => settle(answer));
      });
    });
  }

  #receive(id: string, headers: Headers, body: string): void {
    const end = { ...EndSchema.parse(JSON.parse(body)), delivery: headers.get("Edgefold-Delivery") };
    this.#heard.set(id, [...this.heardOf(id), end]);
  }
}

const broken = (why: string) => (): never => {
  throw new TypeError(why);
};
const status = (code: number) => (): Response => new Response(null, { status: code });
