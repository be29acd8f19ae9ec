import { maxStatus } from "../../../shared/limits.ts";
import { counterAmount, describeError, isPromise, readExports } from "../../../shared/module-contract.ts";
import { cleanText } from "../../../shared/text.ts";
import { UserCounters } from "../../../shared/user-counters.ts";
import { Emitted } from "./emitted.ts";
import { LineBytes, noBuffer } from "./line-bytes.ts";
import { cut, longestError } from "./limits.ts";
import { Printed } from "./printed.ts";
import type { SampleRequest, SampleResult } from "./report.ts";

/** Why a program that is right fails here, and what to do. */
const cure =
  "A sample has no network, no other files and nothing that only Node.js has. " +
  "Try such a mapper with edgefold run and a file of a few lines.";

/** How browsers say that something is not defined which a module finds in Node.js. */
const names = "Buffer|process|require|global|setImmediate|fetch|navigator|WebSocket|EventSource|BroadcastChannel";
const missing = new RegExp(`\\b(?:${names}) is not defined|variable: (?:${names})\\b`);
/** How browsers say that something could not be imported. */
const failedImport = /dynamically imported module|module specifier|module script|specifier was a bare/i;
/** What a module imports, roughly: it is read only once an import has failed. */
const imports = /^[ \t]*(?:import|export)\b(?:[^"';]*?\bfrom)?\s*["']([^"'\n]+)["']/gm;

const withCure = (problem: string): string => {
  const isCurable = missing.test(problem) || failedImport.test(problem) || problem.includes(noBuffer);
  return isCurable ? `${problem}\n${cure}` : problem;
};

const encoder = new TextEncoder();

/** A run of a module's mapper on a few lines. */
export class Sample {
  readonly #request: SampleRequest;
  readonly #url: string;
  readonly #emitted = new Emitted();
  readonly #counters = new UserCounters();
  readonly #printed = new Printed();
  readonly #now = performance.now.bind(performance);
  #status = "";
  #records = 0;
  #took = 0;

  constructor(request: SampleRequest) {
    this.#request = request;
    this.#url = URL.createObjectURL(new Blob([request.source], { type: "text/javascript" }));
    this.#printed.attach(console);
  }

  /**
   * Loads the module and calls `map` for each line, as the runner does, or `mapBatch` with one line at a time.
   * @param onRecord is called before each call, with the record's number from 1
   * @returns why it failed; empty if it did not
   */
  async run(onRecord: (record: number) => void): Promise<string> {
    const { name, lines: all } = this.#request;
    let exported: unknown;
    try {
      exported = await import(this.#url);
    } catch (error) {
      return this.#explainLoad(this.#describe(error));
    }
    const found = readExports(exported, "map");
    if (found.kind === "unusable") return `${name} ${found.problem}`;
    const { call, encoding, takesBatches } = found;
    const { emit } = this.#emitted;
    const context = this.#context();
    const start = this.#now();
    try {
      for (const line of all) {
        onRecord(this.#records + 1);
        const lines = takesBatches ? `${line}\n` : line;
        const pending = call(encoding === "utf8" ? lines : new LineBytes(encoder.encode(lines).buffer), emit, context);
        if (isPromise(pending)) await pending;
        this.#records++;
      }
      return "";
    } catch (error) {
      return withCure(`at record ${this.#records + 1}: ${this.#describe(error)}`);
    } finally {
      this.#took = this.#now() - start;
    }
  }

  /** Explains an error of what the module left running. */
  explainStray(error: unknown): string {
    return withCure(`outside of map: ${this.#describe(error)}`);
  }

  /** @param error why the sample failed; empty if it did not */
  result(error: string): SampleResult {
    return {
      kind: "result",
      records: this.#records,
      took: Math.max(0, this.#took),
      emitted: this.#emitted.count,
      rows: this.#emitted.rows,
      counters: Object.entries(this.#counters.snapshot()).flatMap(([group, counters]) =>
        Object.entries(counters).map(([name, amount]): [string, string, number] => [group, name, amount]),
      ),
      status: this.#status,
      printed: this.#printed.lines,
      printedMore: this.#printed.more,
      error: cut(error, longestError),
    };
  }

  /** The last argument of `map`, see docs/guide/programs.md. */
  #context() {
    const { args, environment, inputPath } = this.#request;
    return {
      args,
      environment,
      directory: "/",
      inputPath,
      counter: (group: unknown, name: unknown, amount: unknown = 1) =>
        this.#counters.add(String(group), String(name), counterAmount(amount)),
      status: (text: unknown) => {
        this.#status = cleanText(String(text), maxStatus);
      },
    };
  }

  #describe(error: unknown): string {
    return describeError(error, this.#url, this.#request.name);
  }

  #explainLoad(problem: string): string {
    const { name, source } = this.#request;
    if (!failedImport.test(problem)) return withCure(`${name} cannot be loaded: ${problem}`);
    const specifiers = Array.from(source.matchAll(imports), ([, specifier]) => specifier);
    const what = specifiers.length === 0 ? "something" : specifiers.join(", ");
    return `${name} imports ${what}, which cannot be loaded here.\n${cure}`;
  }
}
