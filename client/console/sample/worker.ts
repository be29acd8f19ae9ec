import { hideGlobals } from "./hide-globals.ts";
import type { SampleMessage, SampleRequest } from "./report.ts";
import { Sample } from "./sample.ts";

/**
 * The worker that a sample runs in: a mapper of which nobody knows what it does. The server sends this file with a policy that
 * lets it call nobody; see worker/console/serve-console.ts. The module never gets hold of the port that the answer goes through.
 */
const start = async (request: SampleRequest, send: (message: SampleMessage) => void): Promise<void> => {
  hideGlobals();
  const sample = new Sample(request);
  const finish = (error: string): void => send(sample.result(error));
  // Errors of what the module left running, such as a timer or a promise that it awaits nowhere.
  addEventListener("error", (event) => {
    event.preventDefault();
    finish(sample.explainStray(event.error));
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    finish(sample.explainStray(event.reason));
  });
  send({ kind: "ready" });
  finish(await sample.run((record) => send({ kind: "record", record })));
};

addEventListener(
  "message",
  ({ data, ports: [port] }: MessageEvent<SampleRequest>) => {
    // Bound before the module can replace the prototype's function.
    if (port !== undefined) void start(data, port.postMessage.bind(port));
  },
  { once: true },
);
