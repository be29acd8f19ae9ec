import { lose } from "../../../shared/engine/machine.ts";
import { toColumns } from "../../../shared/protocol/segment-columns.ts";
import { fenced, withLive, type Handler } from "./exchange.ts";

/** Segments in one answer; a reduce asks again for the rest. */
const segmentsPage = 4096;

const outputLost = "a map output that it needs was lost";

/** A reduce asks where the segments of its partition are. */
export const segments: Handler<"segments"> = (session, { attempt: id, from, ahead, columns: canReadColumns }) =>
  withLive(session, id, (attempt, task) => {
    const { store, now } = session;
    // All maps have an output in this phase and in no other.
    if (session.job.status !== "reducing") {
      session.apply(lose(session.job, task, attempt, outputLost, now));
      return fenced(outputLost);
    }
    const page = store.segments.read(attempt.index, from, segmentsPage, ahead);
    const bytes = page.segments.reduce((sum, { length }) => sum + length, 0);
    if (from === 0) store.tasks.setInputBytes("reduce", attempt.index, bytes);
    else store.tasks.addInputBytes("reduce", attempt.index, bytes);
    const columns = canReadColumns === true ? toColumns(page.segments, session.job.id) : undefined;
    return { kind: "segments", segments: columns === undefined ? page.segments : [], columns, nextFrom: page.next };
  });
