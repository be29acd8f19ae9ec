import { z } from "zod";
import type { Edgefold } from "../../helpers/edgefold.ts";
import { percentile, type Figure } from "../figure.ts";
import { fillIndex } from "./fill-index.ts";

const jobs = 50_000;

type Page = { readonly ms: number; readonly jobs: number; readonly next: string | undefined };

const fetchPage = async (url: string): Promise<Page> => {
  const begin = performance.now();
  const answer = await fetch(url);
  const text = await answer.text();
  const ms = performance.now() - begin;
  if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status} ${text}`);
  const next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  return { ms, jobs: z.array(z.unknown()).parse(JSON.parse(text)).length, next };
};

/** Reads all pages, from the newest job to the oldest. @throws Error if they do not contain all jobs */
const measurePages = async ({ url }: Edgefold, limit: number): Promise<Figure[]> => {
  const times: number[] = [];
  let seen = 0;
  for (let at: string | undefined = `${url}/api/v1/jobs?limit=${limit}`; at !== undefined;) {
    const page: Page = await fetchPage(at);
    times.push(page.ms);
    seen += page.jobs;
    at = page.next;
  }
  if (seen < jobs) throw new Error(`the pages hold ${seen} jobs`);
  return [
    { what: `page of ${limit} of ${jobs} jobs: median`, value: percentile(times, 0.5), unit: "ms" },
    { what: `page of ${limit} of ${jobs} jobs: slowest`, value: Math.max(...times), unit: "ms", goal: 200 },
  ];
};

/** Measures a very long list of jobs. Restarts the Worker. */
export const measureLongIndex = async (edgefold: Edgefold): Promise<Figure[]> => {
  await edgefold.worker?.stop();
  fillIndex(edgefold, jobs);
  await edgefold.startWorker();
  const pages = [...(await measurePages(edgefold, 100)), ...(await measurePages(edgefold, 1000))];
  const whole = await fetchPage(`${edgefold.url}/api/v1/jobs`);
  if (whole.jobs < jobs) throw new Error(`the list holds ${whole.jobs} jobs`);
  return [...pages, { what: `list of ${jobs} jobs, whole`, value: whole.ms / 1000, unit: "s" }];
};
