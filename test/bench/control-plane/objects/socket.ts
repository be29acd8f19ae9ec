/** One end of a WebSocket at whose other end nobody is: what is sent goes to a function. */
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

  /** As text, so that it costs something to keep it and to look at it, as it does in the platform. */
  serializeAttachment(value: unknown): void {
    this.#attachment = JSON.stringify(value);
  }

  deserializeAttachment(): unknown {
    return JSON.parse(this.#attachment);
  }

  /** As an object sees it. */
  get end(): WebSocket {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a WebSocket it has what the objects use
    return this as unknown as WebSocket;
  }
}
