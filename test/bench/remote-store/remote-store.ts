import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Command, ListeningSchema, type Requests, RequestsSchema } from "./messages.ts";

const server = fileURLToPath(new URL("server.ts", import.meta.url));

/** The next message of a child. @throws Error if it ends first */
const messageOf = async (child: ChildProcess): Promise<unknown> => {
  const ended = once(child, "exit").then(() => {
    throw new Error("the remote store has ended");
  });
  const [message]: unknown[] = await Promise.race([once(child, "message"), ended]);
  return message;
};

/** An S3-compatible store that behaves as if across a network, in its own process. It takes any credentials. */
export class RemoteStore {
  readonly endpoint: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  /** @param folder whose files are the objects of the bucket `inputs` */
  static async start(folder: string): Promise<RemoteStore> {
    const child = spawn(process.execPath, [server, folder], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    return new RemoteStore(child, ListeningSchema.parse(await messageOf(child)).port);
  }

  /** The requests since the last call, or since the start. */
  async takeRequests(): Promise<Requests> {
    const report = messageOf(this.#child);
    this.#tell("report");
    return RequestsSchema.parse(await report);
  }

  /** Removes all objects that were written. */
  clear(): void {
    this.#tell("clear");
  }

  async stop(): Promise<void> {
    if (!this.#child.connected) return; // It has ended.
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  #tell(command: Command): void {
    this.#child.send(command);
  }
}
