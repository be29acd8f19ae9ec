import type { TargetedEvent } from "preact";
import { useState } from "preact/hooks";
import type { Job, JobStatus } from "../../sdk/index.ts";
import { nameOf, programsOf, shortId } from "../../show/job-names.ts";
import { showCount } from "../../show/quantity.ts";
import { jobStatuses } from "../../../shared/status.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { dayStart } from "../data/clock.ts";
import { setQuery, useRoute } from "../data/route.ts";
import { useSession } from "../data/session.ts";
import { Ago, Problem, ProgressBar, Status, Took } from "../parts/basics.tsx";
import { Pager } from "../parts/pager.tsx";
import { Table, type Column } from "../parts/table.tsx";

const pageSize = 50;

const Done = ({ job }: { readonly job: Job }) => {
  const { maps, reduces } = job.progress;
  const total = maps.total + reduces.total;
  const [completed, failed] = [maps.completed + reduces.completed, maps.failed + reduces.failed];
  const label = `${completed} of ${total} tasks, ${failed} failed`;
  return (
    <>
      <ProgressBar total={total} completed={completed} failed={failed} label={label} />
      <span class="caption number">
        {showCount(completed)}/{showCount(total)}
      </span>
    </>
  );
};

const columns: readonly Column<Job>[] = [
  {
    title: "Job",
    cell: (job) => (
      <>
        <a href={routeTo(["jobs", job.id])}>{nameOf(job) || shortId(job.id)}</a>
        <span class="id">{shortId(job.id)}</span>
      </>
    ),
  },
  { title: "Status", cell: ({ status }) => <Status status={status} /> },
  { title: "Progress", kind: "progress", cell: (job) => <Done job={job} /> },
  { title: "Started", cell: ({ startTime }) => <Ago time={startTime} /> },
  { title: "Took", kind: "number", cell: ({ startTime, endTime }) => <Took from={startTime} to={endTime} /> },
  {
    title: "Programs",
    kind: "cut",
    cell: (job) => <span class="caption">{programsOf(job)}</span>,
    hint: programsOf,
  },
  { title: "By", cell: ({ submittedBy }) => submittedBy },
  { title: "Cluster", cell: ({ cluster }) => cluster },
  {
    title: "Why",
    kind: "wide",
    cell: ({ conditions, endTime, error }) =>
      conditions.length > 0 && endTime === null ? <strong>{conditions[0]?.type}</strong> : (error?.code ?? ""),
  },
];

const Empty = ({ isFiltered }: { readonly isFiltered: boolean }) =>
  isFiltered ? (
    <p>
      No job matches. <a href={routeTo(["jobs"])}>Show all</a>
    </p>
  ) : (
    <div class="empty">
      <p>There are no jobs yet. Start one from a terminal:</p>
      <pre>
        edgefold run --server {location.origin} --mapper map.py --reducer reduce.py s3://bucket/input/
        s3://bucket/output/
      </pre>
    </div>
  );

const tagsOf = (text: string | undefined): Record<string, string> => {
  const [key = "", ...value] = (text ?? "").split(":");
  return value.length === 0 ? {} : { [key]: value.join(":") };
};

const search = { type: "search" } as const;
const date = { type: "date" } as const;

/** What the address says is listed. Words that are no status the server refuses, and says so. */
const filterOf = ({ status, name, tag, program, by, cluster, from, to }: Readonly<Record<string, string>>) => ({
  status: jobStatuses.find((each): each is JobStatus => each === status),
  name,
  tags: tagsOf(tag),
  program,
  submittedBy: by,
  cluster,
  since: dayStart(from),
  until: dayStart(to, 1),
});

export const JobsPage = () => {
  const { client } = useSession();
  const { query } = useRoute();
  const [pages, setPages] = useState<readonly string[]>([]);
  const after = pages.at(-1);
  const { value, error } = useLoaded(
    async (signal) => await client.jobs.list(filterOf(query), { signal }).page({ limit: pageSize, after }),
    [JSON.stringify(query), after],
    2000,
  );
  const change = (field: string, text: string): void => {
    setPages([]);
    setQuery({ [field]: text });
  };
  const filter = (name: string, kind: typeof search | typeof date) => ({
    ...kind,
    value: query[name] ?? "",
    onChange: (event: TargetedEvent<HTMLInputElement>) => change(name, event.currentTarget.value),
  });
  const field = (name: string, label: string) => (
    <input {...filter(name, search)} aria-label={label} placeholder={label} />
  );
  return (
    <>
      <h1>Jobs</h1>
      <div class="tools filters">
        <select
          aria-label="Status"
          value={query["status"] ?? ""}
          onChange={(event) => change("status", event.currentTarget.value)}
        >
          <option value="">all statuses</option>
          {jobStatuses.map((status) => (
            <option key={status}>{status}</option>
          ))}
        </select>
        {field("name", "part of a name")}
        {field("tag", "tag, key:value")}
        {field("program", "program")}
        {field("by", "submitted by")}
        {field("cluster", "cluster")}
        <label>
          from <input {...filter("from", date)} />
        </label>
        <label>
          to <input {...filter("to", date)} />
        </label>
      </div>
      <Problem error={error} />
      {value?.items.length === 0 && <Empty isFiltered={Object.keys(query).length > 0} />}
      {value !== undefined && value.items.length > 0 && (
        <Table label="Jobs" class="jobs" columns={columns} items={value.items} keyOf={({ id }) => id} />
      )}
      <div class="tools">
        <Pager pages={pages} next={value?.next} labels={["Newer", "Older"]} onPages={setPages} />
      </div>
    </>
  );
};
