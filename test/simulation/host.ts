import type { Clock, Event } from "./clock.ts";
import type { Connection } from "./connection.ts";
import type { Random } from "../helpers/random.ts";
import { Storage } from "./storage.ts";
import { afterTurn } from "./turn.ts";

/** The methods of a Durable Object's class that others can call. */
export type Instance = {
  alarm?(): void | Promise<void>;
  webSocketMessage?(socket: WebSocket, message: string): void | Promise<void>;
  webSocketClose?(socket: WebSocket, code: number, reason: string, wasClean: boolean): void | Promise<void>;
};

/** The error that an object gets when its storage fails. */
export class StorageError extends Error {}

/** One life of a Durable Object, from its creation to its eviction or death. Once over, it can do nothing any more. */
export type Life = {
  isOver: boolean;
  /** Calls to others that have not returned: an object that waits is not evicted. */
  waiting: number;
};

export type HostOptions<T> = {
  /** The kind of object: objects of one kind have the same tables. */
  readonly kind: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Reports what must not happen. */
  readonly fault: (what: string) => void;
  readonly make: (ctx: DurableObjectState, life: Life) => T;
  /** Called before an event; what it returns is called after it. */
  readonly observe?: (what: Happening) => () => void;
  /** The probability that the object dies in an event, that an alarm fires a second time, and that a transaction fails. */
  readonly odds: { readonly crash: number; readonly alarmTwice: number; readonly storage: number };
  /** Whether its transactions can fail. */
  readonly storageFails: boolean;
};

/** The kind of event, for observers: a message from a runner or an agent, a call, the alarm, or anything else. */
export type Happening =
  | { readonly kind: "message"; readonly text: string }
  | { readonly kind: "call"; readonly method: string }
  | { readonly kind: "alarm" | "other" };

const ring = async (instance: Instance): Promise<void> => await instance.alarm?.();

/** In ms: how late an alarm can fire, and the delay before it fires again, after a crash or for no reason. */
const alarmLateness = 500;
const restart = 2000;

/**
 * A Durable Object on its platform (see "Durable Objects" in Cloudflare's documentation): one instance at a time that can be
 * evicted or die at any moment, persistent storage, an alarm that fires at least once, and sockets that survive an eviction but
 * not a crash. Messages sent during an event leave once all earlier writes are stored: a crash loses the messages, or both.
 */
export class Host<T extends Instance> {
  readonly storage: Storage;
  readonly sockets: Connection[] = [];
  readonly #options: HostOptions<T>;
  #current: { readonly instance: T; readonly life: Life } | undefined;
  /** Callbacks for the death of the object, from those waiting for it to finish something. */
  readonly #waiting = new Set<() => void>();
  /** The messages sent during the current event. */
  #sent: (() => void)[] = [];
  #alarmEvent: { at: number; event: Event } | undefined;

  constructor(options: HostOptions<T>) {
    this.#options = options;
    this.storage = new Storage(options.kind);
  }

  /**
   * Makes the object handle an event, and possibly die in it. Everything that follows without waiting is finished when the
   * clock's step is, which waits for its turn as this does.
   *
   * @param onDeath called if the object dies in the event or before it is finished
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

  /** Calls a method, as its own event; fails if the method fails or the object dies in it. */
  async invoke(method: string, args: readonly unknown[]): Promise<unknown> {
    return await new Promise((resolve, reject) => {
      const event = async (instance: T): Promise<void> => {
        const called: unknown = Reflect.get(instance, method);
        if (typeof called !== "function") throw new Error(`no object has a method '${method}'`);
        try {
          const value: unknown = await Reflect.apply(called, instance, args);
          // Like everything it sends: not before its writes are stored.
          this.send(() => resolve(value));
        } catch (error) {
          if (!(error instanceof StorageError)) throw error;
          this.send(() => reject(error));
        }
      };
      this.enter(event, { kind: "call", method }, () => reject(new Error("the object died")));
    });
  }

  /** Makes a message leave with the current event. */
  send(message: () => void): void {
    this.#sent.push(message);
  }

  /** A call to another object, by an instance that can be gone before the answer arrives. */
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

  /** A request to an outside party, by the current instance. */
  async request<R>(start: (settle: (outcome: () => R) => void) => void): Promise<R> {
    const life = this.#current?.life;
    return life === undefined ? await new Promise<R>(() => undefined) : await this.call(life, start);
  }

  /** Evicts the instance, and nothing else; not while it waits for a call. */
  evict(): void {
    if (this.#current?.life.waiting === 0) this.#end();
  }

  /** The instance dies, and its connections with it. @param sends whether its last messages leave */
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
          // A new instance would not get past its migration.
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
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has everything the objects use of the platform
    return context as unknown as DurableObjectState;
  }

  /** Schedules the alarm that is set in the storage. */
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

  /** Fires at least once: again if the object dies in it, and sometimes for no reason. */
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
