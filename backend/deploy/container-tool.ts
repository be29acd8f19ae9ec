import { spawnSync } from "node:child_process";

/** In the order of preference. */
const tools = ["docker", "podman"];

/** How long a tool may take to say its version, in ms: one whose daemon hangs does not work. */
const patienceMs = 20_000;

/**
 * The tool that images are built with: `CONTAINER_TOOL`, or the first of docker and podman that works. One whose daemon does not
 * answer does not.
 *
 * @throws Error telling of each tool why it does not work
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

/** Why a tool does not work; undefined where it does. */
const failureOf = (tool: string, env: NodeJS.ProcessEnv): string | undefined => {
  // Unlike `info`, it fails in every release where the daemon does not answer.
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
