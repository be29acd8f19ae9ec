/** Most UTF-16 units of what waits to be taken. */
const mostWaiting = 1024 * 1024;

/** What comes over a socket, until it is taken. Its memory is bounded: where too much waits, all that waits is dropped. */
export class Inbox {
  #messages: string[] = [];
  #size = 0;
  #hasDropped = false;
  #isClosed: boolean;
  #wake: () => void = () => undefined;
  readonly #socket: WebSocket | null;

  /** @param socket null where nothing will come */
  constructor(socket: WebSocket | null) {
    this.#socket = socket;
    this.#isClosed = socket === null;
    if (socket === null) return;
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#add(data);
    });
    for (const end of ["close", "error"] as const) socket.addEventListener(end, () => this.close());
    socket.accept();
  }

  /** Whether there is nothing to take, nor will there be. */
  get isOver(): boolean {
    return this.#isClosed && this.#messages.length === 0 && !this.#hasDropped;
  }

  /** All that has come. @returns "dropped" where that was too much, once */
  take(): string[] | "dropped" {
    const messages = this.#messages.splice(0);
    this.#size = 0;
    if (!this.#hasDropped) return messages;
    this.#hasDropped = false;
    return "dropped";
  }

  /** Resolves when something has come, nothing comes any more, or so many milliseconds are over. @returns false for the last */
  async wait(ms: number): Promise<boolean> {
    if (this.#isClosed || this.#hasDropped || this.#messages.length > 0) return true;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
    this.#wake();
  }

  #add(message: string): void {
    this.#size += message.length;
    if (this.#size > mostWaiting) this.#hasDropped = true;
    if (this.#hasDropped) this.#messages = [];
    else this.#messages.push(message);
    this.#wake();
  }
}
