import { createServer, type Server, type ServerResponse } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { writeConsole } from "../../backend/host/console-files.ts";
import { noCounters } from "../../shared/counters.ts";
import { openPage, startBrowser } from "./browser.ts";

/**
 * `npm run bench:console`: how the console copes with a job of 100,000 tasks and a list of 50,000 jobs, whose server answers from
 * memory. Prints times in ms, and the memory of the page.
 */

const tasks = 100_000;
const jobs = 50_000;

const jobOf = (index: number) => {
  const id = `01a22710-e1e9-70cb-b329-${String(index).padStart(12, "0")}`;
  const counts = { total: tasks, running: 40, completed: 60_000, failed: 12 };
  return {
    id,
    name: `job ${index}`,
    tags: {},
    rerunOf: null,
    programs: { mapper: { name: "map.py", type: "executable", size: 1, hash: "00" } },
    nReducers: 1,
    outputLocation: { location: "s3://bucket/out", useSSL: false },
    inputData: { id, path: "s3://bucket/in", type: "file/txt", splitStart: 0, splitEnd: 1 },
    startTime: Date.now() - 60_000,
    submittedBy: "anna",
    cluster: "default",
    status: "mapping",
    endTime: null,
    heldUntil: null,
    error: null,
    progress: { maps: counts, reduces: { ...counts, total: 1, completed: 0, failed: 0 } },
    counters: noCounters,
    outputs: [],
    failedMaps: [],
    conditions: [],
    request: { inputPath: "s3://bucket/in", outputPath: "s3://bucket/out", mapperName: "map.py" },
    files: [],
    archives: [],
    notification: null,
  };
};

const taskOf = (index: number) => ({
  id: `${jobOf(0).id}-m-${index}`,
  type: "mapper",
  status: "in-progress",
  program: { name: "map.py", type: "executable", size: 1, hash: "00" },
  inputData: { id: "x", path: `s3://bucket/in/${index}`, type: "file/txt", splitStart: 0, splitEnd: 1e6 },
  podName: `pod-${index % 40}`,
  startTime: Date.now() - 60_000 + index,
  attempt: 1,
  endTime: null,
  message: "",
  error: null,
  counters: noCounters,
});

const states = Array.from({ length: tasks }, (_, index) =>
  index % 977 === 0 ? "f" : index < 60_000 ? "c" : index < 60_040 ? "r" : "s",
).join("");

const answers: readonly (readonly [RegExp, (url: URL) => unknown])[] = [
  [/^\/api\/v1\/me$/, () => ({ name: "anna", role: "admin" })],
  [
    /^\/api\/v1\/jobs$/,
    (url) => {
      const from = Number(url.searchParams.get("after") ?? 0);
      return Array.from({ length: Math.min(jobs - from, Number(url.searchParams.get("limit") ?? 50)) }, (_, i) =>
        jobOf(from + i),
      );
    },
  ],
  [/\/task-states$/, () => ({ maps: states, reduces: "s" })],
  [/\/tasks$/, (url) => Array.from({ length: Number(url.searchParams.get("limit") ?? 100) }, (_, i) => taskOf(i))],
  [/^\/api\/v1\/jobs\/[^/]+$/, () => jobOf(0)],
];

const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };

const serve = (folder: string, url: URL, response: ServerResponse): void => {
  if (url.pathname.endsWith("/events")) {
    response.setHeader("Content-Type", "text/event-stream");
    response.write(": open\n\n");
    return;
  }
  const answer = answers.find(([pattern]) => pattern.test(url.pathname))?.[1];
  if (answer !== undefined) {
    const limit = Number(url.searchParams.get("limit") ?? 50);
    const next = Number(url.searchParams.get("after") ?? 0) + limit;
    if (next < jobs)
      response.setHeader("Link", `<${url.origin}${url.pathname}?limit=${limit}&after=${next}>; rel="next"`);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(answer(url)));
    return;
  }
  const name = url.pathname === "/" ? "/index.html" : url.pathname;
  response.setHeader("Content-Type", types[name.split(".").at(-1) ?? ""] ?? "text/plain");
  response.end(readFileSync(join(folder, name)));
};

const start = async (folder: string): Promise<{ server: Server; url: string }> => {
  const server = createServer((request, response) =>
    serve(folder, new URL(request.url ?? "", `http://${request.headers.host}`), response),
  );
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return { server, url: `http://127.0.0.1:${address.port}` };
};

const folder = mkdtempSync(join(tmpdir(), "edgefold-console-bench-"));
await writeConsole(new URL("../../", import.meta.url), join(folder, "console"));
const { server, url } = await start(join(folder, "console"));
const browser = await startBrowser();
const evaluate = async (page: Awaited<ReturnType<typeof openPage>>["page"], code: string): Promise<number> =>
  z.number().parse(await page.evaluate(code));
try {
  for (const [name, hash, ready] of [
    ["list of 50,000 jobs", "#/jobs", "tbody tr"],
    ["job of 100,000 tasks", `#/jobs/${jobOf(0).id}`, ".grid canvas"],
  ] as const) {
    const { page, context } = await openPage(browser);
    await page.goto(`${url}/${hash}`, { waitUntil: "commit" });
    await page.waitForSelector(ready);
    const shown = await evaluate(page, "performance.now()");
    await page.waitForTimeout(4000);
    // As the widest frame that scrolling from top to bottom takes.
    const frames = await evaluate(
      page,
      `new Promise((resolve) => {
        const times = [];
        const step = (time) => {
          times.push(time);
          scrollBy(0, 40);
          if (times.length < 90) requestAnimationFrame(step);
          else resolve(1000 / ((times.at(-1) - times[0]) / (times.length - 1)));
        };
        requestAnimationFrame(step);
      })`,
    );
    const client = await context.newCDPSession(page);
    await client.send("HeapProfiler.collectGarbage");
    const { usedSize } = await client.send("Runtime.getHeapUsage");
    console.log(
      `${name}: shown after ${Math.round(shown)} ms, ${Math.round(frames)} frames/s while scrolling, heap ${(usedSize / 1e6).toFixed(1)} MB`,
    );
    if (hash !== "#/jobs") {
      const measured = await evaluate(
        page,
        `Math.max(...performance.getEntriesByName("grid").map(({ duration }) => duration))`,
      );
      console.log(`the grid is drawn in ${measured.toFixed(1)} ms`);
    }
    await context.close();
  }
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
}
