import { spawnSync } from "node:child_process";

/** The supported tools, in order of preference. */
const tools = ["docker", "podman"];

/** How long a tool may take to print its version, in milliseconds. A tool whose daemon hangs counts as not working. */
const patienceMs = 20_000;

/**
 * Chooses the tool to build images with: `CONTAINER_TOOL`, or the first of docker and podman that works. A tool whose daemon
 * does not answer counts as not working.
 *
 * @throws Error that explains for each tool why it does not work
 */
export const containerTool = (environment: NodeJS.ProcessEnv): string => {
  const { CONTAINER_TOOL: wanted } = environment;
  const failures: string[] = [];
  for (const tool of wanted === undefined || wanted === "" ? tools : [wanted]) {
    const failure = failureOf(tool, environment);
    if (failure === undefined) return tool;
    failures.push(`${tool}: ${failure}`);
  }
  const cure = "start its daemon, or name one that works in CONTAINER_TOOL";
  throw new Error(`needs a working ${wanted || tools.join(" or ")} (${cure})\n${failures.join("\n")}`);
};

/** Returns why a tool does not work; undefined if it does. */
const failureOf = (tool: string, env: NodeJS.ProcessEnv): string | undefined => {
  // Unlike `info`, `version` fails in every release if the daemon does not answer.
  const { error, status, signal, stderr } = spawnSync(tool, ["version"], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
    timeout: patienceMs,
  });
  if (error !== undefined && "code" in error && error.code === "ENOENT") return "is not on the PATH";
  if (error !== undefined) return error.message;
  if (status === 0) return undefined;
  return stderr.trim() || `\`${tool} version\` ended with ${status ?? signal}`;
};
