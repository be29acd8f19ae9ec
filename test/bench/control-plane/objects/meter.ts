import type { Socket } from "./socket.ts";

/** The storage operations of an object. */
export type Work = { readonly statements: number; readonly rowsWritten: number; readonly jobReads: number };

/** Wraps an object's platform: counts what the object stores, and provides simulated sockets. */
export class Meter {
  readonly sockets: Socket[] = [];
  /** The time the alarm is set for, in ms since 1970. */
  alarm: number | undefined;
  #statements = 0;
  #rowsWritten = 0;
  #jobReads = 0;
  #last: SqlStorageCursor<Record<string, SqlStorageValue>> | undefined;

  constructor(ctx: DurableObjectState) {
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    const counting = (query: string, ...bindings: unknown[]) => {
      this.#settle();
      this.#statements++;
      if (/^\s*SELECT row\b.* FROM job\b/.test(query)) this.#jobReads++;
      this.#last = exec(query, ...bindings);
      return this.#last;
    };
    Object.defineProperty(sql, "exec", { value: counting });
    // The measuring code fires it.
    const setAlarm = async (at: number | Date): Promise<void> => {
      this.alarm = Number(at);
    };
    Object.defineProperty(ctx.storage, "setAlarm", { value: setAlarm });
    Object.defineProperty(ctx, "getWebSockets", { value: () => this.sockets.map(({ end }) => end) });
    // All peers ping continuously.
    Object.defineProperty(ctx, "getWebSocketAutoResponseTimestamp", { value: () => new Date() });
  }

  /** Since the object was created. */
  work(): Work {
    this.#settle();
    return { statements: this.#statements, rowsWritten: this.#rowsWritten, jobReads: this.#jobReads };
  }

  /** Counts the rows written by the last statement, known only after its rows have been read. */
  #settle(): void {
    this.#rowsWritten += this.#last?.rowsWritten ?? 0;
    this.#last = undefined;
  }
}
