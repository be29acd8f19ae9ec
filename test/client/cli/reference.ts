import type { Argument, CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { jobOptions } from "../../../client/cli/commands/common.ts";
import { makeProgram } from "../../../client/cli/program.ts";

/** Generates the command reference from the command itself. */

const preface = `# The command \`edgefold\`

Written by \`npm run generate\` from the command itself; \`edgefold COMMAND --help\` says the same.

## Conventions

- **The server** is the one that \`--server URL\` names, or the variable \`EDGEFOLD_SERVER\`, or else the profile of \`--profile\`,
  \`EDGEFOLD_PROFILE\` or the last \`edgefold login\`. \`EDGEFOLD_TOKEN\` goes before a profile's token. Where nothing is set, it is the
  local one: that of \`edgefold dev\` while it runs, or one that starts for the command and ends with it. Its state is in
  \`EDGEFOLD_STATE\`, by default \`~/.local/state/edgefold\`.
- **A job** is named by its id, by the first or last characters of it that no other job has, or by \`@\`, the latest one. **A task**
  is named by its id, or in short: \`m-3\` is the fourth map, \`r-0\` the first reduce.
- **Programs** are files of this machine, which are uploaded under names that tell their content, names of artifacts, or
  \`identity\`, which passes on each record as it is.
- **Inputs and outputs** are addresses of stores (\`s3://bucket/prefix/\`, \`https://host/bucket/prefix/\`) or paths of this machine,
  which the runners must see: those of a local server do.
- **Credentials of stores** are taken from where AWS's own tools take them: \`AWS_ACCESS_KEY_ID\` and the other variables, profiles,
  and what the machine has. None is ever an argument.
- **Output** goes to the standard output: a table on a terminal, lines with tabs and without a header for other programs, JSON with
  \`--json\`. All else goes to the standard error. \`NO_COLOR\` turns colours off.
- **Each command that works with a server** takes \`--server\`, \`--profile\` and \`--json\`, which are not repeated below.
- **Ctrl-C** leaves a job that is watched; where its server was started for the command, it stops the job.

## Exit codes

- 0: success; where a job was waited for, it is completed
- 1: the job has failed, or anything else went wrong
- 2: an option, an argument, or a field of a request is wrong
- 3: the job was stopped
- 4: no server answers
- 5: the token is missing, unknown, or not allowed to do this
- 6: there is no such job, task, artifact or object
- 130: Ctrl-C
`;

const width = 130;

/** Options that the conventions section describes. */
const commonFlags = new Set(["--server <url>", "--profile <name>", "--json"]);

const runFlags = new Set(jobOptions().map(({ flags }) => flags));

/** Wraps a text. @param margin prefix of all lines after the first */
const wrap = (text: string, margin: string): string => {
  const [first = "", ...words] = text.split(" ");
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    if (line.length + word.length >= width) {
      lines.push(line);
      line = margin + word;
    } else line += ` ${word}`;
  }
  return [...lines, line].join("\n");
};

const item = (text: string): string => wrap(`- ${text}`, "  ");

const escape = (text: string): string => text.replace(/[<>]/g, (character) => `\\${character}`);

const argumentItem = (argument: Argument): string => {
  const { required, variadic, description } = argument;
  const name = `${argument.name().toUpperCase()}${variadic ? " …" : ""}`;
  return item(`\`${required ? name : `[${name}]`}\`: ${escape(description)}`);
};

const optionItem = ({ flags, description, argChoices, defaultValue }: Option): string => {
  const choices = argChoices === undefined ? "" : `; one of ${argChoices.join(", ")}`;
  const fallback = defaultValue === undefined ? "" : `; ${String(defaultValue)} by default`;
  return item(`\`${flags}\`: ${escape(description)}${choices}${fallback}`);
};

/** The examples in the help of a command. */
const examplesOf = (command: CommandUnknownOpts): string[] => {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return [...help.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line = ""]) => line);
};

const describe = (command: CommandUnknownOpts, name: string): string => {
  const parts = [`### ${name}`, wrap(command.description().replace(/\.?$/, "."), "")];
  if (command.registeredArguments.length > 0) parts.push(command.registeredArguments.map(argumentItem).join("\n"));
  const isOfRun = ({ flags }: Option): boolean => /^edgefold (rerun|resume)$/.test(name) && runFlags.has(flags);
  const options = command.options
    .filter((option) => !commonFlags.has(option.flags) && !isOfRun(option))
    .map(optionItem);
  if (command.options.some(isOfRun)) {
    options.push(
      "- all options that say what a job is to be, as [edgefold run](#edgefold-run) has them, from `--mapper` on",
    );
  }
  if (options.length > 0) parts.push(options.join("\n"));
  const examples = examplesOf(command);
  if (examples.length > 0) parts.push(`\`\`\`text\n${examples.join("\n")}\n\`\`\``);
  return parts.join("\n\n");
};

const describeAll = (command: CommandUnknownOpts, name: string): string[] =>
  command.commands.length === 0
    ? [describe(command, name)]
    : command.commands.flatMap((below) => describeAll(below, `${name} ${below.name()}`));

export const writeReference = (): string => {
  const program = makeProgram(() => undefined);
  const groups = Map.groupBy(program.commands, (command) => command.helpGroup() ?? "");
  const sections = [...groups].flatMap(([group, commands]) => {
    const shown = commands.filter((command) => !["complete", "help"].includes(command.name()));
    if (shown.length === 0) return [];
    return [
      `## ${group.replace(/:$/, "")}`,
      ...shown.flatMap((command) => describeAll(command, `edgefold ${command.name()}`)),
    ];
  });
  return `${[preface.trimEnd(), ...sections].join("\n\n")}\n`;
};
