import { dialAgain, linkRunners } from "./hellos.ts";
import { measureHerd } from "./herd.ts";
import { fillIndex, readIndex } from "./index-reads.ts";
import { MeasuredJob, type Runner } from "./job.ts";
import { createOutputs, describeOften, pageThrough } from "./outputs.ts";
import { pageSteps, runWithFailures } from "./pages.ts";
import { measureTasks } from "./tasks.ts";
import { MeasuredCluster, measureWelcome } from "./welcome.ts";

/** The operations on an object, one step a request, so that processor time can be measured per step from outside. */
const jobSteps: Record<string, (job: JobBench, count: number) => Promise<unknown>> = {
  tasks: async (job) => await measureTasks(job),
  herd: async (job) => await measureHerd(job),
  fillIndex: async (job, count) => await fillIndex(job, count),
  readIndex: async (job, count) => readIndex(job, count),
  link: async (job, count) => {
    job.runners = await linkRunners(job, count);
  },
  hello: async (job, count) => await dialAgain(job.runners, count),
  createOutputs: async (job, count) => await createOutputs(job, count),
  describe: async (job, count) => await describeOften(job, count),
  runWithFailures: async (job, count) => await runWithFailures(job, count),
  ...pageSteps,
  page: async (job, count) => await pageThrough(job, count),
};

export class JobBench extends MeasuredJob {
  runners: Runner[] = [];

  /** @returns the step's result, as JSON */
  async step(name: string, count: number): Promise<string> {
    const step = jobSteps[name];
    if (step === undefined) throw new Error(`there is no step '${name}'`);
    return JSON.stringify((await step(this, count)) ?? null);
  }
}

export class ClusterBench extends MeasuredCluster {
  async welcome(jobs: number, size: number): Promise<number[]> {
    return await measureWelcome(this, jobs, size);
  }
}

type Bindings = {
  readonly JOBS: DurableObjectNamespace<JobBench>;
  readonly CLUSTERS: DurableObjectNamespace<ClusterBench>;
};

/** The benchmark's Worker. Performs a step on the object of the load: `/<load>/<step>/<count>`. */
export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    const [, load = "", step = "", count = ""] = new URL(request.url).pathname.split("/");
    if (step === "welcome") {
      return Response.json(await env.CLUSTERS.getByName(load).welcome(Number(count), 16_000));
    }
    return new Response(await env.JOBS.getByName(load).step(step, Number(count)));
  },
};
