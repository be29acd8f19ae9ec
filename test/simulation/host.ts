import type { Clock, Event } from "./clock.ts";
import type { Connection } from "./connection.ts";
import type { Random } from "../helpers/random.ts";
import { Storage } from "./storage.ts";
import { afterTurn } from "./turn.ts";

/** What a Durable Object's class does that others may call. */
export type Instance = {
  alarm?(): void | Promise<void>;
  webSocketMessage?(socket: WebSocket, message: string): void | Promise<void>;
  webSocketClose?(socket: WebSocket, code: number, reason: string, wasClean: boolean): void | Promise<void>;
};

/** What an object meets whose storage fails. */
export class StorageError extends Error {}

/** One life of a Durable Object, from its making to its eviction or death. What is over can do nothing any more. */
export type Life = {
  isOver: boolean;
  /** Calls to others that have not come back: an object that waits is not evicted. */
  waiting: number;
};

export type HostOptions<T> = {
  /** What it is the host of: objects of one kind have the same tables. */
  readonly kind: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Reports what must not happen. */
  readonly fault: (what: string) => void;
  readonly make: (ctx: DurableObjectState, life: Life) => T;
  /** Called before an event; what it returns is called after it. */
  readonly observe?: (what: Happening) => () => void;
  /** How probable it is that the object dies of an event, that an alarm fires a second time, and that a transaction fails. */
  readonly odds: { readonly crash: number; readonly alarmTwice: number; readonly storage: number };
  /** Whether its transactions may fail. */
  readonly storageFails: boolean;
};

/** What an event is, for those who watch: a message of a runner or an agent, a call, the alarm, or anything else. */
export type Happening =
  | { readonly kind: "message"; readonly text: string }
  | { readonly kind: "call"; readonly method: string }
  | { readonly kind: "alarm" | "other" };

const ring = async (instance: Instance): Promise<void> => await instance.alarm?.();

/** In ms: how late an alarm may be, how long a new instance takes, and when an alarm that met a crash is tried again. */
const alarmLateness = 500;
const restart = 2000;

/**
 * A Durable Object on its platform (see "Durable Objects" in Cloudflare's documentation): one instance at a time that may be evicted or die at any moment, storage that stays, an alarm
 * that fires at least once, sockets that survive an eviction but no crash. What an event has it send leaves when all that was
 * written before is stored: a crash loses what was sent, or both.
 */
export class Host<T extends Instance> {
  readonly storage: Storage;
  readonly sockets: Connection[] = [];
  readonly #options: HostOptions<T>;
  #current: { readonly instance: T; readonly life: Life } | undefined;
  /** To be told if the object dies: they wait for it to be through with something. */
  readonly #waiting = new Set<() => void>();
  /** What the event under way sends. */
  #sent: (() => void)[] = [];
  #alarmEvent: { at: number; event: Event } | undefined;

  constructor(options: HostOptions<T>) {
    this.#options = options;
    this.storage = new Storage(options.kind);
  }

  /**
   * Lets the object deal with something, and die of it, if it is so unlucky. All that follows without a wait is through when the
   * clock's step is, which waits for its turn, as this does.
   *
   * @param onDeath called where the object dies of it, or before it is through
   */
  enter(event: (instance: T) => unknown, what: Happening = { kind: "other" }, onDeath?: () => void): void {
    const { random, odds } = this.#options;
    const doomed = random.chance(odds.crash);
    const undo = doomed && random.chance(0.5) ? this.storage.begin() : undefined;
    const observed = this.#options.observe?.(what);
    if (onDeath !== undefined) this.#waiting.add(onDeath);
    const ran = this.#run(event);
    afterTurn(() => {
      undo?.all();
      observed?.();
      if (doomed) this.crash(undo === undefined && random.chance(0.5));
      else this.#flush();
      this.watchAlarm();
      void ran.then(() => {
        if (onDeath !== undefined) this.#waiting.delete(onDeath);
      });
    });
  }

  receive(socket: WebSocket, text: string): void {
    this.enter((instance) => instance.webSocketMessage?.(socket, text), { kind: "message", text });
  }

  /** Calls a method, as an event of its own; fails where the method does, or the object dies of it. */
  async invoke(method: string, args: readonly unknown[]): Promise<unknown> {
    return await new Promise((resolve, reject) => {
      const event = async (instance: T): Promise<void> => {
        const called: unknown = Reflect.get(instance, method);
        if (typeof called !== "function") throw new Error(`no object has a method '${method}'`);
        try {
          const value: unknown = await Reflect.apply(called, instance, args);
          // As with all that it sends: not before what it has written is stored.
          this.send(() => resolve(value));
        } catch (error) {
          if (!(error instanceof StorageError)) throw error;
          this.send(() => reject(error));
        }
      };
      this.enter(event, { kind: "call", method }, () => reject(new Error("the object died")));
    });
  }

  /** Has a message leave with the event under way. */
  send(message: () => void): void {
    this.#sent.push(message);
  }

