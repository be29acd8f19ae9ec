import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EdgefoldError } from "../sdk/index.ts";
import { CommandError, exitCodes, type ExitCode } from "./failure.ts";
import { say } from "./output.ts";
import { makeProgram } from "./program.ts";
import { style } from "./show/style.ts";
import { plainText } from "./show/text.ts";

/** The command's entry. */

const sayError = (message: string, cures: readonly string[] = []): void => {
  say(`${style("red", "error:", process.stderr)} ${plainText(message)}`);
  for (const cure of cures) say(`  ${plainText(cure)}`);
};

const codeOf = ({ status }: EdgefoldError): ExitCode => {
  if (status === undefined || status >= 500) return exitCodes.unreachable;
  if (status === 401 || status === 403) return exitCodes.refused;
  if (status === 404) return exitCodes.unknown;
  return status === 400 || status === 422 ? exitCodes.usage : exitCodes.failed;
};

/** Says why a command has failed. @returns its exit code */
const explain = (error: unknown): ExitCode => {
  if (error instanceof CommandError) {
    sayError(error.message, error.cures);
    return error.exitCode;
  }
  if (error instanceof EdgefoldError) {
    const fields = error.errors.map(({ field, message }) => `${field} ${message}`);
    if (error.status === 401) fields.push("Log in: edgefold login");
    if (error.status === undefined) fields.push("Is it running? For one of your own: edgefold dev");
    // The fields say the same as the detail, each on a line.
    sayError(error.errors.length > 0 ? error.title : error.detail, fields);
    return codeOf(error);
  }
  // It has said by itself what is wrong, or was asked for help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  sayError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exitCodes.failed;
};

/** Has the library throw where it would end the process. */
const overrideExit = (command: CommandUnknownOpts): void => {
  command.exitOverride();
  for (const below of command.commands) overrideExit(below);
};

// Whoever reads the output may have enough of it, as `head` has.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(exitCodes.ok);
});

let code: ExitCode = exitCodes.ok;
try {
  const program = makeProgram((ended) => {
    code = ended;
  });
  overrideExit(program);
  await program.parseAsync();
} catch (error) {
  code = explain(error);
}
process.exit(code);
