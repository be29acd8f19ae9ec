import { z } from "zod";
import type { JournalEvent } from "../../../shared/api/events.ts";
import { rowsOf } from "../../platform/sql.ts";

type Unnumbered<Event> = Event extends unknown ? Omit<Event, "id" | "time"> : never;
/** An event that has no number and time yet. */
export type NewEvent = Unnumbered<Exclude<JournalEvent, { kind: "gap" | "progress" }>>;
/** How far a job has come. */
export type Progress = Pick<Extract<JournalEvent, { kind: "progress" }>, "maps" | "reduces" | "counters">;

/** Most events that are kept: progress, and the others, of which so many go at a time. */
const mostProgress = 2000;
const mostOthers = 8000;
const prunedAtOnce = 800;

const EventRowSchema = z.object({ event: z.string() });
const IdSchema = z.object({ id: z.int() });
const EndsSchema = z.object({ last: z.int(), first: z.int(), newest: z.int() });
const LastProgressSchema = z.object({ id: z.int(), nth: z.int(), at: z.int(), event: z.string(), step: z.int() });

type LastProgress = z.infer<typeof LastProgressSchema>;
/** What is known of both tables. It changes with them. */
type Ends = {
  /** The highest number of all events. */
  last: number;
  /** The places of the oldest and the newest event of `journal`, as it counts them. */
  first: number;
  newest: number;
  /** The newest of `progress`; of the older ones each `step`-th is kept, as it counts them. */
  progress: LastProgress | undefined;
};

/** Of an event, what it says besides its number and time. */
const contentOf = (event: string): string => event.slice(event.indexOf('"kind"'));

/**
 * What has happened to the job: tables `journal` and `progress`, whose events are numbered together. Both are bounded. Of the
 * journal the oldest events go, and one that says so takes their place. Of the progress what is left spans the whole job, at
 * steps that are doubled whenever there is too much of it. What an event costs does not grow with their number.
 */
export class JournalTable {
  readonly #sql: SqlStorage;
  #ends: Ends | undefined;
  /** What the newest progress says, as far as this instance has seen. */
  #told: Progress | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Looks everything up again: a transaction was undone. */
  forget(): void {
    this.#ends = undefined;
    this.#told = undefined;
  }

  /** @param now in ms since 1970 @returns the event as JSON */
  add(event: NewEvent, now: number): string {
    const ends = this.#known();
    const id = ++ends.last;
    const json = JSON.stringify({ id, time: now, ...event });
    this.#sql.exec("INSERT INTO journal (id, nth, event) VALUES (?, ?, ?)", id, ++ends.newest, json);
    if (ends.newest - ends.first >= mostOthers) this.#prune(ends, now);
    return json;
  }

  /** @returns the event as JSON; undefined where the last one says the same */
  addProgress({ maps, reduces, counters }: Progress, now: number): string | undefined {
    this.#told = { maps, reduces, counters };
    const ends = this.#known();
    const former = ends.progress;
    const json = JSON.stringify({ id: ends.last + 1, time: now, kind: "progress", maps, reduces, counters });
    if (former !== undefined && contentOf(former.event) === contentOf(json)) return undefined;
    const { nth, step } = former ?? { nth: 0, step: 1 };
    const added = { id: ++ends.last, nth: nth + 1, at: now, event: json, step };
    if (former !== undefined && nth % step !== 0) this.#sql.exec("DELETE FROM progress WHERE id = ?", former.id);
    this.#sql.exec("INSERT INTO progress (id, nth, event) VALUES (?, ?, ?)", added.id, added.nth, json);
    ends.progress = added.nth / step < mostProgress ? added : this.#thin(added);
    return json;
  }

  /** Whether the newest progress says this. False at times where it does, but not before `addProgress` was tried. */
  hasProgress({ maps, reduces, counters }: Progress): boolean {
    const told = this.#told;
    return told?.maps === maps && told.reduces === reduces && told.counters === counters;
  }

  /** When the newest progress was added, in ms since 1970; 0 where there is none. */
  get progressAt(): number {
    return this.#known().progress?.at ?? 0;
  }

  /** At most `limit` events whose numbers are above `after`, as JSON, the oldest first. */
  page(after: number, limit: number): string[] {
    const query = `SELECT id, event FROM journal WHERE id > ?1 UNION ALL SELECT id, event FROM progress WHERE id > ?1
      ORDER BY id LIMIT ?2`;
    return rowsOf(this.#sql, EventRowSchema, query, after, limit).map(({ event }) => event);
  }

  /** Removes the oldest events of `journal`. The last one of them becomes the gap's. */
  #prune(ends: Ends, now: number): void {
    const last = this.#sql.exec("SELECT id FROM journal ORDER BY id LIMIT 1 OFFSET ?", prunedAtOnce).one();
    const { id } = IdSchema.parse(last);
    const gap = JSON.stringify({ id, time: now, kind: "gap", from: 1 });
    this.#sql.exec("DELETE FROM journal WHERE id < ?", id);
    this.#sql.exec("UPDATE journal SET event = ? WHERE id = ?", gap, id);
    ends.first += prunedAtOnce;
  }

  /** Keeps every second progress of those that are left, and the newest. */
  #thin(newest: LastProgress): LastProgress {
    const step = newest.step * 2;
    this.#sql.exec("DELETE FROM progress WHERE nth % ? != 0 AND id < ?", step, newest.id);
    return { ...newest, step };
  }

  #known(): Ends {
    this.#ends ??= this.#lookUp();
    return this.#ends;
  }

  #lookUp(): Ends {
    const [ends] = rowsOf(
      this.#sql,
      EndsSchema,
      `SELECT coalesce(max(id), 0) AS last, coalesce((SELECT nth FROM journal ORDER BY id LIMIT 1), 1) AS first,
         coalesce((SELECT nth FROM journal ORDER BY id DESC LIMIT 1), 0) AS newest FROM journal`,
    );
    // The oldest progress is the first of the steps.
    const [progress] = rowsOf(
      this.#sql,
      LastProgressSchema,
      `SELECT id, nth, event ->> '$.time' AS at, event, (SELECT nth FROM progress ORDER BY id LIMIT 1) AS step
       FROM progress ORDER BY id DESC LIMIT 1`,
    );
    const { last = 0, first = 1, newest = 0 } = ends ?? {};
    return { last: Math.max(last, progress?.id ?? 0), first, newest, progress };
  }
}
