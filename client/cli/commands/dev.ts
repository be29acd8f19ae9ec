import { Command } from "@commander-js/extra-typings";
import { delimiter, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { localKeys, type HostAccess } from "../../../backend/host/local-access.ts";
import { serverAccess } from "../../../backend/host/server-access.ts";
import { LockedError } from "../../../backend/lock-file.ts";
import { CommandError, exitCodes, type ExitCode } from "../failure.ts";
import { say, writeLine } from "../output.ts";
import { startHost, type LocalSystem } from "../server/local.ts";
import { defaultStateDir } from "../server/places.ts";
import { collect, example } from "./common.ts";

/** Edgefold on this machine, until Ctrl-C: for its user alone, or for a team. */

const defaultPort = 4750;

const parsePort = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new CommandError(
    `'${text}' is not a port: --port, or PORT, must be a port number, from 1 to 65535.`,
    exitCodes.usage,
  );
};

type HostOptions = {
  readonly port?: number | undefined;
  readonly state?: string | undefined;
  readonly root?: string[] | undefined;
};

/** What options leave open, the environment says. */
const settingsOf = ({ port, state, root }: HostOptions) => ({
  port: port ?? parsePort(process.env["PORT"] || String(defaultPort)),
  stateDir: resolve(state ?? (process.env["STATE_DIR"] || defaultStateDir())),
  fileRoots: (root ?? process.env["FILE_ROOTS"]?.split(delimiter) ?? [process.cwd()]).map((path) => resolve(path)),
});

type Settings = ReturnType<typeof settingsOf> & { readonly listen?: string; readonly access?: HostAccess };

const start = async (settings: Settings): Promise<LocalSystem> => {
  try {
    return await startHost({ ...settings, stays: true });
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new CommandError(`Process ${error.owner.pid} uses the state in ${settings.stateDir}.`, exitCodes.failed, [
      "End it first, or choose another folder with --state, or with the variable STATE_DIR.",
    ]);
  }
};

/** Serves until a signal comes, or a part has ended for good. */
const serve = async (settings: Settings, announce: (system: LocalSystem) => Promise<void>): Promise<void> => {
  const system = await start(settings);
  const stopped = new Promise<void>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop());
  });
  try {
    await announce(system);
    await Promise.race([stopped, system.failed]);
  } finally {
    await system.stop();
  }
};

const here = (path: string): string => {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
};

const exampleFile = (name: string): string => here(fileURLToPath(new URL(`../../../${name}`, import.meta.url)));

const announceDev = async ({ url, s3Endpoint }: LocalSystem): Promise<void> => {
  await writeLine(`Edgefold is ready on ${url}

S3 endpoint        ${s3Endpoint} (buckets: data, reducers)
access key id      ${localKeys.username}
secret access key  ${localKeys.password}

A job to paste:

  npx edgefold run --server ${url} --cat \\
    --mapper ${exampleFile("examples/word-count/mapper.mjs")} --reducer ${exampleFile("examples/word-count/reducer.mjs")} \\
    ${exampleFile("README.md")} ${s3Endpoint}
`);
};

export const devCommand = (done: (code: ExitCode) => void) =>
  new Command("dev")
    .summary("Run Edgefold on this machine until Ctrl-C")
    .description(
      "Run Edgefold on this machine until Ctrl-C. It serves requests of this machine without a token; other commands use it where " +
        "no other server is named.",
    )
    .option("--port <number>", `its port; ${defaultPort}, or the variable PORT`, parsePort)
    .option("--state <folder>", "where it keeps its state; also STATE_DIR")
    .option(
      "--root <folder>",
      "where inputs and outputs may lie, the current folder by default; repeatable; also FILE_ROOTS",
      collect,
    )
    .addHelpText("after", example("edgefold dev", "edgefold dev --port 5000 --root /data"))
    .action(async (options) => {
      await serve(settingsOf(options), announceDev);
      done(exitCodes.ok);
    });

export const serverHostCommand = (done: (code: ExitCode) => void) =>
  new Command("server")
    .summary("Run Edgefold on this machine for a team, with tokens")
    .description(
      "Run Edgefold on this machine for a team, with tokens. All who may submit jobs can do what the user can that it runs as, and " +
        "its folder is all of its state: back it up by copying it while the server is stopped.",
    )
    .requiredOption("--listen <address>", "the address to listen on, such as 0.0.0.0 for all")
    .requiredOption("--state <folder>", "where it keeps its state, and the secrets that it makes when it first starts")
    .option("--port <number>", `its port; ${defaultPort}, or the variable PORT`, parsePort)
    .option("--root <folder>", "where inputs and outputs may lie; repeatable; also FILE_ROOTS", collect)
    .addHelpText("after", example("edgefold server --listen 0.0.0.0 --state /var/lib/edgefold --root /data"))
    .action(async ({ listen, ...options }) => {
      const settings = settingsOf(options);
      const { access, file } = serverAccess(settings.stateDir, process.env["API_TOKENS"]);
      await serve({ ...settings, listen, access }, async ({ url }) => {
        await writeLine(`Edgefold is ready on ${url}, and listens on ${listen}`);
        say(`Its tokens and the keys of its S3 endpoint: ${file}`);
        say("It speaks HTTP: put a proxy with a certificate in front of it where others can read the network.");
      });
      done(exitCodes.ok);
    });
