import { useEffect, useRef, useState } from "preact/hooks";
import { isTypeScript } from "../../../shared/module-contract.ts";
import type { StoredArtifact } from "../../sdk/index.ts";
import { showBytes, showCount } from "../../show/quantity.ts";
import { asError } from "../data/as-error.ts";
import { useSession } from "../data/session.ts";
import { longestInput, mostLines } from "../sample/limits.ts";
import type { SampleRequest, SampleResult } from "../sample/report.ts";
import { runSample } from "../sample/run-sample.ts";
import { Problem } from "./basics.tsx";
import { SampleResultView, SampleVerdict } from "./sample-result.tsx";

/** Bytes of a module that a sample fetches at most. */
const largestModule = 4_000_000;

/** The lines of a text, as the runner reads them. A newline at the end begins no further line. */
const linesOf = (text: string): string[] => text.replace(/\r?\n$/, "").split(/\r?\n/);

/** Returns why a module cannot be tried here, as a sentence; undefined if it can. */
const obstacleOf = ({ name, size }: StoredArtifact): string | undefined => {
  const instead = "Try it with edgefold run and a file of a few lines.";
  if (isTypeScript(name)) return `A browser does not run TypeScript. ${instead}`;
  if (size > largestModule) return `Modules of more than ${showBytes(largestModule)} are not tried here. ${instead}`;
  return undefined;
};

/** What a sample has from the form. */
export type SampleSettings = Pick<SampleRequest, "args" | "environment" | "inputPath">;

type SampleProps = {
  /** The mapper. */
  readonly artifact: StoredArtifact;
  readonly settings: SampleSettings;
};

/** Runs a module's `map` on a few lines in this browser, before a job is started. */
export const MapperSample = ({ artifact, settings }: SampleProps) => {
  const { client } = useSession();
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<SampleResult>();
  const [error, setError] = useState<Error>();
  const abort = useRef<AbortController>(undefined);
  const { name, hash } = artifact;
  useEffect(
    () => () => {
      // The page is left, or the module replaced: then the lines stay, to be tried again.
      abort.current?.abort(new Error("the sample was left"));
      setResult(undefined);
      setError(undefined);
    },
    [hash],
  );
  const lines = linesOf(text);
  const obstacle = obstacleOf(artifact);
  const run = async ({ signal }: AbortController): Promise<void> => {
    setBusy(true);
    setResult(undefined);
    setError(undefined);
    try {
      const source = await (await client.artifacts.content(name, { signal })).text();
      setResult(await runSample({ name, source, lines, ...settings }, signal));
    } catch (cause) {
      if (!signal.aborted) setError(asError(cause));
    }
    setBusy(false);
  };
  return (
    <details class="sample">
      <summary>Try the mapper on a few lines</summary>
      {obstacle !== undefined ? (
        <p class="caption">{obstacle}</p>
      ) : (
        <>
          <p id="sample-says" class="caption">
            {name} runs in this browser, cut off from the network, other files and Node.js.
          </p>
          <textarea
            rows={4}
            value={text}
            aria-label="Lines of input"
            aria-describedby="sample-says"
            placeholder={"A few lines of your input, such as\nthe quick brown fox jumps over the lazy dog"}
            maxLength={longestInput}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <div class="buttons">
            <button
              type="button"
              disabled={isBusy || text === "" || lines.length > mostLines}
              onClick={() => {
                abort.current = new AbortController();
                void run(abort.current);
              }}
            >
              {isBusy ? "Trying …" : "Try"}
            </button>
            <span role="status">
              {lines.length > mostLines ? (
                `These are ${showCount(lines.length)} lines: at most ${showCount(mostLines)} can be tried.`
              ) : (
                <SampleVerdict result={result} />
              )}
            </span>
          </div>
          <Problem error={error} />
          {result !== undefined && <SampleResultView result={result} />}
        </>
      )}
    </details>
  );
};
