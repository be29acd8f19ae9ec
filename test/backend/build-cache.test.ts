import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cached } from "../../backend/host/build-cache.ts";

/** What is built of a checkout: once for each state of its source. */

let project: string;
let builds: number;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "edgefold-build-"));
  builds = 0;
  for (const folder of ["backend/agent", "client", "shared", "worker"])
    mkdirSync(join(project, folder), { recursive: true });
  writeFileSync(join(project, "package-lock.json"), "{}");
  writeFileSync(join(project, "backend/agent/main.ts"), "1");
});
afterEach(() => rmSync(project, { recursive: true }));

const start = async (build?: (folder: string) => void | Promise<void>): Promise<string> =>
  await cached(pathToFileURL(`${project}/`), "programs", async (folder) => {
    builds++;
    await build?.(folder);
    writeFileSync(join(folder, "main.js"), "");
  });

const all = (): string[] => readdirSync(join(project, "node_modules/.cache/edgefold/programs"));

it("is not built again if nothing has changed", async () => {
  const folder = await start();
  expect(await start()).toBe(folder);
  expect(dirname(folder)).toBe(join(project, "node_modules/.cache/edgefold/programs"));
  expect(readdirSync(folder)).toEqual(["main.js"]);
  expect(builds).toBe(1);
});

it("is the same for all who build it at the same time, and never changes", async () => {
  const turn = Promise.withResolvers<void>();
  const slow = start(() => turn.promise);
  const folder = await start();
  const built = statSync(join(folder, "main.js")).ino;
  turn.resolve();
  expect(await slow).toBe(folder);
  expect([builds, statSync(join(folder, "main.js")).ino]).toEqual([2, built]);
  expect(all()).toEqual([basename(folder)]);
});

it("is removed a week after it was built, once there is another", async () => {
  const first = await start();
  writeFileSync(join(project, "worker/new.ts"), "");
  const second = await start();
  expect(all().toSorted()).toEqual([first, second].map((folder) => basename(folder)).toSorted());
  const long = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  utimesSync(first, long, long);
  writeFileSync(join(project, "worker/newer.ts"), "");
  expect(all()).toContain(basename(first));
  const third = await start();
  expect(all().toSorted()).toEqual([second, third].map((folder) => basename(folder)).toSorted());
});

it.each<[string, () => void]>([
  ["a file of the source", () => utimesSync(join(project, "backend/agent/main.ts"), 1, 2)],
  ["the length of a file", () => writeFileSync(join(project, "backend/agent/main.ts"), "12")],
  ["the number of files", () => writeFileSync(join(project, "worker/new.ts"), "")],
  ["the packages", () => writeFileSync(join(project, "package-lock.json"), '{ "name": "other" }')],
])("is built again after a change of %s", async (_, change) => {
  await start();
  change();
  await start();
  await start();
  expect(builds).toBe(2);
});

it("is built again after a change while it was built, or a build that failed", async () => {
  await start(() => writeFileSync(join(project, "shared/during.ts"), ""));
  const failing = start(() => {
    throw new Error("no such module");
  });
  await expect(failing).rejects.toThrow("no such module");
  await start();
  await start();
  expect(builds).toBe(3);
  expect(all()).toHaveLength(2);
});
