import { sleep } from "../../../client/sdk/sleep.ts";

/** What a body has: a text or bytes, a time without either in ms, or what breaks it off. */
export type Part = string | Uint8Array | number | Error;

/** Bodies that were left before their end. */
export const left = new Set<ReadableStream>();

/** A body that comes part by part. @param isOpen whether it has no end after them */
export const bodyOf = (parts: readonly Part[], isOpen = false): ReadableStream<Uint8Array> => {
  const waiting = [...parts];
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const part = waiting.shift();
    if (typeof part === "number") {
      await sleep(part, undefined);
      await pull(controller);
    } else if (typeof part === "string") controller.enqueue(new TextEncoder().encode(part));
    else if (part instanceof Error) controller.error(part);
    else if (part !== undefined) controller.enqueue(part);
    else if (isOpen) await new Promise(() => undefined);
    else controller.close();
  };
  const body = new ReadableStream<Uint8Array>({ pull, cancel: () => void left.add(body) }, { highWaterMark: 0 });
  return body;
};
