import type { ExitCode } from "../failure.ts";
import { withServer } from "../server/server.ts";
import { example, serverCommand } from "./common.ts";

export const debugCommand = (done: (code: ExitCode) => void) =>
  serverCommand("debug", "Run a task of a job on this machine, with its own program, files and input")
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .argument("<task>", "a task, such as m-3; a reduce only of a job that was started with --keep-failed")
    .option("--folder <path>", "where to put it all; edgefold-debug/JOB-TASK by default")
    .addHelpText("after", example("edgefold debug @ m-3"))
    .action(async (jobText, taskText, options) => {
      await withServer(options, async (server) => {
        // Loaded where it is needed: with it comes what runs tasks.
        const [{ debugTask }, { withStores }] = await Promise.all([
          import("../debug/debug-task.ts"),
          import("../storage/stores.ts"),
        ]);
        done(await withStores(async () => await debugTask(server, jobText, taskText, options.folder)));
      });
    });
