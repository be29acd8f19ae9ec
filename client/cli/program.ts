import { Command } from "@commander-js/extra-typings";
import type { ExitCode } from "./failure.ts";
import { runCommand } from "./commands/run.ts";

/** The command `edgefold`. @param done takes the exit code of the subcommand that has run */
export const makeProgram = (done: (code: ExitCode) => void): Command => {
  const program = new Command("edgefold")
    .description("MapReduce on Kubernetes, and on this machine.")
    .helpCommand(true)
    .showHelpAfterError("(--help says more)");
  program.addCommand(runCommand(done));
  return program;
};
