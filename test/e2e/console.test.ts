import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { serverAccess } from "../../backend/host/server-access.ts";
import { freePort } from "../../backend/host/port.ts";
import { startSystem } from "../../backend/host/system.ts";
import { Edgefold as Client } from "../../client/sdk/index.ts";
import { openPage, startBrowser, type Watched } from "../console/browser.ts";
import { hostile, pagesOf, startJobs, type ShownJobs } from "../console/jobs.ts";
import { describeSamples } from "../console/sample-tests.ts";
import { Edgefold } from "../helpers/edgefold.ts";

/** The console in a real browser, with real jobs. */

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let edgefold: Edgefold;
let browser: Browser;
let jobs: ShownJobs;
const opened: Watched[] = [];

beforeAll(async () => {
  edgefold = await Edgefold.start({ log: () => undefined });
  [jobs, browser] = await Promise.all([startJobs(edgefold), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await edgefold.stop();
});

const open = async (hash: string, options: Parameters<typeof openPage>[1] = {}, url = edgefold.url): Promise<Page> => {
  const watched = await openPage(browser, options);
  opened.push(watched);
  await watched.page.goto(`${url}/${hash}`);
  return watched.page;
};

/** Closes what a test has opened. None of it has complained. */
const close = async (allowed: RegExp = /^$/): Promise<void> => {
  for (const { context, complaints } of opened.splice(0)) {
    await context.close();
    expect(complaints.filter((text) => !allowed.test(text))).toEqual([]);
  }
};

/** Rules of WCAG 2.2 AA that a page breaks. */
const violations = async (page: Page): Promise<string[]> => {
  // Over the debugger's own way in: the page itself runs nothing but its own files.
  await page.evaluate(axe);
  const found: unknown = await page.evaluate(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }).then(({ violations }) => violations)`,
  );
  const Violations = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));
  return Violations.parse(found).map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`,
  );
};

const main = async (page: Page): Promise<string> => await page.locator("main").innerText();

describe("the page", () => {
  test("is for browsers; others get JSON as ever", async () => {
    const html = await fetch(edgefold.url, { headers: { accept: "text/html,*/*" } });
    expect(html.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = html.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'");
    expect(policy).not.toContain("unsafe");
    expect(await (await fetch(edgefold.url)).json()).toMatchObject({ name: "edgefold" });
    const script = /src="(\/console\/[^"]+\.js)"/.exec(await html.text())?.[1] ?? "";
    expect((await fetch(edgefold.url + script)).headers.get("cache-control")).toContain("immutable");
    expect((await fetch(`${edgefold.url}/console/../../package.json`)).status).toBe(404);
  });

  test.each(["light", "dark"] as const)("is accessible on every page, %s", async (look) => {
    const page = await open("", { isDark: look === "dark" });
    const broken: Record<string, string[]> = {};
    for (const [name, hash] of Object.entries(pagesOf(jobs))) {
      await page.goto(`${edgefold.url}/${hash}`);
      await page.waitForTimeout(700);
      await page.waitForSelector("main h1");
      const found = await violations(page);
      if (found.length > 0) broken[name] = found;
    }
    expect(broken).toEqual({});
    await close();
  });

  test("runs no text as code, whoever has written it", async () => {
    const page = await open("#/jobs");
    await page.getByRole("link", { name: "<img src=x" }).first().click();
    await page.waitForSelector("pre");
    expect(await main(page)).toContain(hostile.slice(0, 40));
    for (const to of ["", "/tasks/m-0"]) {
      await page.goto(`${edgefold.url}/#/jobs/${jobs.hostile}${to}`);
      await page.waitForTimeout(1000);
      expect(await page.title()).toBe("Edgefold");
      expect(await page.locator("main img, main script").count()).toBe(0);
    }
    expect(await main(page)).toContain("onerror=");
    await close();
  });
});

