import { useState } from "preact/hooks";
import type { JournalEvent } from "../../sdk/index.ts";
import { shortTask } from "../../show/job-names.ts";
import { exactTime } from "../data/clock.ts";
import { routeTo } from "../data/address.ts";
import { Status } from "./basics.tsx";

/** Events that are drawn: the newest. */
const mostDrawn = 300;

/** Characters of an error: its beginning names the program, its end what went wrong. */
const longestError = 240;

const cut = (text: string): string =>
  text.length <= longestError ? text : `${text.slice(0, 80)} … ${text.slice(80 - longestError)}`;

const kinds = ["job", "task", "condition", "progress"] as const;

const What = ({ job, event }: { readonly job: string; readonly event: JournalEvent }) => {
  switch (event.kind) {
    case "job":
      return (
        <>
          job <Status status={event.status} />{" "}
          {event.error !== null && `${event.error.code}: ${cut(event.error.message)}`}
        </>
      );
    case "progress":
      return (
        <>
          {event.maps.completed} of {event.maps.total} maps, {event.reduces.completed} of {event.reduces.total} reduces
        </>
      );
    case "task": {
      const name = shortTask(job, event.task);
      const isListed = event.type === "mapper" || event.type === "reducer";
      return (
        <>
          {isListed ? <a href={routeTo(["jobs", job, "tasks", name])}>{name}</a> : event.type}, attempt {event.attempt},{" "}
          <Status status={event.change} /> on {event.runner}
          {event.speculative && " (another attempt runs beside it)"}
          {event.error !== null && `: ${cut(event.error.message)}`}
        </>
      );
    }
    case "condition":
      return event.set ? (
        <>
          <strong>{event.type}</strong> {event.message}
        </>
      ) : (
        <>{event.type} is over</>
      );
    case "gap":
      return (
        <>
          events {event.from} to {event.id - 1} were removed
        </>
      );
  }
};

type ListProps = { readonly job: string; readonly events: readonly JournalEvent[]; readonly dropped: number };

/** What has happened to a job, newest first. */
export const EventList = ({ job, events, dropped }: ListProps) => {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set(["progress"]));
  const shown = events.filter(({ kind }) => !hidden.has(kind));
  const toggle = (kind: string): void => {
    const next = new Set(hidden);
    if (!next.delete(kind)) next.add(kind);
    setHidden(next);
  };
  const older = dropped + Math.max(0, shown.length - mostDrawn);
  return (
    <>
      <fieldset class="tools">
        <legend class="visually-hidden">Kinds of events</legend>
        {kinds.map((kind) => (
          <label key={kind}>
            <input type="checkbox" checked={!hidden.has(kind)} onChange={() => toggle(kind)} /> {kind}
          </label>
        ))}
      </fieldset>
      <ol class="events rows" tabIndex={0} aria-label="Events">
        {shown
          .slice(-mostDrawn)
          .toReversed()
          .map((event) => (
            <li key={event.id}>
              <time dateTime={new Date(event.time).toISOString()}>{exactTime(event.time)}</time>
              <span>
                <What job={job} event={event} />
              </span>
            </li>
          ))}
      </ol>
      {older > 0 && (
        <p class="caption">
          {older} older ones are not shown: edgefold events {job}
        </p>
      )}
    </>
  );
};