  /** A call to another object, by an instance that may be gone before it is answered. */
  async call<R>(life: Life, start: (settle: (outcome: () => R) => void) => void): Promise<R> {
    life.waiting++;
    return new Promise<R>((resolve, reject) => {
      this.send(() => {
        let isSettled = false;
        start((outcome) => {
          if (isSettled) return;
          isSettled = true;
          life.waiting--;
          if (life.isOver) return;
          try {
            resolve(outcome());
          } catch (error) {
            reject(error);
          }
          // What follows from the answer is an event of this object.
          afterTurn(() => {
            this.#flush();
            this.watchAlarm();
          });
        });
      });
    });
  }

  /** A request to somebody else, by the instance that there is. */
  async request<R>(start: (settle: (outcome: () => R) => void) => void): Promise<R> {
    const life = this.#current?.life;
    return life === undefined ? await new Promise<R>(() => undefined) : await this.call(life, start);
  }

  /** The instance goes, and nothing else; not while it waits for somebody. */
  evict(): void {
    if (this.#current?.life.waiting === 0) this.#end();
  }

  /** The instance dies, and its connections with it. @param sends whether what it has just sent leaves */
  crash(sends = false): void {
    this.#end();
    if (sends) this.#flush();
    this.#sent = [];
    for (const socket of this.sockets.splice(0)) socket.objectDied();
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
    this.watchAlarm();
  }

  close(): void {
    this.#end();
    this.storage.close();
  }

  #end(): void {
    if (this.#current !== undefined) this.#current.life.isOver = true;
    this.#current = undefined;
  }

  #flush(): void {
    for (const message of this.#sent.splice(0)) message();
  }

  async #run(event: (instance: T) => unknown): Promise<void> {
    let life: Life | undefined;
    try {
      const live = this.#live();
      ({ life } = live);
      await event(live.instance);
    } catch (error) {
      if (life?.isOver !== true && !(error instanceof StorageError))
        this.#options.fault(`an object threw: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  #live(): { readonly instance: T; readonly life: Life } {
    if (this.#current === undefined) {
      const life: Life = { isOver: false, waiting: 0 };
      this.#current = { life, instance: this.#options.make(this.#context(life), life) };
    }
    return this.#current;
  }

  #context(life: Life): DurableObjectState {
    const { storage } = this;
    const guard = (): void => {
      if (life.isOver) throw new Error("this instance is gone");
    };
    const context = {
      storage: {
        sql: {
          exec: (query: string, ...bindings: unknown[]) => {
            guard();
            return storage.exec(query, ...bindings);
          },
        },
        transactionSync: <R>(change: () => R): R => {
          guard();
          // A new instance would not get beyond its migration.
          const { storageFails, random, odds } = this.#options;
          const fails = storageFails && this.#current !== undefined && random.chance(odds.storage);
          return storage.transaction(() => {
            const result = change();
            if (fails) throw new StorageError("nothing can be written");
            return result;
          });
        },
        deleteAll: async () => {
          guard();
          storage.deleteAll();
        },
        getAlarm: async () => storage.alarm,
        setAlarm: async (at: number) => {
          guard();
          storage.alarm = at;
        },
        deleteAlarm: async () => {
          guard();
          storage.alarm = null;
        },
      },
      getWebSockets: () => this.sockets.map((connection) => connection.objectEnd),
      getWebSocketAutoResponseTimestamp: (socket: WebSocket) =>
        this.sockets.find((connection) => connection.objectEnd === socket)?.lastPing() ?? null,
      setWebSocketAutoResponse: () => undefined,
      waitUntil: (promise: Promise<unknown>) => {
        promise.catch((error: unknown) => {
          if (!life.isOver) this.#options.fault(`in the background: ${String(error)}`);
        });
      },
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the platform it has what the objects use
    return context as unknown as DurableObjectState;
  }

  /** Has the alarm fire for which the storage is set. */
  watchAlarm(): void {
    const { alarm } = this.storage;
    if (this.#alarmEvent?.at === alarm) return;
    const { clock, random } = this.#options;
    clock.cancel(this.#alarmEvent?.event);
    this.#alarmEvent = undefined;
    if (alarm === null) return;
    const late = random.chance(0.2) ? random.between(0, alarmLateness) : 0;
    const event = clock.after(Math.max(0, alarm - clock.now) + late, () => {
      this.#alarmEvent = undefined;
      this.#fire();
    });
    this.#alarmEvent = { at: alarm, event };
  }

  /** At least once: again where the object dies of it, and sometimes for no reason. */
  #fire(): void {
    const { clock, random, odds } = this.#options;
    const at = this.storage.alarm;
    this.storage.alarm = null;
    const again = (): void => {
      this.storage.alarm ??= at;
      this.watchAlarm();
    };
    this.enter(ring, { kind: "alarm" }, () => clock.after(restart, again));
    if (random.chance(odds.alarmTwice)) clock.after(restart, () => this.enter(ring, { kind: "alarm" }));
  }
}
