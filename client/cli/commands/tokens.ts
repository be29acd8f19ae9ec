import { Command, Option } from "@commander-js/extra-typings";
import { roles } from "../../../shared/api/tokens.ts";
import type { Token } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { say, writeJson, writeLine, writeList } from "../output.ts";
import { withServer } from "../server/server.ts";
import { showTime } from "../../show/quantity.ts";
import type { Column } from "../show/table.ts";
import { example, serverCommand } from "./common.ts";

const columns: readonly Column<Token>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "ROLE", value: ({ role }) => role },
  { title: "EXPIRES", value: ({ expires }) => expires ?? "never" },
  { title: "ISSUED", value: ({ created }) => showTime(created) },
];

export const tokensCommand = (done: (code: ExitCode) => void) => {
  const list = serverCommand("ls", "List tokens by name")
    .addHelpText("after", example("edgefold tokens ls"))
    .action(async (options) => {
      await withServer(options, async ({ client }) => {
        const items: Token[] = [];
        for await (const token of client.tokens.list()) items.push(token);
        await writeList(items, columns, options);
      });
      done(exitCodes.ok);
    });
  const issue = serverCommand("issue", "Issue a token, or replace the one of that name, and print it once")
    .argument("<name>", "who uses it")
    .addOption(new Option("--role <word>", "what it allows").choices(roles).default("submitter" as const))
    .option("--expires <day>", "from this day on it is not valid, such as 2030-12-31")
    .addHelpText("after", example("edgefold tokens issue ci --role submitter --expires 2027-12-31"))
    .action(async (name, { role, expires, ...options }) => {
      await withServer(options, async ({ client }) => {
        const issued = await client.tokens.put(name, { role, expires });
        if (options.json === true) await writeJson(issued);
        else {
          say(`${issued.role} token of ${issued.name}; it is not shown again:`);
          await writeLine(issued.token);
        }
      });
      done(exitCodes.ok);
    });
  const remove = serverCommand("rm", "Delete tokens; they stop working within a minute")
    .argument("<name...>", "names of tokens")
    .addHelpText("after", example("edgefold tokens rm ci"))
    .action(async (names, options) => {
      await withServer(options, async ({ client }) => {
        for (const name of names) await client.tokens.delete(name);
        if (options.json === true) await writeJson(names);
      });
      done(exitCodes.ok);
    });
  const summary = "Tokens of the API";
  const command = new Command("tokens").summary(summary).description(summary);
  for (const each of [list, issue, remove]) command.addCommand(each);
  return command;
};
