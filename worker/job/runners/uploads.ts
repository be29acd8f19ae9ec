import { touch } from "../../../shared/engine/machine.ts";
import { done, withLive, type Handler } from "./exchange.ts";

/** Uploads in one answer to a cleaning. */
const uploadsPage = 500;

/** An upload is about to begin, also of an attempt that was given up meanwhile: it is there, and must be aborted. */
export const upload: Handler<"upload"> = (session, { attempt: id, path, uploadId }) => {
  const status = session.store.attempts.get(id)?.status;
  if (status !== undefined && status !== "won") {
    session.store.uploads.add(id, path, uploadId);
    session.apply(touch(session.job));
  }
  return withLive(session, id, () => done);
};

/** A cleaning asks which uploads it must abort. */
export const uploads: Handler<"uploads"> = (session, { attempt: id, after }) =>
  withLive(session, id, () => {
    const table = session.store.uploads;
    const page = table.page(after, uploadsPage);
    const last = page.length < uploadsPage ? null : (page.at(-1)?.id ?? null);
    table.hand(after, last ?? Number.MAX_SAFE_INTEGER, id);
    return { kind: "uploads", uploads: page.map(({ path, uploadId }) => ({ path, uploadId })), nextAfter: last };
  });
