import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./until.ts";

/** The output of a stage's `writer`: 20 MB in lines of 16 bytes. */
export const bulk = Buffer.from("0123456789abcde\n".repeat(1_250_000));

/**
 * Programs of an inverted index that record each of their runs and wait when told to. Attempts are named without the job:
 * `m-2-1` is the first attempt of the third map.
 *
 * The input's lines are `number word …`; the output's are `word TAB number,number…`, in the order of the input.
 */
export class Stage {
  readonly #dir: string;

  constructor(parent: string) {
    this.#dir = mkdtempSync(join(parent, "stage-"));
  }

  get mapper(): string {
    return this.#program(`
      begin() { IFS= read -r first; printf '%s\\n' "$first"; }
      index() { awk '{ for (i = 2; i <= NF; i++) print $i "\\t" $1 }'; }
      echo 'reporter:counter:stage,begun,1' >&2
      begin | index
      wait_if_told
      index`);
  }

  get reducer(): string {
    return this.#program(`
      begin() { IFS= read -r first; printf '%s\\n' "$first"; }
      { begin; wait_if_told; cat; } | awk -F'\\t' '
        $1 == word { list = list "," $2; next }
        NR > 1 { print word "\\t" list }
        { word = $1; list = $2 }
        END { print word "\\t" list }'`);
  }

  /** A mapper that writes `bulk`, more than one part of an upload, before it waits, whatever its input. */
  get writer(): string {
    return this.#program(`
      yes 0123456789abcde | head -c ${bulk.length}
      wait_if_told`);
  }

  /** Makes these attempts wait after their first line. */
  hold(...attempts: string[]): void {
    for (const attempt of attempts) writeFileSync(this.#hold(attempt), "");
  }

  /** Resolves when all held attempts are waiting. */
  async held(): Promise<void> {
    await until("programs waiting where they are told", () =>
      this.#named("hold-").every((attempt) => existsSync(join(this.#dir, `held-${attempt}`))) ? true : undefined,
    );
  }

  /** Lets these attempts, or all, continue. Has no effect on attempts that have ended. */
  release(...attempts: string[]): void {
    for (const attempt of attempts.length > 0 ? attempts : this.#named("hold-")) rmSync(this.#hold(attempt));
  }

  /** The attempts whose program ran, sorted, once for each run. */
  get runs(): string[] {
    return readFileSync(join(this.#dir, "runs"), "utf8").trimEnd().split("\n").sort();
  }

  #program(body: string): string {
    return `#!/bin/sh
      export LC_ALL=C
      attempt=\${EDGEFOLD_ATTEMPT_ID#"$EDGEFOLD_JOB_ID"-}
      echo "$attempt" >> '${this.#dir}/runs'
      wait_if_told() {
        [ -e '${this.#dir}'/hold-"$attempt" ] || return 0
        : > '${this.#dir}'/held-"$attempt"
        while [ -e '${this.#dir}'/hold-"$attempt" ]; do sleep 0.05; done
      }
      ${body}
    `;
  }

  #hold(attempt: string): string {
    return join(this.#dir, `hold-${attempt}`);
  }

  #named(prefix: string): string[] {
    return readdirSync(this.#dir).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  }
}
