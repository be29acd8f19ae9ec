import type { Verb } from "./api-request.ts";
import { Refusal } from "./status.ts";

const reasons: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  401: ["Unauthorized", "Unauthorized"],
  403: ["Forbidden", "forbidden: the test wants it so"],
  404: ["NotFound", "the server could not find the requested resource"],
  409: [
    "Conflict",
    "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
  ],
  410: ["Expired", "too old resource version"],
  429: ["TooManyRequests", "too many requests, please try again later"],
  500: ["InternalError", "Internal error occurred: etcdserver: request timed out"],
  503: ["ServiceUnavailable", "the server is currently unable to handle the request"],
  504: ["Timeout", "Timeout: request did not complete within the allotted timeout"],
};

/** How a request fails: refused with a status, or carried out but disconnected before the answer. */
export type Fault = number | "answer lost";

type Planned = { readonly verb: Verb; readonly plural: string; readonly fault: Fault; left: number };

/** Planned faults. */
export class Faults {
  readonly #planned: Planned[] = [];

  add(verb: Verb, plural: string, fault: Fault, times: number): void {
    this.#planned.push({ verb, plural, fault, left: times });
  }

  /** The fault planned for a request, if any; uses it up. */
  take(verb: Verb, plural: string): Fault | undefined {
    const planned = this.#planned.find((one) => one.verb === verb && one.plural === plural && one.left > 0);
    if (planned === undefined) return undefined;
    planned.left -= 1;
    return planned.fault;
  }
}

export const refusalOf = (code: number): Refusal => {
  const [reason, message] = reasons[code] ?? [undefined, "the test wants it so"];
  return new Refusal(code, reason, message, code === 429 ? { retryAfterSeconds: 1 } : undefined);
};
