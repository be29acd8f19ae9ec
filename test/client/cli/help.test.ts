import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { makeProgram } from "../../../client/cli/program.ts";
import { writeReference } from "./reference.ts";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";

/** The leaf commands, with their full names. */
const commandsBelow = (command: CommandUnknownOpts, name: string): [string, CommandUnknownOpts][] =>
  command.commands.length === 0
    ? [[name, command]]
    : command.commands.flatMap((below) => commandsBelow(below, `${name} ${below.name()}`));

const commands = commandsBelow(
  makeProgram(() => undefined),
  "edgefold",
).filter(([name]) => !/ (complete|completion|help)$/.test(name));

it.each(commands)("the help of '%s' says what it does, with an example", async (name, command) => {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) }).exitOverride();
  await expect(command.parseAsync(["--help"], { from: "user" })).rejects.toThrow("(outputHelp)");
  expect(help).toContain(`Usage: ${name}`);
  expect(help).toMatch(new RegExp(`Examples?:\n {2}\\$ .*${name}`));
  expect(command.description()).not.toBe("");
  for (const option of command.options) expect(option.description, option.flags).not.toBe("");
  for (const argument of command.registeredArguments) expect(argument.description, argument.name()).not.toBe("");
});

it("the command reference is up to date; run `npm run generate` to rewrite it", () => {
  expect(readFileSync(new URL("../../../docs/reference/cli.md", import.meta.url), "utf8")).toBe(writeReference());
});
