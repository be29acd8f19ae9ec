import { useState } from "preact/hooks";
import type { Task } from "../../sdk/index.ts";
import { shortTask } from "../../show/job-names.ts";
import { showBytes } from "../../show/quantity.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { setQuery, useRoute } from "../data/route.ts";
import { useSession } from "../data/session.ts";
import { Problem, Status, Took } from "./basics.tsx";

/** Tasks of one page of the table. */
const pageSize = 100;

const statuses = ["failed", "in-progress", "scheduled", "completed", "stopped"] as const;
const orders = { "-duration": "slowest first", index: "by index", "-startTime": "latest first" } as const;

const isOneOf = <T extends string>(words: readonly T[], text: string | undefined): text is T =>
  words.some((word) => word === text);

const Row = ({ job, task }: { readonly job: string; readonly task: Task }) => {
  const name = shortTask(job, task.id);
  const { splitStart, splitEnd, path } = task.inputData;
  return (
    <tr>
      <td>
        <a href={routeTo(["jobs", job, "tasks", name])}>{name}</a>
      </td>
      <td>
        <Status status={task.status} />
      </td>
      <td class="number">{task.attempt}</td>
      <td class="number">{task.attempt > 0 && <Took from={task.startTime} to={task.endTime} />}</td>
      <td class="number">{showBytes(splitEnd - splitStart)}</td>
      <td class="wide" title={task.error?.message ?? path}>
        {task.error?.message ?? (task.message === "" ? path : task.message)}
      </td>
    </tr>
  );
};

type TableProps = { readonly job: string; readonly isOver: boolean; readonly hasFailures: boolean };

/** The tasks of a job, failed ones first where there are some, else the slowest. */
export const TaskTable = ({ job, isOver, hasFailures }: TableProps) => {
  const { client } = useSession();
  const { query } = useRoute();
  const [pages, setPages] = useState<readonly string[]>([]);
  const wanted = query["status"] ?? (hasFailures ? "failed" : "");
  const status = isOneOf(statuses, wanted) ? wanted : undefined;
  const sort = isOneOf(["-duration", "index", "-startTime"] as const, query["sort"]) ? query["sort"] : "-duration";
  const after = pages.at(-1);
  const { value, error } = useLoaded(
    async (signal) => await client.tasks.list(job, { status, sort }, { signal }).page({ limit: pageSize, after }),
    [job, status, sort, after],
    isOver ? undefined : 3000,
  );
  const choose = (changes: Readonly<Record<string, string>>): void => {
    setPages([]);
    setQuery(changes);
  };
  return (
    <>
      <div class="tools">
        <select
          aria-label="Status"
          value={status ?? "all"}
          onChange={(event) => choose({ status: event.currentTarget.value })}
        >
          <option value="all">all statuses</option>
          {statuses.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
        <select aria-label="Order" value={sort} onChange={(event) => choose({ sort: event.currentTarget.value })}>
          {Object.entries(orders).map(([order, text]) => (
            <option key={order} value={order}>
              {text}
            </option>
          ))}
        </select>
        <button type="button" class="quiet" disabled={pages.length === 0} onClick={() => setPages(pages.slice(0, -1))}>
          Previous
        </button>
        <button
          type="button"
          class="quiet"
          disabled={value?.next === undefined}
          onClick={() => value?.next !== undefined && setPages([...pages, value.next])}
        >
          Next
        </button>
      </div>
      <Problem error={error} />
      <div class="scroll rows" tabIndex={0} role="region" aria-label="Tasks">
        <table>
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col">Status</th>
              <th scope="col" class="number">
                Tries
              </th>
              <th scope="col" class="number">
                Took
              </th>
              <th scope="col" class="number">
                Reads
              </th>
              <th scope="col">Error, or what it says, or its input</th>
            </tr>
          </thead>
          <tbody>
            {value?.items.map((task) => (
              <Row key={task.id} job={job} task={task} />
            ))}
          </tbody>
        </table>
      </div>
      {value?.items.length === 0 && <p class="caption">No task is {status ?? "there yet"}.</p>}
    </>
  );
};
