import { Command } from "@commander-js/extra-typings";
import { formatAddress, isFolder, type Address } from "../../../shared/address.ts";
import { CommandError, exitCodes, type ExitCode } from "../failure.ts";
import { say, writeJson, writeLine } from "../output.ts";
import { isAddress } from "../request/places.ts";
import { findJob } from "../server/find-job.ts";
import { withServer } from "../server/server.ts";
import { showAddress } from "../show/describe-end.ts";
import { showBytes } from "../../show/quantity.ts";
import type { Copied } from "../storage/copy.ts";
import { example, serverCommand } from "./common.ts";

/** What reaches stores, loaded where it is needed: it is large. */
const loadStores = async () => await import("../storage/stores.ts");

/** Stores, by addresses such as `s3://bucket/key` or paths of this machine. They are reached from here, not through a server. */

const storeCommand = (name: string, summary: string) =>
  new Command(name).summary(summary).description(summary).option("--json", "answer in JSON");

type Listed = { readonly address: string; readonly bytes: number };

export const lsCommand = (done: (code: ExitCode) => void) =>
  storeCommand("ls", "List the objects below a folder of a store")
    .argument("<place>", "an address or a path")
    .addHelpText("after", example("edgefold ls s3://data/logs/"))
    .action(async (text, { json }) => {
      const { openPlace, withStores } = await loadStores();
      await withStores(async () => {
        const { store, at } = await openPlace(text);
        const listed: Listed[] = [];
        for await (const { address, size } of store.list(at)) {
          const item = { address: formatAddress(address), bytes: size };
          if (json === true) listed.push(item);
          else {
            const size_ = process.stdout.isTTY ? showBytes(item.bytes).padStart(8) : String(item.bytes);
            await writeLine(`${size_}${process.stdout.isTTY ? "  " : "\t"}${showAddress(item.address)}`);
          }
        }
        if (json === true) await writeJson(listed);
      });
      done(exitCodes.ok);
    });

export const cpCommand = (done: (code: ExitCode) => void) =>
  storeCommand("cp", "Copy an object, or a folder with all that is below it")
    .argument("<from>", "an address or a path; a folder of a store ends in /")
    .argument("<to>", "an address or a path; into a folder where it ends in /")
    .addHelpText("after", example("edgefold cp logs/ s3://data/logs/", "edgefold cp s3://data/out/part-r-00000 ."))
    .action(async (from, to, { json }) => {
      const [{ copy }, { openPlace, withStores }] = await Promise.all([import("../storage/copy.ts"), loadStores()]);
      await withStores(async () => {
        const copied: Copied[] = [];
        const target = await openPlace(to === "." || to === ".." ? `${to}/` : to);
        for await (const each of copy(await openPlace(from), target)) {
          copied.push(each);
          if (json !== true) say(`${showAddress(each.from)} -> ${showAddress(each.to)}  ${showBytes(each.bytes)}`);
        }
        if (json === true) await writeJson(copied);
      });
      done(exitCodes.ok);
    });

export const rmCommand = (done: (code: ExitCode) => void) =>
  storeCommand("rm", "Remove objects of a store")
    .argument("<place...>", "addresses")
    .option("-r, --recursive", "also folders, with all that is below them")
    .addHelpText("after", example("edgefold rm s3://data/out/part-r-00000", "edgefold rm --recursive s3://data/out/"))
    .action(async (texts, { recursive, json }) => {
      const { openPlace, withStores } = await loadStores();
      await withStores(async () => {
        const removed: string[] = [];
        for (const text of texts) {
          if (!isAddress(text))
            throw new CommandError(`${text} is a path of this machine.`, exitCodes.usage, [`Use rm ${text}`]);
          const { store, at } = await openPlace(text);
          if (isFolder(at) && recursive !== true) {
            throw new CommandError(`${text} is a folder.`, exitCodes.usage, [
              "--recursive removes all that is below it.",
            ]);
          }
          const batch: Address[] = [];
          if (isFolder(at)) for await (const { address } of store.list(at)) batch.push(address);
          else batch.push(at);
          for (let from = 0; from < batch.length; from += 1000) await store.remove(batch.slice(from, from + 1000));
          removed.push(...batch.map(formatAddress));
        }
        if (json === true) await writeJson(removed);
        else say(`${removed.length} removed`);
      });
      done(exitCodes.ok);
    });

export const catCommand = (done: (code: ExitCode) => void) =>
  serverCommand("cat", "Print the output of a job, or objects of a store")
    .argument("<job or place...>", "a job, or addresses")
    .addHelpText("after", example("edgefold cat @ | sort -k2 -nr | head", "edgefold cat s3://data/out/part-r-00000"))
    .action(async (texts, options) => {
      const { printObjects } = await loadStores();
      const [text = ""] = texts;
      if (isAddress(text)) await printObjects(texts);
      else {
        await withServer(options, async (server) => {
          const job = await findJob(server, text);
          if (job.status !== "completed") {
            throw new CommandError(`The job has no output: it is ${job.status}.`, exitCodes.failed);
          }
          await printObjects(server.client.jobs.outputs(job.id), server);
        });
      }
      done(exitCodes.ok);
    });
