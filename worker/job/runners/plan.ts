import { beginCreation, countMaps, cutFrom, tooManyTasks } from "../cut.ts";
import type { Session } from "../session.ts";
import { done, withLive, type Handler } from "./exchange.ts";

/** A page of the input's listing. */
export const planned: Handler<"planned"> = (session, { attempt: id, page, objects }) =>
  withLive(session, id, () => {
    session.store.planned.save(id, page, objects);
    return done;
  });

/**
 * The input is listed: counts the maps that it makes.
 * @returns their number, or why there are too many tasks
 */
export const finishPlan = ({ store, job }: Session, attempt: string): number | string => {
  const cut = cutFrom(store, beginCreation(attempt), store.planned.bytes(attempt));
  const maps = countMaps(cut);
  const excess = tooManyTasks(cut, maps, job.nReducers);
  if (excess !== undefined) return excess;
  store.job.setInputBytes(cut.bytes);
  return maps;
};
