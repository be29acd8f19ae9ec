import { execFile } from "node:child_process";
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lacks } from "../helpers/interpreters.ts";
import { processesWith } from "../helpers/proc.ts";

/** The package, as those have it who install it: built, packed, installed into an empty folder, and run there. */

const root = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;
let env: NodeJS.ProcessEnv;

/** @returns what it has printed on its standard output */
const run = async (command: string, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(command, args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edgefold-package-"));
  // Without what `npm test` has put there, among which is a Node that users do not have.
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((part) => !part.includes("node_modules"));
  const user = { XDG_STATE_HOME: join(folder, "state"), XDG_CONFIG_HOME: join(folder, "config") };
  const others = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|EDGEFOLD_)/.test(name));
  env = { ...Object.fromEntries(others), PATH: path.join(delimiter), ...user };
  await promisify(execFile)("npm", ["pack", "--pack-destination", folder], { cwd: root });
  const [tarball = ""] = globSync("edgefold-*.tgz", { cwd: folder });
  await run("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", `./${tarball}`);
  mkdirSync(join(folder, "texts"));
  writeFileSync(join(folder, "texts/a.txt"), "fold the paper\nfold\n");
}, 240_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("counts the words of a folder with modules", async () => {
  const examples = "node_modules/edgefold/dist/examples/word-count";
  const program = ["--mapper", `${examples}/mapper.mjs`, "--reducer", `${examples}/reducer.mjs`];
  expect(await run("npx", "edgefold", "run", ...program, "texts/")).toBe("fold\t2\npaper\t1\nthe\t1\n");
});

test.skipIf(lacks("python3"))("runs a program in Python with an argument and a file", async () => {
  writeFileSync(join(folder, "stop.txt"), "the\n");
  const program = `#!/usr/bin/env python3
import sys
stop = set(open("stop.txt").read().split())
for line in sys.stdin:
    for word in line.split():
        if len(word) >= int(sys.argv[1]) and word not in stop:
            print(word)
`;
  writeFileSync(join(folder, "map.py"), program);
  chmodSync(join(folder, "map.py"), 0o755);
  expect(await run("npx", "edgefold", "run", "--mapper", "map.py 3", "--file", "stop.txt", "texts/")).toBe(
    "fold\npaper\nfold\n",
  );
  expect(await run("npx", "edgefold", "jobs", "--json")).toContain('"status": "completed"');
});

/** The lines of the first block of a document's section that begin with the command. */
const commandsIn = (file: string, heading: string): string[] => {
  const text = readFileSync(join(root, file), "utf8");
  const [, block = ""] = /^```sh\n(.*?)^```$/ms.exec(text.slice(text.indexOf(`\n## ${heading}\n`))) ?? [];
  return block.split("\n").filter((line) => /^(npx )?edgefold /.test(line));
};

test.skipIf(lacks("bash", "python3"))("does what the README and the guide say", async () => {
  const script = (name: string, body: string): void => {
    writeFileSync(join(folder, name), `#!/usr/bin/env python3\nimport sys\n${body}`);
    chmodSync(join(folder, name), 0o755);
  };
  script("map.py", "for line in sys.stdin:\n    for word in line.split():\n        print(word, 1, sep='\\t')\n");
  script("reduce.py", "for line in sys.stdin:\n    print(line.split('\\t')[0])\n");
  script(
    "grep.py",
    "open('stop.txt')\nfor line in sys.stdin:\n    if sys.argv[2] in line:\n        print(line.strip())\n",
  );
  for (const name of ["books", "logs"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "books/a.txt"), "b a\nb\n");
  writeFileSync(join(folder, "logs/a.log"), "a fold\nnothing\n");
  writeFileSync(join(folder, "stop.txt"), "the\n");
  const bin = { ...env, PATH: `${join(folder, "node_modules/.bin")}${delimiter}${env["PATH"] ?? ""}` };
  const printed: string[] = [];
  for (const command of [
    ...commandsIn("README.md", "Run a job"),
    ...commandsIn("docs/guide/getting-started.md", "Run a job"),
  ]) {
    const { stdout } = await promisify(execFile)("bash", ["-ec", command], { cwd: folder, env: bin });
    printed.push(stdout);
  }
  const [words, matches = "", again, ...others] = printed;
  expect([words, again, others]).toEqual(["a\nb\nb\n", "a\nb\nb\n", []]);
  expect(matches).toMatch(/^matches\/[0-9a-f-]{36}\/\n$/);
  expect(readFileSync(join(folder, matches.trim(), "part-m-00000"), "utf8")).toBe("a fold\n");
});

test("has the SDK, with its types", async () => {
  const program =
    'import { Edgefold } from "edgefold";\nconst client: Edgefold = new Edgefold({ url: "http://localhost:9" });\nvoid client;\n';
  writeFileSync(join(folder, "main.mts"), program);
  const options = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "esnext",
    "--lib",
    "esnext,dom",
    "--types",
    "",
    "main.mts",
  ];
  await run(process.execPath, join(root, "node_modules/typescript/bin/tsc"), ...options);
  writeFileSync(
    join(folder, "main.mjs"),
    'import { Edgefold } from "edgefold";\nconsole.log(new Edgefold({ url: "http://localhost:9" }).jobs.constructor.name);\n',
  );
  expect(await run("node", "main.mjs")).toBe("Jobs\n");
});

const isStray = (file: string): boolean =>
  (file.endsWith(".ts") && !file.endsWith(".d.ts")) || /(^|\/)(test|\.dev\.vars|\.git)(\/|$)/.test(file);

test("holds no source, no test and no secret", () => {
  const files = globSync("**/*", { cwd: join(folder, "node_modules/edgefold") });
  expect(files).toContain("dist/console/index.html");
  expect(files.filter((file) => /^dist\/console\/console\/sample-[^/]+\.js$/.test(file))).toHaveLength(1);
  expect(files.filter(isStray)).toEqual([]);
});

test("leaves no process behind", async () => {
  await expect.poll(() => processesWith(folder), { timeout: 20_000 }).toEqual([]);
});
