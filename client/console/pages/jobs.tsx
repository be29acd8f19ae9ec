import { useState } from "preact/hooks";
import type { Job, JobStatus } from "../../sdk/index.ts";
import { nameOf, shortId } from "../../show/job-names.ts";
import { showCount } from "../../show/quantity.ts";
import { jobStatuses } from "../../../shared/status.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { setQuery, useRoute } from "../data/route.ts";
import { useSession } from "../data/session.ts";
import { Ago, Problem, ProgressBar, Status, Took } from "../parts/basics.tsx";

const pageSize = 50;

const Row = ({ job }: { readonly job: Job }) => {
  const { maps, reduces } = job.progress;
  const total = maps.total + reduces.total;
  const [completed, failed] = [maps.completed + reduces.completed, maps.failed + reduces.failed];
  return (
    <tr>
      <td>
        <a href={routeTo(["jobs", job.id])}>{nameOf(job) || shortId(job.id)}</a>
        <span class="id">{shortId(job.id)}</span>
      </td>
      <td>
        <Status status={job.status} />
      </td>
      <td class="progress">
        <ProgressBar
          total={total}
          completed={completed}
          failed={failed}
          label={`${completed} of ${total} tasks, ${failed} failed`}
        />
        <span class="caption number">
          {showCount(completed)}/{showCount(total)}
        </span>
      </td>
      <td>
        <Ago time={job.startTime} />
      </td>
      <td class="number">
        <Took from={job.startTime} to={job.endTime} />
      </td>
      <td>{job.submittedBy}</td>
      <td>{job.cluster}</td>
      <td class="wide">
        {job.conditions.length > 0 && job.endTime === null ? (
          <strong>{job.conditions[0]?.type}</strong>
        ) : (
          (job.error?.code ?? "")
        )}
      </td>
    </tr>
  );
};

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

/** What the address says is listed. Words that are no status the server refuses, and says so. */
const filterOf = ({ status, name, tag, by, cluster }: Readonly<Record<string, string>>) => ({
  status: jobStatuses.find((each): each is JobStatus => each === status),
  name,
  tags: tagsOf(tag),
  submittedBy: by,
  cluster,
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
  const field = (name: string, label: string) => (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      value={query[name] ?? ""}
      onChange={(event) => change(name, event.currentTarget.value)}
    />
  );
  return (
    <>
      <h1>Jobs</h1>
      <div class="tools">
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
        {field("by", "submitted by")}
        {field("cluster", "cluster")}
      </div>
      <Problem error={error} />
      {value?.items.length === 0 && <Empty isFiltered={Object.keys(query).length > 0} />}
      {value !== undefined && value.items.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Jobs">
          <table class="jobs">
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Status</th>
                <th scope="col">Progress</th>
                <th scope="col">Started</th>
                <th scope="col" class="number">
                  Took
                </th>
                <th scope="col">By</th>
                <th scope="col">Cluster</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {value.items.map((job) => (
                <Row key={job.id} job={job} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="tools">
        <button type="button" class="quiet" disabled={pages.length === 0} onClick={() => setPages(pages.slice(0, -1))}>
          Newer
        </button>
        <button
          type="button"
          class="quiet"
          disabled={value?.next === undefined}
          onClick={() => value?.next !== undefined && setPages([...pages, value.next])}
        >
          Older
        </button>
      </div>
    </>
  );
};
