import type { JobDetail } from "../../sdk/index.ts";
import { isEnded } from "../../../shared/status.ts";
import { nameOf, shortId, shortTask } from "../../show/job-names.ts";
import { countersOf, optionsOf, programText } from "../../show/job-text.ts";
import { showCount } from "../../show/quantity.ts";
import { exactTime } from "../data/clock.ts";
import { useLiveJob } from "../data/live-job.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { mayChange, useSession } from "../data/session.ts";
import { Action } from "../parts/action.tsx";
import { Ago, Copy, Facts, Problem, Section, Status, Took } from "../parts/basics.tsx";
import { EventList } from "../parts/event-list.tsx";
import { PhaseBar } from "../parts/phases.tsx";
import { Skew } from "../parts/skew.tsx";
import { TaskGrid } from "../parts/task-grid.tsx";
import { TaskTable } from "../parts/task-table.tsx";
import { Throughput } from "../parts/throughput.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { commandOf, curlOf } from "./job-commands.ts";

/** Parts of the output that a job names. */
const mostOutputs = 100;

/** Why the job is as it is: what is wrong comes before all else. */
const Reason = ({ job }: { readonly job: JobDetail }) => (
  <>
    {job.conditions.map(({ type, message, since }) => (
      <div key={type} class="notice">
        <strong>{type}</strong> <Ago time={since} />
        <p>{message}</p>
      </div>
    ))}
    {job.error !== null && (
      <div class="notice notice-bad">
        <strong>{job.error.code}</strong>
        {job.error.taskId !== null && (
          <>
            {" in "}
            <a href={routeTo(["jobs", job.id, "tasks", shortTask(job.id, job.error.taskId)])}>
              {shortTask(job.id, job.error.taskId)}
            </a>
          </>
        )}
        <pre>{job.error.message}</pre>
      </div>
    )}
    {job.heldUntil != null && (
      <div class="notice">
        What the job has computed is kept until {exactTime(job.heldUntil)}, so that it can be resumed.
      </div>
    )}
  </>
);

const Actions = ({ job }: { readonly job: JobDetail }) => {
  const session = useSession();
  const { client } = session;
  if (!mayChange(session)) return null;
  const isOver = isEnded(job.status);
  return (
    <div class="buttons">
      {!isOver && (
        <Action
          label="Stop"
          isDangerous
          question="Stop the job? What it has computed is thrown away."
          act={async () => void (await client.jobs.stop(job.id))}
        />
      )}
      {job.heldUntil != null && (
        <>
          <Action label="Resume" act={async () => void (await client.jobs.resume(job.id))} />
          <Action
            label="Let go"
            question="Keep the work of this job no longer? It cannot be resumed then."
            act={async () => void (await client.jobs.stop(job.id))}
          />
        </>
      )}
      {isOver && (
        <>
          <a class="button" href={routeTo(["new"], { like: job.id })}>
            Run again
          </a>
          <Action
            label="Remove"
            isDangerous
            question="Remove the job with its logs? Its output stays."
            act={async () => {
              await client.jobs.purge(job.id);
              location.hash = routeTo(["jobs"]);
            }}
          />
        </>
      )}
      <Copy text={commandOf(job, location.origin)}>Copy as command</Copy>
      <Copy text={curlOf(job, location.origin)}>Copy as curl</Copy>
    </div>
  );
};

const Details = ({ job }: { readonly job: JobDetail }) => {
  const { request } = job;
  const counters = countersOf(job);
  return (
    <div class="columns">
      <Section title="What it is">
        <Facts
          facts={[
            ["id", <code>{job.id}</code>],
            ["mapper", programText(job, "mapper")],
            ["combiner", programText(job, "combiner")],
            ["reducer", programText(job, "reducer")],
            ["input", <code>{request.inputPath}</code>],
            ["output", <code>{request.outputPath}</code>],
            ["cluster", job.cluster],
            ["submitted by", job.submittedBy],
            [
              "tags",
              Object.entries(job.tags)
                .map(([key, value]) => `${key}:${value}`)
                .join(", "),
            ],
            [
              "rerun of",
              job.rerunOf === null ? "" : <a href={routeTo(["jobs", job.rerunOf])}>{shortId(job.rerunOf)}</a>,
            ],
            ...optionsOf(job),
          ]}
        />
      </Section>
      <Section title="Counters">
        <Facts facts={counters.map(([name, value]): [string, string] => [name, showCount(value)])} />
        {counters.length === 0 && <p class="caption">Nothing was counted yet.</p>}
        {job.outputs.length > 0 && (
          <details>
            <summary>
              Output:{" "}
              {job.outputs.length < mostOutputs ? `${job.outputs.length} parts` : `the first ${mostOutputs} parts`}
            </summary>
            <ul>
              {job.outputs.map((url) => (
                <li key={url}>
                  <code>{url}</code>
                </li>
              ))}
            </ul>
          </details>
        )}
      </Section>
    </div>
  );
};

export const JobPage = ({ id }: { readonly id: string }) => {
  const { client } = useSession();
  const { job, events, dropped, isLive, error } = useLiveJob(id);
  const isOver = job !== undefined && isEnded(job.status);
  const states = useLoaded(
    async (signal) => await client.tasks.states(id, { signal }),
    [id, isOver],
    isOver ? undefined : 2000,
  );
  if (job === undefined) return error === undefined ? <p class="caption">Loading …</p> : <Problem error={error} />;
  const pick = (task: string): void => {
    location.hash = routeTo(["jobs", id, "tasks", task]);
  };
  const hasFailures = job.progress.maps.failed + job.progress.reduces.failed > 0;
  return (
    <>
      <p class="crumbs">
        <a href={routeTo(["jobs"])}>Jobs</a>
      </p>
      <h1>
        {nameOf(job) || shortId(id)} <Status status={job.status} />
        <small>
          <Took from={job.startTime} to={job.endTime} />, started <Ago time={job.startTime} />
        </small>
        {!isLive && !isOver && error === undefined && (
          <span class="stale" role="status">
            connection lost, trying again: this is how things were
          </span>
        )}
      </h1>
      {error !== undefined && <Problem error={error} />}
      <Actions job={job} />
      <Reason job={job} />
      <PhaseBar events={events} />
      {states.value !== undefined && (
        <Section title="Tasks">
          {states.value.maps !== "" && <TaskGrid kind="m" label="Maps" states={states.value.maps} onPick={pick} />}
          {states.value.reduces !== "" && (
            <TaskGrid kind="r" label="Reduces" states={states.value.reduces} onPick={pick} />
          )}
          <TaskTable job={id} isOver={isOver} hasFailures={hasFailures} />
        </Section>
      )}
      <div class="columns">
        <Section title="Throughput">
          <Throughput events={events} />
        </Section>
        <Section title="Timeline">
          <Timeline job={id} isOver={isOver} onPick={pick} />
        </Section>
      </div>
      {job.nReducers > 0 && job.progress.reduces.total > 0 && (
        <Section title="Partitions">
          <Skew job={id} isOver={isOver} />
        </Section>
      )}
      <Details job={job} />
      <Section title="Events">
        <EventList job={id} events={events} dropped={dropped} />
      </Section>
    </>
  );
};
