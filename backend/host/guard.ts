import { spawn } from "node:child_process";

/**
 * Runs a command and ends with it, or when the standard input of this process ends, that is when whoever started it is gone
 * in whatever way. Then the whole process group is ended, which this process leads.
 */
const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error("usage: guard COMMAND [ARGUMENT …]");

/** How long the command may take to end by itself, in ms. */
const graceMs = 6_000;

const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
const end = (): void => {
  child.kill("SIGTERM");
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), graceMs).unref();
};
process.stdin.once("close", end).resume();
process.once("SIGTERM", end);
// Whoever started this decides; a terminal's Ctrl-C does not come here twice.
process.on("SIGINT", () => undefined);
child.once("exit", (code) => {
  process.exitCode = code ?? 1;
  process.stdin.destroy();
});
