import { sleep } from "../../../client/sdk/sleep.ts";

/** A part of a body: text, bytes, a silence in ms, or the error that breaks it off. */
export type Part = string | Uint8Array | number | Error;

/** Bodies that were cancelled before their end. */
export const left = new Set<ReadableStream>();

/** A body that arrives part by part. @param isOpen whether it stays open after the last part */
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
