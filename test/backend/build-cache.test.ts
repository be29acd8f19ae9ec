import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

const start = async (build?: () => void): Promise<string> =>
  await cached(pathToFileURL(`${project}/`), "programs", async (folder) => {
    builds++;
    build?.();
    mkdirSync(folder, { recursive: true });
  });

it("is not built again if nothing has changed", async () => {
  const folder = await start();
  expect(await start()).toBe(folder);
  expect(folder).toBe(join(project, "node_modules/.cache/edgefold/programs"));
  expect(builds).toBe(1);
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
});
