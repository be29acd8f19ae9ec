import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { EventSchema, type JournalEvent } from "../../shared/api/events.ts";
import { noCounters } from "../../shared/counters.ts";
import { jobSchema } from "../../worker/job/schema.ts";
import { JournalTable } from "../../worker/job/tables/journal.ts";
import { migrate } from "../../worker/platform/migrations.ts";

/** Runs a test on an empty journal. @param run its second argument reopens the journal, as a new instance of the object would */
const onJournal = async (run: (journal: JournalTable, again: () => JournalTable) => void): Promise<void> =>
  await runInDurableObject(env.JOBS.getByName(crypto.randomUUID()), (_, { storage }) => {
    migrate(storage, jobSchema);
    const begin = (): JournalTable => new JournalTable(storage.sql);
    storage.transactionSync(() => run(begin(), begin));
  });

const reasonOf = (n: number) => ({ kind: "condition", type: `T${n}`, set: true, message: null }) as const;
const progressOf = (completed: number) => {
  const counts = { total: 100_000, running: 0, completed, failed: 0 };
  return { maps: counts, reduces: counts, counters: noCounters };
};
const all = (journal: JournalTable): JournalEvent[] =>
  journal.page(0, 100_000).map((event) => EventSchema.parse(JSON.parse(event)));

describe("a job's journal", () => {
  it("numbers events and progress together, even in another instance", async () => {
    await onJournal((journal, again) => {
      journal.add(reasonOf(1), 1000);
      journal.addProgress(progressOf(1), 2000);
      const other = again();
      expect(other.progressAt).toBe(2000);
      other.addProgress(progressOf(2), 3000);
      again().add(reasonOf(2), 4000);
      expect(all(journal).map(({ id, time, kind }) => [id, time, kind])).toEqual([
        [1, 1000, "condition"],
        [2, 2000, "progress"],
        [3, 3000, "progress"],
        [4, 4000, "condition"],
      ]);
      expect(journal.page(2, 1)).toEqual(journal.page(0, 3).slice(2));
    });
  });

  it("drops progress equal to the last one", async () => {
    await onJournal((journal, again) => {
      expect(journal.hasProgress(progressOf(1))).toBe(false);
      journal.addProgress(progressOf(1), 1000);
      expect(again().addProgress(progressOf(1), 2000)).toBeUndefined();
      const same = progressOf(1);
      expect(journal.addProgress(same, 2000)).toBeUndefined();
      expect(journal.hasProgress(same)).toBe(true);
      expect(all(journal)).toHaveLength(1);
    });
  });

  it("has at most 8,000 events besides progress, and a gap for the dropped ones", async () => {
    await onJournal((journal, again) => {
      for (let n = 1; n <= 7999; n++) journal.add(reasonOf(n), n);
      expect(all(journal).some(({ kind }) => kind === "gap")).toBe(false);
      for (let n = 8000; n <= 20_000; n++) {
        (n % 100 === 0 ? again() : journal).add(reasonOf(n), n);
        if (n % 100 === 0) journal.forget();
      }
      const events = all(journal);
      expect(events.length).toBeLessThanOrEqual(8000);
      expect(events.length).toBeGreaterThan(7000);
      const [gap, ...rest] = events;
      const first = 20_000 - rest.length + 1;
      expect(gap).toEqual({ id: first - 1, time: expect.any(Number), kind: "gap", from: 1 });
      expect(rest.map(({ id }) => id)).toEqual(rest.map((_, i) => first + i));
      // A reader that has read up to the gap has missed nothing.
      expect(journal.page(first - 1, 1)).toEqual([JSON.stringify(rest[0])]);
    });
  });

  it("keeps at most 2,000 progress events, at even steps over the whole job", async () => {
    await onJournal((journal, again) => {
      journal.add(reasonOf(0), 0);
      for (let n = 1; n <= 10_000; n++) {
        (n % 500 === 0 ? again() : journal).addProgress(progressOf(n), n * 1000);
        if (n % 500 === 0) journal.forget();
        if (n % 500 === 499) expect(journal.page(0, 3000).length).toBeLessThanOrEqual(2001);
      }
      const kept = all(journal).flatMap((event) => (event.kind === "progress" ? [event.maps.completed] : []));
      expect(kept.length).toBeGreaterThan(900);
      expect(kept.at(-1)).toBe(10_000);
      const steps = kept.slice(1, -1).map((completed, i) => completed - (kept[i] ?? 0));
      expect(new Set(steps)).toEqual(new Set([8]));
      expect(kept[0]).toBe(8);
    });
  });
});
