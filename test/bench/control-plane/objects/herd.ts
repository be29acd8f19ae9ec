import type { Assignment } from "../../../../shared/protocol/tasks.ts";
import { mapResult, Runner, specOf, type MeasuredJob } from "./job.ts";

const [maps, most] = [500, 500];
/** In ms: the shortest and longest map, the slowest start of a runner, and when an idle runner asks again. */
const [shortest, longest, slowestStart, idleMs] = [5000, 15_000, 2000, 15_000];

/** Virtual time. */
class Timeline {
  now = Date.now();
  #events: { readonly at: number; readonly run: () => Promise<void> }[] = [];

  after(ms: number, run: () => Promise<void>): void {
    this.#events.push({ at: Math.round(this.now + ms), run });
  }

  /** The time of the next event, in ms since 1970. */
  get next(): number {
    return this.#events.reduce((next, { at }) => Math.min(next, at), Infinity);
  }

  async step(): Promise<void> {
    const { next } = this;
    const index = this.#events.findIndex(({ at }) => at === next);
    const [event] = this.#events.splice(index, 1);
    this.now = next;
    await event?.run();
  }
}

/** Pseudo-random numbers from 0 to 1, the same in each run. */
const random = (): (() => number) => {
  let state = 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
};

/** As many runners as maps; a map takes one to three times as long as the shortest. */
export const measureHerd = async (job: MeasuredJob): Promise<{ claims: number; doubled: number }> => {
  const timeline = new Timeline();
  const real = Date.now;
  Date.now = () => timeline.now;
  try {
    return await new Herd(job, timeline).run();
  } finally {
    Date.now = real;
  }
};

/** The runners of a job, in virtual time. */
class Herd {
  readonly #job: MeasuredJob;
  readonly #timeline: Timeline;
  readonly #random = random();
  readonly #attempts = new Map<number, number>();
  #claims = 0;
  #runners = 0;
  #completed = 0;

  constructor(job: MeasuredJob, timeline: Timeline) {
    this.#job = job;
    this.#timeline = timeline;
  }

  async run(): Promise<{ claims: number; doubled: number }> {
    await this.#job.create(specOf({}), Infinity);
    while (this.#completed < maps) {
      for (; this.#runners < Math.min(most, this.#job.wanted.runners); this.#runners++) this.#start();
      // The job's messages to its cluster take real time.
      await scheduler.wait(1);
      const { alarm } = this.#job.meter;
      if (alarm !== undefined && alarm <= this.#timeline.next) {
        this.#timeline.now = Math.max(this.#timeline.now, alarm);
        this.#job.meter.alarm = undefined;
        await this.#job.alarm();
      } else if (this.#timeline.next < Infinity) await this.#timeline.step();
    }
    const doubled = [...this.#attempts.values()].filter((attempts) => attempts > 1).length;
    return { claims: this.#claims / maps, doubled: (100 * doubled) / maps };
  }

  #start(): void {
    const runner = new Runner(this.#job, `runner-${this.#runners}`);
    const isFirst = this.#runners === 0;
    this.#timeline.after(this.#random() * slowestStart, async () => {
      await runner.hello();
      if (isFirst) this.#work(runner, await runner.plan(maps));
      else await this.#claim(runner);
    });
  }

  async #claim(runner: Runner): Promise<void> {
    this.#claims++;
    this.#work(runner, await runner.claim());
  }

  #work(runner: Runner, task: Assignment | undefined): void {
    if (task?.kind === "map") this.#map(runner, task);
    else if (task === undefined) this.#wait(runner);
  }

  #map(runner: Runner, task: Assignment): void {
    this.#attempts.set(task.index, (this.#attempts.get(task.index) ?? 0) + 1);
    let isOver = false;
    runner.onNotice = (text) => {
      if (isOver || !text.includes(task.attempt)) return;
      isOver = true;
      this.#timeline.after(1, async () => {
        await runner.ask({ kind: "release", attempt: task.attempt, reason: "it was revoked" });
        await this.#claim(runner);
      });
    };
    this.#timeline.after(shortest + this.#random() * (longest - shortest), async () => {
      if (isOver) return;
      isOver = true;
      this.#completed++;
      this.#work(runner, await runner.complete(task, mapResult(task, 1)));
    });
  }

  /** Asks again when woken, and after a while. */
  #wait(runner: Runner): void {
    let isOver = false;
    const again = async (): Promise<void> => {
      if (isOver) return;
      isOver = true;
      await this.#claim(runner);
    };
    runner.onNotice = (text) => {
      if (text.includes('"wake"')) this.#timeline.after(1, again);
    };
    this.#timeline.after(idleMs, again);
  }
}
