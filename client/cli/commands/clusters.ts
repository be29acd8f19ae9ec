import type { Cluster } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { writeList } from "../output.ts";
import { withServer } from "../server/server.ts";
import { showTime } from "../../show/quantity.ts";
import { style } from "../show/style.ts";
import type { Column } from "../show/table.ts";
import { example, serverCommand } from "./common.ts";

const columns: readonly Column<Cluster>[] = [
  { title: "CLUSTER", value: ({ name }) => name },
  {
    title: "AGENT",
    value: ({ connected }) => (connected ? "connected" : "away"),
    paint: ({ connected }, text) => style(connected ? "green" : "yellow", text),
  },
  { title: "RUNNERS", value: ({ capacity }) => (capacity === null ? "" : String(capacity)) },
  { title: "STARTED AS", value: ({ launcher }) => launcher ?? "" },
  { title: "RELEASE", value: ({ version }) => version ?? "" },
  { title: "LAST SEEN", value: ({ lastContact }) => (lastContact === null ? "" : showTime(lastContact)) },
  { title: "PROBLEM", value: ({ problem }) => problem ?? "" },
];

export const clustersCommand = (done: (code: ExitCode) => void) =>
  serverCommand("clusters", "List the clusters that jobs can run on")
    .addHelpText("after", example("edgefold clusters"))
    .action(async (options) => {
      await withServer(options, async ({ client }) => {
        await writeList(await client.clusters.list(), columns, options);
      });
      done(exitCodes.ok);
    });
