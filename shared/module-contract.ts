/** What a JavaScript module exports and calls. The runner and the console's sample check it alike, in the same words. */

/** A function that a module exports. If it is asynchronous, it returns a promise; any other result is ignored. */
export type ModuleFunction = (...parameters: unknown[]) => unknown;

/** What records are for a module: strings, or bytes. */
type ModuleEncoding = "utf8" | "bytes";

export type UsableExports = {
  readonly kind: "usable";
  readonly call: ModuleFunction;
  readonly encoding: ModuleEncoding;
  /** Whether `call` takes many lines at a time, each with its newline. */
  readonly takesBatches: boolean;
};

type ModuleExports =
  | UsableExports
  /** `problem` is the rest of a sentence that starts with the module's name. */
  | { readonly kind: "unusable"; readonly problem: string };

/** Whether Node.js takes a module of this name as TypeScript. */
export const isTypeScript = (name: string): boolean => /\.m?ts$/i.test(name);

/**
 * Reads what a module exports.
 * @param exported the module's namespace
 * @param role what to call: `mapBatch` goes before `map`
 */
export const readExports = (exported: unknown, role: "map" | "reduce" | "combine"): ModuleExports => {
  const takesBatches = role === "map" && exportOf(exported, "mapBatch") !== undefined;
  const name = takesBatches ? "mapBatch" : role;
  const call = exportOf(exported, name);
  if (!isCallable(call)) return { kind: "unusable", problem: `does not export a function \`${name}\`` };
  const encoding = exportOf(exported, "encoding") ?? "utf8";
  if (encoding !== "utf8" && encoding !== "bytes") {
    return { kind: "unusable", problem: 'exports an `encoding` that is neither "utf8" nor "bytes"' };
  }
  return { kind: "usable", call, encoding, takesBatches };
};

const exportOf = (exported: unknown, name: string): unknown =>
  typeof exported === "object" && exported !== null ? Reflect.get(exported, name) : undefined;

const isCallable = (value: unknown): value is ModuleFunction => typeof value === "function";

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

/** Returns the error to throw for a part of a record that cannot be emitted. */
export const emitError = (part: unknown, what: "key" | "value"): TypeError => {
  const kind = part === null ? "null" : Array.isArray(part) ? "an array" : `of type ${typeof part}`;
  return new TypeError(`emit(key, value): the ${what} must be a string, a number or bytes, it is ${kind}`);
};

/** Returns the amount that a module adds to a counter. @throws TypeError if it is not an integer */
export const counterAmount = (amount: unknown): number => {
  if (typeof amount === "number" && Number.isSafeInteger(amount)) return amount;
  throw new TypeError("counter(group, name, amount): the amount must be an integer");
};

/**
 * Returns the message of what a module threw, and the stack lines that lie in the module.
 * @param url what the module was imported from
 * @param name what the stack lines call it instead
 */
export const describeError = (error: unknown, url: string, name: string): string => {
  if (!(error instanceof Error)) return String(error);
  const places = (error.stack ?? "").split("\n").filter((line) => line.includes(url));
  return [`${error.name}: ${error.message}`, ...places.map((line) => line.replace(url, name))].join("\n");
};
