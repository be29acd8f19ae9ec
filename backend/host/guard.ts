import { spawn } from "node:child_process";

/**
 * Runs a command and ends with it. If the standard input of this process ends first, the process that started it is gone for
 * whatever reason. The guard then ends the whole process group that it leads.
 */
const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error("usage: guard COMMAND [ARGUMENT …]");

/** How long the command may take to end by itself, in milliseconds. */
const graceMs = 6_000;

const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
const end = (): void => {
  child.kill("SIGTERM");
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), graceMs).unref();
};
process.stdin.once("close", end).resume();
process.once("SIGTERM", end);
// The process that started the guard handles a terminal's Ctrl-C, so that it does not take effect twice.
process.on("SIGINT", () => undefined);
child.once("exit", (code) => {
  process.exitCode = code ?? 1;
  process.stdin.destroy();
});
