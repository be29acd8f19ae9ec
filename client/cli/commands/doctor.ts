import { z } from "zod";
import { EdgefoldError } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { writeJson, writeLine } from "../output.ts";
import { withServer, type Server } from "../server/server.ts";
import { style } from "../show/style.ts";
import { oneLine } from "../show/text.ts";
import { release } from "../../../shared/release.ts";
import { example, serverCommand } from "./common.ts";

/** What was looked at, and how it is. */
type Finding = { readonly what: string; readonly state: "good" | "doubtful" | "bad"; readonly text: string };

const good = (what: string, text: string): Finding => ({ what, state: "good", text });
const doubtful = (what: string, text: string): Finding => ({ what, state: "doubtful", text });
const bad = (what: string, text: string): Finding => ({ what, state: "bad", text });

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const DocumentSchema = z.object({ info: z.object({ version: z.string() }) });

/** Most that two clocks differ by without doing harm, in ms: signed requests and leases bear more. */
const clockMs = 60_000;

/** The Worker, its release, and its clock. */
const checkServer = async ({ url }: Server): Promise<Finding[]> => {
  try {
    const asked = Date.now();
    const answer = await fetch(`${url}/openapi.json`);
    const { version } = DocumentSchema.parse(await answer.json()).info;
    const findings = [
      version === release
        ? good("server", `${url} answers, release ${version}`)
        : doubtful("server", `${url} answers, release ${version}; this command is of release ${release}`),
    ];
    const date = Date.parse(answer.headers.get("Date") ?? "");
    const off = Number.isNaN(date) ? 0 : date - (asked + Date.now()) / 2;
    const seconds = Math.round(Math.abs(off) / 1000);
    findings.push(
      Math.abs(off) < clockMs
        ? good("clock", "agrees with the server's")
        : bad(
            "clock",
            `is ${seconds} s ${off > 0 ? "behind" : "ahead of"} the server's: stores refuse signed requests from it`,
          ),
    );
    return findings;
  } catch (error) {
    return [bad("server", `${url} does not answer as Edgefold does: ${reasonOf(error)}`)];
  }
};

/** The token, and what it allows. */
const checkToken = async ({ client }: Server): Promise<Finding> => {
  try {
    const { name, role } = await client.me();
    return good("token", `is known as ${name}, with the role ${role}`);
  } catch (error) {
    if (!(error instanceof EdgefoldError)) throw error;
    return bad(
      "token",
      error.status === 401 ? "is missing or not known: edgefold login" : `cannot be tried: ${error.detail}`,
    );
  }
};

/** The agents. */
const checkClusters = async ({ client }: Server): Promise<Finding[]> => {
  try {
    return (await client.clusters.list()).map(({ name, connected, version, launcher, capacity, problem }) => {
      const what = `cluster ${name}`;
      if (problem !== null) return bad(what, problem);
      if (!connected) return bad(what, "its agent is away: jobs wait until it connects");
      const text = `connected, release ${version}, at most ${capacity} runners as ${launcher === "kubernetes" ? "pods" : "processes"}`;
      return version === release ? good(what, text) : doubtful(what, `${text}; this command is of release ${release}`);
    });
  } catch (error) {
    return [bad("clusters", reasonOf(error))];
  }
};

const checkStore = async (text: string, server: Server): Promise<Finding> => {
  try {
    const { openPlace } = await import("../storage/stores.ts");
    const { store, at } = await openPlace(text, server);
    for await (const _ of store.list(at)) break;
    return good(`store ${text}`, "can be listed from here");
  } catch (error) {
    return bad(`store ${text}`, reasonOf(error));
  }
};

const marks = { good: ["✓", "green"], doubtful: ["!", "yellow"], bad: ["✗", "red"] } as const;

export const doctorCommand = (done: (code: ExitCode) => void) =>
  serverCommand("doctor", "Check the server, the token, the agents, the releases, the clock, and stores")
    .argument("[place...]", "stores to try: addresses")
    .addHelpText("after", example("edgefold doctor", "edgefold doctor s3://data/"))
    .action(async (places, options) => {
      await withServer(options, async (server) => {
        const findings = await checkServer(server);
        if (findings.every(({ state }) => state !== "bad")) {
          findings.push(await checkToken(server), ...(await checkClusters(server)));
        }
        for (const place of places) findings.push(await checkStore(place, server));
        if (options.json === true) await writeJson(findings);
        else {
          for (const { what, state, text } of findings) {
            const [mark, format] = marks[state];
            await writeLine(`${style(format, mark)} ${what}: ${oneLine(text)}`);
          }
        }
        done(findings.some(({ state }) => state === "bad") ? exitCodes.failed : exitCodes.ok);
      });
    });
