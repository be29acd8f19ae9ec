import { useEffect, useState } from "preact/hooks";
import { EdgefoldError, type JobDetail, type JournalEvent } from "../../sdk/index.ts";
import { isEnded } from "../../../shared/status.ts";
import { asError } from "./as-error.ts";
import { useSession } from "./session.ts";

/** Events that are kept for the page: the newest. */
const mostEvents = 2000;

export type LiveJob = {
  readonly job: JobDetail | undefined;
  readonly events: readonly JournalEvent[];
  /** Events that came before those that are kept. */
  readonly dropped: number;
  /** Whether what is shown is how things are: the connection is there, or the job has ended. */
  readonly isLive: boolean;
  readonly error: Error | undefined;
};

const nothing: LiveJob = { job: undefined, events: [], dropped: 0, isLive: false, error: undefined };

/** How often a job that changes is asked for at most, in ms: its events come as they happen. */
const detailMs = 1000;

/** A job and its events, as they happen. */
export const useLiveJob = (id: string): LiveJob => {
  const { client } = useSession();
  const [live, setLive] = useState<LiveJob>(nothing);
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    let events: JournalEvent[] = [];
    let dropped = 0;
    let isPending = false;
    let isConnected = false;
    const update = (change: Partial<LiveJob>): void => {
      if (!signal.aborted) setLive((before) => ({ ...before, ...change }));
    };
    const load = async (): Promise<JobDetail> => {
      const job = await client.jobs.get(id, { signal });
      update({ job });
      return job;
    };
    /** Shows what has come, and asks for the job itself, once for all that comes meanwhile. */
    const refresh = (): void => {
      if (isPending) return;
      isPending = true;
      setTimeout(() => {
        isPending = false;
        if (signal.aborted) return;
        update({ events: [...events], dropped });
        load().then(
          () => update({ isLive: isConnected }),
          (error: unknown) => {
            // It would fail again, as for a job that was removed.
            if (error instanceof EdgefoldError && !error.isTransient) {
              update({ error, isLive: false });
              return;
            }
            // What came cannot be shown yet, and nothing else may come.
            update({ isLive: false });
            refresh();
          },
        );
      }, detailMs);
    };
    const run = async (): Promise<void> => {
      setLive(nothing);
      const first = await load();
      isConnected = true;
      update({ isLive: true });
      const onConnection = (isLive: boolean): void => {
        isConnected = isLive;
        update({ isLive });
      };
      for await (const event of client.events(id, { signal, onConnection })) {
        events.push(event);
        if (events.length > 2 * mostEvents) {
          dropped += events.length - mostEvents;
          events = events.slice(-mostEvents);
        }
        refresh();
      }
      isConnected = true;
      update({ events: [...events], dropped });
      if (!isEnded(first.status)) refresh();
    };
    run().catch((error: unknown) => {
      update({ error: asError(error), isLive: false });
    });
    return () => abort.abort(new Error("the page was left"));
  }, [id, client]);
  return live;
};
