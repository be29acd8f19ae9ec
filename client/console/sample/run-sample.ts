import { longestRun } from "./limits.ts";
import { SampleMessageSchema, type SampleRequest, type SampleResult } from "./report.ts";

/** @param record what the worker's last message told of */
const lateError = (record: number | undefined): Error => {
  const place = record === undefined ? "while it was loaded" : `at record ${record}`;
  return new Error(`${place}: no end within ${longestRun / 1000} s. Does a loop or a promise never end?`);
};

/** Waits for the worker's result. @param port where its messages arrive */
const awaitResult = async (worker: Worker, port: MessagePort, signal: AbortSignal): Promise<SampleResult> =>
  await new Promise((resolve, reject) => {
    let record: number | undefined;
    port.addEventListener("message", ({ data }) => {
      const { success, data: message } = SampleMessageSchema.safeParse(data);
      if (!success) reject(new Error("The module broke the sample: what came back is no result."));
      else if (message.kind === "ready") setTimeout(() => reject(lateError(record)), longestRun);
      else if (message.kind === "record") ({ record } = message);
      else resolve(message);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      // A plain event if the file could not be loaded.
      const more = event instanceof ErrorEvent ? event.message : "Reload the page and try again.";
      reject(new Error(`The sample's worker failed. ${more}`));
    });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

/**
 * Runs a mapper on a few lines, in a worker that lives for this sample only.
 * @returns what the worker answered, which is whatever the module made of it: show it as text only
 * @throws Error if the module does not end in time or breaks the worker; the signal's reason when aborted
 */
export const runSample = async (request: SampleRequest, signal: AbortSignal): Promise<SampleResult> => {
  signal.throwIfAborted();
  const worker = new Worker(sampleWorker, { type: "module" });
  const { port1: port, port2 } = new MessageChannel();
  try {
    const result = awaitResult(worker, port, signal);
    port.start();
    worker.postMessage(request, [port2]);
    return await result;
  } finally {
    worker.terminate();
    port.close();
  }
};
