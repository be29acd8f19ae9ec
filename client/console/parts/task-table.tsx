import { useState } from "preact/hooks";
import type { Task } from "../../sdk/index.ts";
import { shortTask } from "../../show/job-names.ts";
import { showBytes } from "../../show/quantity.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { setQuery, useRoute } from "../data/route.ts";
import { useSession } from "../data/session.ts";
import { Problem, Status, Took } from "./basics.tsx";
import { Pager } from "./pager.tsx";
import { Table, type Column } from "./table.tsx";

/** Tasks of one page of the table. */
const pageSize = 100;

const statuses = ["failed", "in-progress", "scheduled", "completed", "stopped"] as const;
const orders = { "-duration": "slowest first", index: "by index", "-startTime": "latest first" } as const;

const isOneOf = <T extends string>(words: readonly T[], text: string | undefined): text is T =>
  words.some((word) => word === text);

const columnsOf = (job: string): Column<Task>[] => [
  {
    title: "Task",
    cell: ({ id }) => <a href={routeTo(["jobs", job, "tasks", shortTask(job, id)])}>{shortTask(job, id)}</a>,
  },
  { title: "Status", cell: ({ status }) => <Status status={status} /> },
  { title: "Tries", kind: "number", cell: ({ attempt }) => attempt },
  {
    title: "Took",
    kind: "number",
    cell: ({ attempt, startTime, endTime }) => attempt > 0 && <Took from={startTime} to={endTime} />,
  },
  {
    title: "Reads",
    kind: "number",
    cell: ({ inputData: { splitStart, splitEnd } }) => showBytes(splitEnd - splitStart),
  },
  {
    title: "Error, or what it says, or its input",
    kind: "wide",
    cell: ({ error, message, inputData }) => error?.message ?? (message === "" ? inputData.path : message),
    hint: ({ error, inputData }) => error?.message ?? inputData.path,
  },
];

type TaskTableProps = { readonly job: string; readonly isOver: boolean; readonly hasFailures: boolean };

/** The tasks of a job, failed ones first where there are some, else the slowest. */
export const TaskTable = ({ job, isOver, hasFailures }: TaskTableProps) => {
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
        <Pager pages={pages} next={value?.next} labels={["Previous", "Next"]} onPages={setPages} />
      </div>
      <Problem error={error} />
      <Table label="Tasks" columns={columnsOf(job)} items={value?.items ?? []} keyOf={({ id }) => id} isBounded />
      {value?.items.length === 0 && <p class="caption">No task is {status ?? "there yet"}.</p>}
    </>
  );
};
