import { Command, Option } from "@commander-js/extra-typings";
import { createWriteStream, openAsBlob } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { artifactTypes } from "../../../shared/api/artifacts.ts";
import type { StoredArtifact } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { say, write, writeJson, writeList } from "../output.ts";
import { withServer } from "../server/server.ts";
import { showBytes, showTime } from "../../show/quantity.ts";
import type { Column } from "../show/table.ts";
import { example, serverCommand } from "./common.ts";

const columns: readonly Column<StoredArtifact>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "TYPE", value: ({ type }) => type },
  { title: "SIZE", value: ({ size }) => (process.stdout.isTTY ? showBytes(size) : String(size)) },
  { title: "SHA-256", value: ({ hash }) => (process.stdout.isTTY ? hash.slice(0, 12) : hash) },
  { title: "UPLOADED", value: ({ uploadedAt }) => (uploadedAt === null ? "" : showTime(uploadedAt)) },
  { title: "BY", value: ({ uploadedBy }) => uploadedBy ?? "" },
];

const typeOption = () =>
  new Option("--type <word>", "executable, module, wasm, file or archive").choices(artifactTypes);

export const artifactsCommand = (done: (code: ExitCode) => void) => {
  const list = serverCommand("ls", "List artifacts, newest first")
    .addOption(typeOption())
    .addHelpText("after", example("edgefold artifacts ls --type module"))
    .action(async ({ type, ...options }) => {
      await withServer(options, async ({ client }) => {
        const items: StoredArtifact[] = [];
        for await (const artifact of client.artifacts.list({ type })) items.push(artifact);
        await writeList(items, columns, options);
      });
      done(exitCodes.ok);
    });
  const put = serverCommand("put", "Upload a program, a file or an archive, or replace the one of its name")
    .argument("<file>", "a file of this machine")
    .argument("[name]", "the artifact's name; the file's by default")
    .addOption(typeOption())
    .addHelpText(
      "after",
      example("edgefold artifacts put map.py", "edgefold artifacts put build/deps.tar.gz deps.tar.gz"),
    )
    .action(async (file, name, { type, ...options }) => {
      await withServer(options, async ({ client }) => {
        const artifact = await client.artifacts.put(name ?? basename(file), await openAsBlob(file), { type });
        if (options.json === true) await writeJson(artifact);
        else say(`${artifact.name}: ${artifact.type}, ${showBytes(artifact.size)}, ${artifact.hash.slice(0, 12)}`);
      });
      done(exitCodes.ok);
    });
  const get = serverCommand("get", "Download an artifact")
    .argument("<name>", "the artifact's name")
    .argument("[file]", "where to; the standard output by default")
    .addHelpText("after", example("edgefold artifacts get map.py map.py"))
    .action(async (name, file, options) => {
      await withServer(options, async ({ client }) => {
        const { body } = await client.artifacts.content(name);
        if (body === null) return;
        if (file === undefined) for await (const chunk of body) await write(chunk);
        else await pipeline(Readable.fromWeb(body), createWriteStream(file));
      });
      done(exitCodes.ok);
    });
  const remove = serverCommand("rm", "Delete artifacts; jobs keep what they were started with")
    .argument("<name...>", "names of artifacts")
    .addHelpText("after", example("edgefold artifacts rm map.py"))
    .action(async (names, options) => {
      await withServer(options, async ({ client }) => {
        for (const name of names) await client.artifacts.delete(name);
        if (options.json === true) await writeJson(names);
      });
      done(exitCodes.ok);
    });
  const summary = "Programs, files and archives that jobs use";
  const command = new Command("artifacts").summary(summary).description(summary);
  for (const each of [list, put, get, remove]) command.addCommand(each);
  return command;
};