describe("jobs", () => {
  test("are listed, newest first, and filtered by the address", async () => {
    const page = await open("#/jobs");
    await page.waitForSelector("tbody tr");
    expect(await page.locator("tbody tr").count()).toBe(7);
    expect(await page.locator("tbody tr").first().innerText()).toContain("long running crawl");
    await page.getByLabel("Status").selectOption("completed");
    await expect.poll(async () => await page.locator("tbody tr").count()).toBe(2);
    expect(page.url()).toContain("status=completed");
    await page.getByLabel("program").fill("sum.sh");
    await page.getByLabel("program").press("Enter");
    await expect.poll(async () => await page.locator("tbody tr").allInnerTexts()).toHaveLength(1);
    expect(await page.locator("tbody tr").innerText()).toContain("words.sh → sum.sh");
    await page.getByLabel("from", { exact: true }).fill("2020-01-01");
    await page.getByLabel("to", { exact: true }).fill("2020-12-31");
    await page.getByText("No job matches.").waitFor();
    const other = await open("#/jobs?tag=team%3Asearch");
    await other.waitForSelector("tbody tr");
    expect(await other.locator("tbody tr").allInnerTexts()).toEqual([
      expect.stringContaining("word count of the archive"),
    ]);
    const none = await open("#/jobs?name=nobody");
    await none.getByText("No job matches.").waitFor();
    await close();
  });

  test("say first what is wrong", async () => {
    const page = await open(`#/jobs/${jobs.failed}`);
    await page.getByRole("heading", { name: "Tasks" }).waitFor();
    const text = await main(page);
    expect(text.indexOf("ValueError: column 7")).toBeLessThan(text.indexOf("Tasks"));
    await page
      .getByRole("link", { name: /^m-\d$/ })
      .first()
      .click();
    await page.getByText("reading record 1\n").or(page.getByLabel("Log")).first().waitFor();
    await page.getByLabel("Search the log").fill("ValueError");
    await expect
      .poll(async () => await page.getByLabel("Log", { exact: true }).innerText())
      .toMatch(/^ValueError: .*$/);
    await close();
  });

  test("show second attempts of stragglers, and which one has won", async () => {
    const page = await open(`#/jobs/${jobs.straggling}`);
    await page.getByRole("img", { name: /^10 attempts by runner/ }).waitFor();
    await page.getByText("m-0, attempt 2, ✓ won").waitFor();
    await page.getByRole("link", { name: "m-0" }).first().click();
    await page.locator("summary").getByText("superseded").waitFor();
    expect(await page.locator("summary").allInnerTexts()).toEqual([
      expect.stringMatching(/^attempt 2 ✓ won on/),
      expect.stringMatching(/^attempt 1 .*superseded on/),
    ]);
    await close();
  });

  test("show their tasks at a glance, by runner, and by partition", async () => {
    const page = await open(`#/jobs/${jobs.completed}`);
    await page.getByText("Maps: 22 completed").waitFor();
    await page.getByText(/Partition \d has \d+ % of the records|The partitions are even/).waitFor();
    await page.getByText(/\d runners over/).waitFor();
    const grid = page.locator(".grid canvas").first();
    const box = await grid.boundingBox();
    await grid.hover({ position: { x: 3, y: 3 } });
    await page.getByText("m-0 completed").waitFor();
    expect(box?.height).toBeLessThanOrEqual(220);
    await grid.click({ position: { x: 3, y: 3 } });
    await expect.poll(() => page.url()).toContain("/tasks/m-0");
    await close();
  });

  test("are resumed, run again, stopped and removed", async () => {
    const page = await open(`#/jobs/${jobs.held}`);
    const kept = page.getByText("so that it can be resumed");
    const keptBefore = await kept.innerText();
    const { heldUntil } = await edgefold.job(jobs.held);
    // All that has happened so far was shown long ago.
    await page.waitForTimeout(1500);
    await page.getByRole("button", { name: "Resume" }).click();
    // It fails again, and is kept anew.
    await expect
      .poll(async () => (await edgefold.job(jobs.held)).heldUntil ?? 0, { timeout: 60_000 })
      .toBeGreaterThan(heldUntil ?? 0);
    await expect.poll(async () => await kept.innerText()).not.toBe(keptBefore);
    await page.getByText("Let go").first().click();
    await page.getByRole("dialog").getByRole("button", { name: "Let go" }).click();
    await expect.poll(async () => (await edgefold.job(jobs.held)).heldUntil).toBeNull();

    await page.goto(`${edgefold.url}/#/new?like=${jobs.stopped}`);
    await expect.poll(async () => await page.getByLabel("name", { exact: true }).inputValue()).toBe("crawl");
    await page.getByLabel("name", { exact: true }).fill("crawl again");
    const keys = JSON.stringify(edgefold.keys);
    await page.getByLabel("inputStorageCredentials").fill("no JSON");
    await page.getByText("must be JSON").waitFor();
    for (const place of ["input", "output"]) await page.getByLabel(`${place}StorageCredentials`).fill(keys);
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByRole("heading", { name: "crawl again" }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
    await page.getByRole("heading", { name: "stopped" }).waitFor();
    await page.getByRole("button", { name: "Remove" }).click();
    const isRemoved = async (): Promise<boolean> => {
      // While the job is still being cleaned up, the dialog says so and stays.
      const remove = page.getByRole("dialog").getByRole("button", { name: "Remove" });
      if (await remove.isEnabled({ timeout: 500 }).catch(() => false)) await remove.click({ timeout: 1000 });
      return await page.getByRole("heading", { name: "Jobs" }).isVisible();
    };
    await expect.poll(isRemoved, { timeout: 60_000, interval: 300 }).toBe(true);
    await close(/409/);
  });

  test("go on by themselves, and say when they do not", async () => {
    const page = await open(`#/jobs/${jobs.running}`);
    await page
      .getByText(/in-progress/)
      .first()
      .waitFor();
    const events = `**/api/v1/jobs/${jobs.running}/events`;
    await page.route(events, (route) => route.fulfill({ status: 404, json: { detail: "There is no such job." } }), {
      times: 1,
    });
    await page.reload();
    await page.getByText("There is no such job.").waitFor();
    expect(await page.getByText("connection lost").count()).toBe(0);
    // Whatever fails for a time, even the first request.
    await page.route(events, (route) => route.abort(), { times: 1 });
    await page.reload();
    await page.getByText("connection lost").waitFor();
    await page.getByText("connection lost").waitFor({ state: "hidden" });
    await edgefold.worker?.stop();
    await page.getByText("connection lost").waitFor();
    await edgefold.startWorker();
    await page.getByText("connection lost").waitFor({ state: "hidden", timeout: 60_000 });
    // Its end is told, but the job cannot be had at first.
    await page.route(`**/api/v1/jobs/${jobs.running}`, (route) => route.abort(), { times: 2 });
    await edgefold.stopJob(jobs.running);
    await page.getByRole("heading", { name: "stopped" }).waitFor();
    await page.getByText("connection lost").waitFor({ state: "hidden" });
    expect(await page.getByRole("alert").count()).toBe(0);
    await close(/ERR_CONNECTION|Failed to load|ERR_/);
  });
});

describeSamples({ edgefold: () => edgefold, open, close, violations });

test("a job says what it waits for", async () => {
  await edgefold.agent?.stop();
  const { id } = await edgefold.post({
    inputPath: `${edgefold.s3Endpoint}/data/text.txt`,
    mapperName: "words.sh",
    nReducers: 0,
  });
  const page = await open(`#/jobs/${id}`);
  await page.getByText("NoAgent").waitFor();
  await page.goto(`${edgefold.url}/#/clusters`);
  await page.getByText("No agent is connected").first().waitFor();
  expect(await main(page)).toContain("1 under way");
  await edgefold.startAgent();
  await page.goto(`${edgefold.url}/#/jobs/${id}`);
  await page.getByRole("heading", { name: "completed" }).waitFor();
  expect(await page.getByText("NoAgent").count()).toBe(0);
  await close();
});

test("a token is asked for, and its role decides what is offered", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "edgefold-console-"));
  const { access, file } = serverAccess(stateDir, undefined);
  const system = await startSystem({ port: await freePort(), stateDir, fileRoots: [], access, log: () => undefined });
  try {
    const adminToken = /"adminToken": "([^"]+)"/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
    const { token } = await new Client({ url: system.url, token: adminToken }).tokens.put("anna", { role: "viewer" });
    const page = await open("", {}, system.url);
    await page.getByLabel("Token").fill("not-a-token-of-anybody");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("does not know this token").waitFor();
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Jobs" }).waitFor();
    const nav = page.getByRole("navigation");
    expect((await nav.innerText()).split("\n")).toEqual(["Jobs", "Artifacts", "Clusters"]);
    await page.getByRole("link", { name: "Artifacts" }).click();
    await page.getByRole("heading", { name: "Artifacts" }).waitFor();
    expect(await page.getByText("Drop programs").count()).toBe(0);
    expect(await page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]")).toEqual([1, 0, ""]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token").fill(adminToken);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect.poll(async () => (await nav.innerText()).split("\n")).toContain("Tokens");
    await close(/401/);
  } finally {
    await system.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
});
