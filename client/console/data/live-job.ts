import { useEffect, useState } from "preact/hooks";
import { EdgefoldError, type JobDetail, type JournalEvent } from "../../sdk/index.ts";
import { pauses } from "../../sdk/events.ts";
import { sleep } from "../../sdk/sleep.ts";
import { Backoff } from "../../../shared/backoff.ts";
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

/** How often a job is asked for that has failed and can be resumed, by whomever, in ms. */
const heldMs = 2000;

/** A job and its events, as they happen. */
export const useLiveJob = (id: string): LiveJob => {
  const { client } = useSession();
  const [live, setLive] = useState<LiveJob>(nothing);
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    let events: JournalEvent[] = [];
    let dropped = 0;
    let last = 0;
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
    /** Does the work, however often the connection fails. @throws what would fail again, as for a job that was removed */
    const insist = async <T>(work: () => Promise<T>): Promise<T> => {
      const backoff = new Backoff(pauses);
      for (;;) {
        try {
          return await work();
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof EdgefoldError) || !error.isTransient) throw error;
          update({ isLive: false });
          await sleep(backoff.next(), signal);
        }
      }
    };
    const reload = async (): Promise<JobDetail> =>
      await insist(async () => {
        const job = await load();
        update({ isLive: isConnected });
        return job;
      });
    const fail = (error: unknown): void => update({ error: asError(error), isLive: false });
    /** Shows what has come, and asks for the job itself, once for all that comes meanwhile. */
    const refresh = (): void => {
      if (isPending) return;
      isPending = true;
      const show = async (): Promise<void> => {
        await sleep(detailMs, signal);
        isPending = false;
        update({ events: [...events], dropped });
        await reload();
      };
      show().catch(fail);
    };
    /** Shows events as they come, until the job has ended. */
    const follow = async (): Promise<void> => {
      const onConnection = (isLive: boolean): void => {
        isConnected = isLive;
        update({ isLive });
      };
      for await (const event of client.events(id, { after: last, signal, onConnection })) {
        last = event.id;
        events.push(event);
        if (events.length > 2 * mostEvents) {
          dropped += events.length - mostEvents;
          events = events.slice(-mostEvents);
        }
        refresh();
      }
      isConnected = true;
      update({ events: [...events], dropped });
    };
    /** Watches a job that has ended while its work is kept. @returns whether it was resumed */
    const isResumed = async (): Promise<boolean> => {
      for (;;) {
        const { status, heldUntil } = await reload();
        if (!isEnded(status) || heldUntil == null) return !isEnded(status);
        do await sleep(heldMs, signal);
        while (document.hidden);
      }
    };
    const run = async (): Promise<void> => {
      setLive(nothing);
      await load();
      isConnected = true;
      update({ isLive: true });
      do await insist(follow);
      while (await isResumed());
    };
    run().catch(fail);
    return () => abort.abort(new Error("the page was left"));
  }, [id, client]);
  return live;
};
