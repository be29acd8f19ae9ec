import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { asError } from "../data/as-error.ts";
import { useSession } from "../data/session.ts";
import { Problem } from "./basics.tsx";

/** Characters that are shown: what a log has beyond them can be downloaded. */
const mostShown = 512 * 1024;

type LogProps = { readonly job: string; readonly task: string; readonly attempt: number; readonly isRunning: boolean };

/** The log of an attempt, followed while it runs. It is text, and never anything else. */
export const LogView = ({ job, task, attempt, isRunning }: LogProps) => {
  const { client } = useSession();
  const [text, setText] = useState<string>();
  const [error, setError] = useState<Error>();
  const [search, setSearch] = useState("");
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const read = async (): Promise<void> => {
      setText(undefined);
      if (!isRunning) setText(await client.logs.read(job, task, attempt, { signal }));
      else
        for await (const piece of client.logs.follow(job, task, attempt, { signal }))
          setText((before = "") => before + piece);
    };
    read().catch((cause: unknown) => {
      if (!signal.aborted) setError(asError(cause));
    });
    return () => abort.abort(new Error("the log was left"));
  }, [client, job, task, attempt, isRunning]);
  // The end of a log says what went wrong.
  useEffect(() => {
    if (box.current !== null && search === "") box.current.scrollTop = box.current.scrollHeight;
  }, [text, search]);
  const shown = useMemo(() => {
    const end = (text ?? "").slice(-mostShown);
    if (search === "") return end;
    const wanted = search.toLowerCase();
    return end
      .split("\n")
      .filter((line) => line.toLowerCase().includes(wanted))
      .join("\n");
  }, [text, search]);
  const download = (): void => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text ?? ""], { type: "text/plain" }));
    link.download = `${task}-${attempt}.log`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <div class="log">
      <div class="tools">
        <input
          type="search"
          placeholder="Lines with …"
          aria-label="Search the log"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <button type="button" class="quiet" disabled={!text} onClick={download}>
          Download
        </button>
        {isRunning && <span class="caption">followed</span>}
      </div>
      <Problem error={error} />
      <pre ref={box} tabIndex={0} aria-label="Log">
        {text === undefined ? "…" : text === "" ? "Nothing was written." : shown}
      </pre>
    </div>
  );
};
