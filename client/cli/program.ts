import { Command } from "@commander-js/extra-typings";
import tab from "@bomb.sh/tab/commander";
import { release } from "../../shared/release.ts";
import { rerunCommand, resumeCommand } from "./commands/again.ts";
import { artifactsCommand } from "./commands/artifacts.ts";
import { clustersCommand } from "./commands/clusters.ts";
import { debugCommand } from "./commands/debug.ts";
import { demoCommand } from "./commands/demo.ts";
import { devCommand, serverHostCommand } from "./commands/dev.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { eventsCommand } from "./commands/events.ts";
import { jobsCommand } from "./commands/jobs.ts";
import { loginCommand, logoutCommand, profilesCommand } from "./commands/login.ts";
import { logsCommand } from "./commands/logs.ts";
import { runCommand } from "./commands/run.ts";
import { showCommand } from "./commands/show.ts";
import { purgeCommand, stopCommand } from "./commands/stop.ts";
import { catCommand, cpCommand, lsCommand, rmCommand } from "./commands/storage.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { tokensCommand } from "./commands/tokens.ts";
import { watchCommand } from "./commands/watch.ts";
import type { ExitCode } from "./failure.ts";

type Make = (done: (code: ExitCode) => void) => unknown;

/** The subcommands, in groups as the help has them. */
const groups: Readonly<Record<string, readonly Make[]>> = {
  "Run jobs:": [runCommand, watchCommand, stopCommand, rerunCommand, resumeCommand, purgeCommand],
  "Look at jobs:": [jobsCommand, showCommand, tasksCommand, logsCommand, eventsCommand, catCommand, debugCommand],
  "Programs and data:": [artifactsCommand, lsCommand, cpCommand, rmCommand],
  "Servers:": [
    demoCommand,
    devCommand,
    serverHostCommand,
    loginCommand,
    logoutCommand,
    profilesCommand,
    clustersCommand,
    tokensCommand,
    doctorCommand,
  ],
};

/** The command `edgefold`. @param done takes the exit code of the subcommand that has run */
export const makeProgram = (done: (code: ExitCode) => void): Command => {
  const program = new Command("edgefold")
    .description("MapReduce on Kubernetes, and on this machine.")
    .version(release)
    .showHelpAfterError("(--help says more)");
  for (const [heading, makers] of Object.entries(groups)) {
    program.commandsGroup(heading);
    for (const make of makers) {
      const command = make(done);
      if (command instanceof Command) program.addCommand(command);
    }
  }
  program.commandsGroup("Help:");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same class, of which one of its packages knows more types
  tab(program as unknown as Parameters<typeof tab>[0], { completionCommandName: "completion" });
  return program;
};
