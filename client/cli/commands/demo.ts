import { Command } from "@commander-js/extra-typings";
import { mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { CommandError, exitCodes, type ExitCode } from "../failure.ts";
import { demoFiles } from "../demo/text-files.ts";
import { startHost } from "../server/local.ts";
import { serverOf } from "../server/server.ts";
import { example } from "./common.ts";

export const demoCommand = (done: (code: ExitCode) => void) =>
  new Command("demo")
    .summary("Count the words of some texts on an Edgefold of its own, and check the result")
    .description("Count the words of some texts on an Edgefold of its own, and check the result")
    .argument("[files...]", "files and folders; without any, the documentation of installed packages")
    .addHelpText("after", example("edgefold demo", "edgefold demo books/"))
    .action(async (named) => {
      const files = demoFiles(named);
      if (files.length === 0) throw new CommandError("There are no files to count words in.", exitCodes.usage);
      const stateDir = resolve(".wrangler/demo");
      rmSync(stateDir, { recursive: true, force: true });
      mkdirSync(stateDir, { recursive: true });
      const { countAndCheck } = await import("../demo/word-count.ts");
      const host = await startHost({ stateDir, fileRoots: [], stays: false });
      try {
        await Promise.race([countAndCheck(serverOf(host.url, undefined, true), stateDir, files), host.failed]);
      } finally {
        await host.stop();
      }
      done(exitCodes.ok);
    });
