import type { Socket } from "./socket.ts";

/** What the storage of an object was asked for. */
export type Work = { readonly statements: number; readonly rowsWritten: number; readonly jobReads: number };

/** Stands between an object and its platform: counts what the object stores, and has it know sockets that are none. */
export class Meter {
  readonly sockets: Socket[] = [];
  /** When the alarm is set for, in ms since 1970. */
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
    // Whoever measures lets it ring.
    const setAlarm = async (at: number | Date): Promise<void> => {
      this.alarm = Number(at);
    };
    Object.defineProperty(ctx.storage, "setAlarm", { value: setAlarm });
    Object.defineProperty(ctx, "getWebSockets", { value: () => this.sockets.map(({ end }) => end) });
    // All peers ping all the time.
    Object.defineProperty(ctx, "getWebSocketAutoResponseTimestamp", { value: () => new Date() });
  }

  /** Since the object was made. */
  work(): Work {
    this.#settle();
    return { statements: this.#statements, rowsWritten: this.#rowsWritten, jobReads: this.#jobReads };
  }

  /** Counts what the last statement has written, which is known once its rows were read. */
  #settle(): void {
    this.#rowsWritten += this.#last?.rowsWritten ?? 0;
    this.#last = undefined;
  }
}
