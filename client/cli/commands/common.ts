import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { z } from "zod";
import { fieldOptions } from "../request/field-options.ts";

/** What commands have in common. */

/** Shown below a command's help. */
export const example = (...lines: readonly string[]): string =>
  `\nExample${lines.length === 1 ? "" : "s"}:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;

const serverOption = (): Option<"--server <url>"> =>
  new Option("--server <url>", "where Edgefold is; EDGEFOLD_SERVER says so for all commands");
const profileOption = (): Option<"--profile <name>"> =>
  new Option("--profile <name>", "a server that you have logged in to");
const jsonOption = (): Option<"--json"> => new Option("--json", "answer in JSON");

/** A command that works with a server. */
export const serverCommand = (name: string, summary: string) =>
  new Command(name)
    .summary(summary)
    .description(summary)
    .addOption(serverOption())
    .addOption(profileOption())
    .addOption(jsonOption());

/** Collects the values of an option that can be given several times. */
export const collect = (value: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), value];

/** The options that say what a job is to be. */
export const jobOptions = (): Option[] => [
  new Option(
    "--mapper <program>",
    "a file of this machine or an artifact, in quotes with its arguments; or identity, which passes records on",
  ),
  new Option("--reducer <program>", "likewise; without one, and without --aggregate, the job is map-only"),
  new Option("--combiner <program>", "a file or an artifact, likewise with its arguments"),
  new Option("--file <path>", "lies beside the programs as they run, as NAME with NAME=PATH; repeatable").argParser(
    collect,
  ),
  new Option("--archive <path>", "likewise, unpacked into a folder; repeatable").argParser(collect),
  new Option("--env <name=value>", "a variable for the programs; repeatable").argParser(collect),
  new Option("--tag <key=value>", "by which the job can be found; repeatable").argParser(collect),
  new Option("--notify <url>", "is sent a POST at the job's end"),
  new Option("--input-secret <name>", "the Secret of the cluster that opens the input's store"),
  new Option("--output-secret <name>", "likewise, of the output's store"),
  new Option("--credentials <from>", "what opens stores otherwise: this user's AWS credentials, or nothing")
    .choices(["aws", "none"])
    .default("aws"),
  ...fieldOptions.map(({ option }) => option),
];

/** The values of a command's options, of which not all are known by name. */
export const valuesOf = (command: { opts(): unknown }): Record<string, unknown> =>
  z.record(z.string(), z.unknown()).parse(command.opts());

/** Reads a whole number of 1 or more. */
export const parseCount = (text: string): number => {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError("It must be a whole number of 1 or more.");
  return count;
};
