import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { eventually } from "./eventually.ts";

/** How many sockets the objects have to which links were opened. */
const counts: (() => Promise<number>)[] = [];

/** Opens a link to an object. @returns the client's end, not yet accepted */
export const openLink = async <Api extends Rpc.DurableObjectBranded>(
  taker: DurableObjectStub<Api>,
): Promise<WebSocket> => {
  const { webSocket } = await taker.fetch("http://object/link", { headers: { Upgrade: "websocket" } });
  if (webSocket === null) throw new Error("the upgrade was not answered");
  const count = async (): Promise<number> =>
    await runInDurableObject(taker, (_, state) => state.getWebSockets().length);
  // An object that a test has killed has none.
  counts.push(async () => await count().catch(() => 0));
  return webSocket;
};

/**
 * Waits until the objects have handled the end of each link, which can take longer than to answer it. workerd crashes if an
 * object is reset while it handles an event of a socket.
 */
export const linksEnded = async (): Promise<void> => {
  for (const count of counts.splice(0)) await eventually(async () => expect(await count()).toBe(0));
};
