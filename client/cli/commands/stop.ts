import { exitCodes, type ExitCode } from "../failure.ts";
import { writeAnswer } from "../output.ts";
import { findJobId } from "../server/find-job.ts";
import { withServer } from "../server/server.ts";
import { example, serverCommand } from "./common.ts";

export const stopCommand = (done: (code: ExitCode) => void) =>
  serverCommand("stop", "Stop a job, or let go of what is kept of a failed one")
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .addHelpText("after", example("edgefold stop @"))
    .action(async (text, options) => {
      await withServer(options, async (server) => {
        const said = await server.client.jobs.stop(await findJobId(server, text));
        await writeAnswer(said, said, options);
      });
      done(exitCodes.ok);
    });

export const purgeCommand = (done: (code: ExitCode) => void) =>
  serverCommand("purge", "Remove a job that has ended, with its logs; its output stays")
    .argument("<job...>", "ids, parts of them, or @ for the latest job")
    .addHelpText("after", example("edgefold purge @"))
    .action(async (texts, options) => {
      await withServer(options, async (server) => {
        // Each of them before the first is gone: then the latest is another one.
        const ids = await Promise.all(texts.map(async (text) => await findJobId(server, text)));
        for (const id of ids) {
          const said = await server.client.jobs.purge(id);
          await writeAnswer(said, said, options);
        }
      });
      done(exitCodes.ok);
    });
