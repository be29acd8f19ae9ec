import { done, withLive, type Handler } from "./exchange.ts";

/** What an attempt has counted so far, and what its program says of itself. */
export const progress: Handler<"progress"> = (session, { attempt: id, counters, status }) =>
  withLive(session, id, (_attempt, task) => {
    session.store.tasks.save({ ...task, counters, message: status });
    return done;
  });
