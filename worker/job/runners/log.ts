import { done, type Handler } from "./exchange.ts";

/** What an attempt has written goes to those who follow its log, and is stored nowhere. */
export const log: Handler<"log"> = (session, { attempt: id, offset, content }) => {
  const { store, peers, watchers } = session;
  const attempt = store.attempts.get(id);
  session.notify(() => {
    if (watchers.has(id)) watchers.sendLog(id, { offset, content });
    // It was not told, or has not heard it.
    else if (attempt !== undefined) peers.follow(attempt, false);
  });
  return done;
};
