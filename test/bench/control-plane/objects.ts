import { readdirSync, readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { z } from "zod";
import { bundleWorker } from "../../../backend/host/bundle.ts";
import { localVariables } from "../../../backend/host/local-access.ts";
import { commandOf, processorMs } from "../../helpers/proc.ts";
import type { Figure } from "../figure.ts";

const TasksSchema = z.object({ statements: z.number(), rowsWritten: z.number(), jobReads: z.number() });
const HerdSchema = z.object({ claims: z.number(), doubled: z.number() });
const PagesSchema = z.object({ pages: z.number(), outputs: z.number() });

/** A workerd with the Worker's objects and nothing else; the load comes from inside. */
class ObjectHost {
  readonly #miniflare: Miniflare;
  readonly #url: URL;
  readonly #pid: number;

  private constructor(miniflare: Miniflare, url: URL, pid: number) {
    this.#miniflare = miniflare;
    this.#url = url;
    this.#pid = pid;
  }

  static async start(): Promise<ObjectHost> {
    const script = await bundleWorker(new URL("objects/worker.ts", import.meta.url));
    const options = convertV4MiniflareOptions({
      port: 0,
      cf: false,
      compatibilityDate: "2026-08-01",
      modules: true,
      script,
      bindings: localVariables,
      durableObjects: {
        JOBS: { className: "JobBench", useSQLite: true },
        CLUSTERS: { className: "ClusterBench", useSQLite: true },
      },
    });
    const before = workerds();
    const miniflare = new Miniflare(options);
    const url = await miniflare.ready;
    const pid = workerds().find((each) => !before.includes(each));
    if (pid === undefined) throw new Error("there is no workerd for the objects");
    return new ObjectHost(miniflare, url, pid);
  }

  /** Performs a step on the object of a load. @returns its result, and the processor time it took, in ms */
  async step(load: string, step: string, count = 0): Promise<{ said: unknown; ms: number }> {
    const before = processorMs(this.#pid);
    // A new connection each time: workerd closes those that were idle while it was busy.
    const headers = { connection: "close" };
    const answer = await fetch(new URL(`/${load}/${step}/${count}`, this.#url), { headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${load}, ${step}: ${answer.status} ${text}`);
    return { said: JSON.parse(text), ms: processorMs(this.#pid) - before };
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
  }
}

/** The workerd processes that this process started. */
const workerds = (): number[] =>
  readdirSync("/proc/self/task")
    .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" "))
    .map(Number)
    .filter((pid) => pid > 0 && /workerd\0serve\0/.test(commandOf(pid)));

const measureTasks = async (host: ObjectHost): Promise<Figure[]> => {
  const { said } = await host.step("tasks", "tasks");
  const { statements, rowsWritten, jobReads } = TasksSchema.parse(said);
  return [
    { what: "SQL statements a map, claim and completion", value: statements, unit: "", goal: 15 },
    { what: "rows written a map", value: rowsWritten, unit: "", goal: 10 },
    { what: "times the job's row is parsed an event", value: jobReads, unit: "", goal: 1 },
  ];
};

const measureIndex = async (host: ObjectHost): Promise<Figure[]> => {
  const reads = 100;
  // In parts: workerd closes a connection that it cannot read from for 15 s.
  for (let part = 0; part < 16; part++) await host.step("index", "fillIndex", 256);
  const { ms } = await host.step("index", "readIndex", reads);
  return [{ what: "index of 4,096 maps × 4,000 reduces, for one reduce", value: ms / reads, unit: "ms", goal: 3 }];
};

const measureHerd = async (host: ObjectHost): Promise<Figure[]> => {
  const { claims, doubled } = HerdSchema.parse((await host.step("herd", "herd")).said);
  return [
    { what: "500 runners, 500 uneven maps: claims a task", value: claims, unit: "", goal: 1.2 },
    { what: "tasks with a second attempt", value: doubled, unit: "%", goal: 10 },
  ];
};

const measureHellos = async (host: ObjectHost): Promise<Figure[]> => {
  const hellos = 1000;
  await host.step("hellos", "link", 5000);
  const { ms } = await host.step("hellos", "hello", hellos);
  return [{ what: "hello with 5,000 runners linked", value: ms / hellos, unit: "ms", goal: 0.5 }];
};

const measureWelcome = async (host: ObjectHost): Promise<Figure[]> => {
  const { said } = await host.step("welcome", "welcome", 1000);
  const longest = Math.max(...z.array(z.number()).parse(said));
  return [{ what: "welcome of 1,000 jobs: longest message", value: longest / 1e6, unit: "MB", goal: 1 }];
};

const measureOutputs = async (host: ObjectHost): Promise<Figure[]> => {
  const outputs = 99_998;
  const descriptions = 50;
  await host.step("outputs", "createOutputs", outputs);
  const described = await host.step("outputs", "describe", descriptions);
  const paged = await host.step("outputs", "page", 1000);
  const { pages, outputs: found } = PagesSchema.parse(paged.said);
  if (found !== outputs) throw new Error(`the pages hold ${found} outputs`);
  return [
    {
      what: `job of ${outputs} outputs of 4,096 characters, described`,
      value: described.ms / descriptions,
      unit: "ms",
      goal: 10,
    },
    { what: "page of 1,000 of these outputs", value: paged.ms / pages, unit: "ms" },
  ];
};

/** Reading pages of a large job with many failures. */
const measurePages = async (host: ObjectHost): Promise<Figure[]> => {
  // Together with its reduce, the maximum number of tasks of a job.
  const [maps, times] = [99_999, 5];
  await host.step("pages", "runWithFailures", maps);
  const figures: Figure[] = [];
  for (const [page, what] of [
    ["newest-tasks", "page of 1,000 tasks, the newest"],
    ["failed-tasks", "page of those that have failed"],
    ["slowest-tasks", "page of 1,000, the slowest first"],
    ["last-tasks", "page of 1,000, the last first"],
    ["events", "page of 1,000 events"],
    ["task", "one task"],
    ["attempts", "its attempts"],
  ] as const) {
    await host.step("pages", page, 1);
    const { ms } = await host.step("pages", page, times);
    figures.push({ what: `job of ${maps} maps, 1,000 failures: ${what}`, value: ms / times, unit: "ms", goal: 200 });
  }
  return figures;
};

/** Loads single objects in workerd, with runners and agents in the same process. Times are processor time. */
export const measureObjects = async (show: (figures: readonly Figure[]) => void): Promise<Figure[]> => {
  const host = await ObjectHost.start();
  const all: Figure[] = [];
  try {
    for (const measure of [
      measureTasks,
      measureIndex,
      measureHerd,
      measureHellos,
      measureWelcome,
      measureOutputs,
      measurePages,
    ]) {
      const figures = await measure(host);
      show(figures);
      all.push(...figures);
    }
    return all;
  } finally {
    await host.stop();
  }
};
