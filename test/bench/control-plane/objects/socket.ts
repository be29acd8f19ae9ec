/** One end of a WebSocket with nobody at the other end: sent messages go to a function. */
export class Socket {
  readonly #receive: (text: string) => void;
  #attachment = "null";

  constructor(receive: (text: string) => void) {
    this.#receive = receive;
  }

  send(text: string): void {
    this.#receive(text);
  }

  close(): void {}

  /** As text, so that storing and reading it has a cost, as in the platform. */
  serializeAttachment(value: unknown): void {
    this.#attachment = JSON.stringify(value);
  }

  deserializeAttachment(): unknown {
    return JSON.parse(this.#attachment);
  }

  /** The type that an object sees. */
  get end(): WebSocket {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has everything the objects use of a WebSocket
    return this as unknown as WebSocket;
  }
}
