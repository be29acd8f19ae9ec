import { Command } from "@commander-js/extra-typings";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { CommandError, exitCodes, type ExitCode } from "../failure.ts";
import { say, writeList } from "../output.ts";
import { readProfiles, requireProfile, writeProfiles } from "../server/profiles.ts";
import { profilesFile } from "../server/places.ts";
import { serverOf } from "../server/server.ts";
import type { Column } from "../show/table.ts";
import { example } from "./common.ts";

/** Reads a token from the terminal, without showing it, or from the standard input. */
const readToken = async (): Promise<string> => {
  if (!process.stdin.isTTY) return (await readAll(process.stdin)).trim();
  process.stderr.write("Token: ");
  const nothing = new Writable({ write: (_chunk, _encoding, written) => written() });
  const prompt = createInterface({ input: process.stdin, output: nothing, terminal: true });
  try {
    return (await prompt.question("")).trim();
  } finally {
    prompt.close();
    process.stderr.write("\n");
  }
};

export const loginCommand = (done: (code: ExitCode) => void) =>
  new Command("login")
    .summary("Keep how a server is reached, in a profile")
    .description(
      "Keep how a server is reached, in a profile. The token is read from the standard input, or asked for; a server on this " +
        "machine may need none.",
    )
    .requiredOption("--server <url>", "where Edgefold is")
    .option("--profile <name>", "the profile's name", "default")
    .addHelpText(
      "after",
      example("edgefold login --server https://edgefold.example.com", "edgefold login --server https://… < token"),
    )
    .action(async ({ server, profile }) => {
      const token = (await readToken()) || undefined;
      const { url, client } = serverOf(server, token, false);
      // What needs any role: it tells whether the token is known.
      const clusters = await client.clusters.list();
      const { profiles } = readProfiles();
      writeProfiles({ current: profile, profiles: { ...profiles, [profile]: { server: url, token } } });
      say(`Logged in to ${url} as profile '${profile}', which is the current one (${profilesFile()}).`);
      say(`Its clusters: ${clusters.map(({ name, connected }) => `${name}${connected ? "" : " (away)"}`).join(", ")}`);
      done(exitCodes.ok);
    });

export const logoutCommand = (done: (code: ExitCode) => void) =>
  new Command("logout")
    .summary("Forget a profile and its token")
    .description("Forget a profile and its token. The token itself stays valid.")
    .argument("[profile]", "the current one by default")
    .addHelpText("after", example("edgefold logout"))
    .action((name) => {
      const { current, profiles } = readProfiles();
      const profile = name ?? current;
      if (profile === undefined) throw new CommandError("There is no profile.", exitCodes.usage);
      requireProfile(profile);
      const { [profile]: _, ...rest } = profiles;
      writeProfiles({ ...(current === profile ? {} : { current }), profiles: rest });
      say(`Profile '${profile}' is forgotten.`);
      done(exitCodes.ok);
    });

type Listed = { readonly name: string; readonly server: string; readonly current: boolean; readonly hasToken: boolean };

const columns: readonly Column<Listed>[] = [
  { title: "PROFILE", value: ({ name }) => name },
  { title: "CURRENT", value: ({ current }) => (current ? "yes" : "") },
  { title: "TOKEN", value: ({ hasToken }) => (hasToken ? "kept" : "none") },
  { title: "SERVER", value: ({ server }) => server },
];

export const profilesCommand = (done: (code: ExitCode) => void) =>
  new Command("profiles")
    .summary("List profiles, or choose the current one")
    .description("List profiles, or choose the current one")
    .argument("[name]", "the profile that becomes the current one")
    .option("--json", "answer in JSON")
    .addHelpText("after", example("edgefold profiles", "edgefold profiles production"))
    .action(async (name, options) => {
      if (name !== undefined) {
        requireProfile(name);
        writeProfiles({ ...readProfiles(), current: name });
      }
      const { current, profiles } = readProfiles();
      const listed = Object.entries(profiles).map(([each, { server, token }]) => ({
        name: each,
        server,
        current: each === current,
        hasToken: token !== undefined,
      }));
      await writeList(listed, columns, options);
      done(exitCodes.ok);
    });
