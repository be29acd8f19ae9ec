import { useState } from "preact/hooks";
import type { Attempt } from "../../sdk/index.ts";
import { shortId } from "../../show/job-names.ts";
import { programName } from "../../show/job-text.ts";
import { showBytes, showCount } from "../../show/quantity.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { useSession } from "../data/session.ts";
import { Ago, Copy, Facts, Problem, Section, Status, Took } from "../parts/basics.tsx";
import { LogView } from "../parts/log-view.tsx";

type AttemptProps = {
  readonly job: string;
  readonly task: string;
  readonly attempt: Attempt;
  readonly isOpen: boolean;
  readonly onToggle: (isOpen: boolean) => void;
};

const AttemptView = ({ job, task, attempt, isOpen, onToggle }: AttemptProps) => {
  const { number, runner, startTime, endTime, outcome, error, logBytes, counters } = attempt;
  return (
    <details class="attempt" open={isOpen} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>
        attempt {number} <Status status={outcome ?? "in-progress"} /> on {runner},{" "}
        <Took from={startTime} to={endTime} />, started <Ago time={startTime} />
        {logBytes !== null && <span class="caption"> log of {showBytes(logBytes)}</span>}
      </summary>
      {error !== null && (
        <div class="notice notice-bad">
          <strong>{error.code}</strong>
          <pre>{error.message}</pre>
        </div>
      )}
      {counters !== null && (
        <Facts
          facts={Object.entries(counters.builtin).map(([name, value]): [string, string] => [name, showCount(value)])}
        />
      )}
      {isOpen && <LogView job={job} task={task} attempt={number} isRunning={outcome === null} />}
    </details>
  );
};

/** A task: what it reads, and each of its attempts with its log. */
export const TaskPage = ({ job, name }: { readonly job: string; readonly name: string }) => {
  const { client } = useSession();
  const id = `${job}-${name}`;
  const [opened, setOpened] = useState<ReadonlyMap<number, boolean>>(new Map());
  const task = useLoaded(async (signal) => await client.tasks.get(job, id, { signal }), [id], 2000);
  const attempts = useLoaded(
    async (signal) => await client.attempts.list(job, id, { signal }).page({ limit: 100 }),
    [id],
    2000,
  );
  const newest = attempts.value?.items[0]?.number;
  const command = `edgefold debug --server ${location.origin} ${shortId(job)} ${name}`;
  return (
    <>
      <p class="crumbs">
        <a href={routeTo(["jobs"])}>Jobs</a> / <a href={routeTo(["jobs", job])}>{shortId(job)}</a>
      </p>
      <h1>
        {name} {task.value !== undefined && <Status status={task.value.status} />}
      </h1>
      <Problem error={task.error ?? attempts.error} />
      {task.value !== undefined && (
        <>
          {task.value.program.type !== "builtin" && (
            <div class="buttons">
              <Copy text={command}>Copy as edgefold debug</Copy>
            </div>
          )}
          <Section title="What it reads">
            <Facts
              facts={[
                ["program", programName(task.value.program)],
                ["status of the program", task.value.message],
                ...(task.value.inputs.length === 0
                  ? [[task.value.inputData.type, <code>{task.value.inputData.path}</code>] as const]
                  : task.value.inputs
                      .slice(0, 100)
                      .map(
                        ({ path, splitStart, splitEnd }) =>
                          [`bytes ${showCount(splitStart)} to ${showCount(splitEnd)}`, <code>{path}</code>] as const,
                      )),
              ]}
            />
          </Section>
        </>
      )}
      <Section title="Attempts">
        {attempts.value?.items.length === 0 && <p class="caption">None has begun yet.</p>}
        {attempts.value?.items.map((attempt) => (
          <AttemptView
            key={attempt.number}
            job={job}
            task={id}
            attempt={attempt}
            isOpen={opened.get(attempt.number) ?? attempt.number === newest}
            onToggle={(isOpen) => setOpened(new Map([...opened, [attempt.number, isOpen]]))}
          />
        ))}
      </Section>
    </>
  );
};
