import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { configVariables } from "../../backend/runner/config.ts";
import { EventSchema } from "../../shared/api/events.ts";
import { JobRequestSchema } from "../../shared/api/job-request.ts";
import { JobDetailSchema } from "../../shared/api/jobs.ts";
import { TaskDetailSchema } from "../../shared/api/tasks.ts";
import { problems } from "../../worker/http/problems.ts";

/** What a reader relies on: links work, documents are short enough to read, and the reference is complete. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const topLevel = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"];
const documents = [...topLevel, ...globSync(["docs/**/*.md", "examples/**/*.md"], { cwd: root }).sort()];

const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** A document without its code, whose brackets and hashes are not links and headings. */
const proseOf = (path: string): string => textOf(path).replaceAll(/^ *```.*?^ *```$/gms, "");

/** The anchors that GitHub creates for headings. */
const anchorsOf = (path: string): Set<string> => {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(path).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = text.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-");
    let unique = anchor;
    for (let n = 1; anchors.has(unique); n++) unique = `${anchor}-${n}`;
    anchors.add(unique);
  }
  return anchors;
};

const exists = (path: string): boolean => statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

/** Broken links. Those to other sites are not checked. */
const brokenLinksOf = (path: string): string[] =>
  [
    ...proseOf(path)
      .replaceAll(/`[^`]*`/g, "")
      .matchAll(/\]\(([^)\s]+)\)/g),
  ]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      if (target.startsWith(`..${sep}`) || !exists(target)) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });

describe.each(documents)("%s", (path) => {
  it("has no broken links", () => {
    expect(brokenLinksOf(path)).toEqual([]);
  });

  it("is short enough to read, and narrow enough for a terminal", () => {
    expect(Buffer.byteLength(textOf(path))).toBeLessThanOrEqual(path === "README.md" ? 10_240 : 30_720);
    expect(
      proseOf(path)
        .split("\n")
        .filter((line) => line.length > 140 && !/^\S*\]\(\S+$|^\S+$/.test(line)),
    ).toEqual([]);
  });
});

it("lists every document of docs in its README", () => {
  const listed = proseOf("docs/README.md");
  const missing = documents
    .filter((path) => path.startsWith("docs/") && path !== "docs/README.md")
    .filter((path) => !listed.includes(`(${path.slice("docs/".length)})`));
  expect(missing).toEqual([]);
});

/** The `names` that a document does not mention as code. */
const undocumented = (path: string, names: readonly string[], heading?: string): string[] => {
  const text = textOf(path);
  const from = heading === undefined ? 0 : text.indexOf(`\n## ${heading}\n`);
  const end = heading === undefined ? -1 : text.indexOf("\n## ", from + 1);
  const section = from === -1 ? "" : text.slice(from, end === -1 ? undefined : end);
  return names.filter((name) => !section.includes(`\`${name}\``));
};

/** Paths that agents and runners use. */
const internalPath = /\/link$|^\/api\/v1\/jobs\/\{id\}\/(programs|contents|attempts)\//;

describe("the reference", () => {
  it("covers every path and method of the API", () => {
    const document = textOf("client/sdk/openapi.ts");
    const paths = [...document.matchAll(/^ {4}"(\/[^"]*)": \{\n(.*?)^ {4}\};/gms)];
    const served = paths
      .filter(([, path = ""]) => !internalPath.test(path))
      .flatMap(([, path = "", item = ""]) =>
        [...item.matchAll(/^ {8}(get|put|post|delete): /gm)].map(
          ([, method = ""]) => `${method.toUpperCase()} ${path}`,
        ),
      );
    expect(served.length).toBeGreaterThan(20);
    const named = served.map((operation) => operation.replace("{task}", "{taskId}").replace("{attempt}", "{n}"));
    expect(undocumented("docs/reference/rest-api.md", named)).toEqual([]);
  });

  it("covers every field of requests, jobs and tasks", () => {
    const fields = "docs/reference/job-fields.md";
    expect(undocumented(fields, Object.keys(JobRequestSchema.shape), "Request fields")).toEqual([]);
    expect(undocumented(fields, Object.keys(JobDetailSchema.shape), "Job fields")).toEqual([]);
    expect(undocumented(fields, Object.keys(TaskDetailSchema.shape), "Task fields")).toEqual([]);
  });

  it("covers every kind of event, and every problem", () => {
    const kinds = EventSchema.options.map(({ shape }) => shape.kind.value);
    expect(undocumented("docs/reference/rest-api.md", kinds, "Events")).toEqual([]);
    expect(undocumented("docs/reference/errors.md", Object.keys(problems), "Problems")).toEqual([]);
  });

  it("covers every variable of a runner that users can set", () => {
    const own = ["RUNNER_ID", "WORK_DIR", "PROCESS_LEDGER", "PARENT", "BUSY_FILE", "CGROUP_DIR", "CREDENTIALS_DIR"];
    const given = new Set([...own, "STORAGE_LOOPBACK", "JOB_ID", "RUNNER_TOKEN_FILE"]);
    const names = configVariables.filter((name) => !given.has(name));
    expect(undocumented("docs/reference/configuration.md", names)).toEqual([]);
  });
});
