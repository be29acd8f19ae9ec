import { isEnded } from "../../shared/status.ts";
import type { JobParts } from "./session.ts";

/** Answers an upgrade of somebody who watches the events, or the log of an attempt; 204 where nothing more will come. */
export const watch = ({ store, peers, watchers }: JobParts, topic: string): Response => {
  const { status, released } = store.job.row();
  const followed = topic === "events" ? undefined : store.attempts.get(topic);
  const isOver = topic === "events" ? isEnded(status) : released || followed?.end !== null;
  if (isOver) return new Response(null, { status: 204 });
  const response = watchers.accept(topic);
  if (followed !== undefined) peers.follow(followed, true);
  return response;
};

/** Whoever watched a topic has gone. */
export const unwatch = ({ store, peers, watchers }: JobParts, topic: string): void => {
  if (!store.exists() || watchers.has(topic)) return;
  const followed = store.attempts.get(topic);
  if (followed?.end === null) peers.follow(followed, false);
};
