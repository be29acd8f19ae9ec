import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { localVariables } from "./local-access.ts";
import type { WranglerConfig } from "./wrangler-config.ts";

export type WorkerHostOptions = {
  readonly config: WranglerConfig;
  /** The Worker as one ES module. */
  readonly script: string;
  /** Of the loopback interface. */
  readonly port: number;
  /** Where objects and buckets are kept. A later host with the same directory finds them again. */
  readonly stateDir: string;
  /** The Worker's variables besides those that give access. */
  readonly variables: Readonly<Record<string, string>>;
  /** Called when the Worker has ended and could not be started again: it answers no more. */
  readonly onLost: (cause: Error) => void;
};

/** Reports what goes wrong with the runtime itself; everything else that Miniflare says is for those who develop Workers. */
class HostLog extends Log {
  readonly #onLost: (cause: Error) => void;

  constructor(onLost: (cause: Error) => void) {
    super(LogLevel.WARN);
    this.#onLost = onLost;
  }

  protected override log(message: string): void {
    process.stderr.write(`${message}\n`);
  }

  override error(cause: Error): void {
    super.error(cause);
    if ("code" in cause && cause.code === "ERR_RUNTIME_FAILURE") this.#onLost(cause);
  }
}

/**
 * Serves the Worker with the local S3 endpoint in one process of workerd, until it is disposed. Resolves when it answers. A
 * workerd that crashes is started again.
 */
export const startWorkerHost = async ({
  config,
  script,
  port,
  stateDir,
  variables,
  onLost,
}: WorkerHostOptions): Promise<Miniflare> => {
  const host = new Miniflare(
    convertV4MiniflareOptions({
      host: "localhost",
      port,
      // Would be fetched from Cloudflare.
      cf: false,
      logRequests: false,
      log: new HostLog(onLost),
      handleStructuredLogs: ({ level, message }) => {
        if (level === "error" || level === "warn") process.stderr.write(`${message}\n`);
      },
      // As `wrangler dev --env dev --persist-to` lays it out: either finds the other's state.
      name: `${config.name}-dev`,
      resourcePersistencePath: join(stateDir, "v3"),
      compatibilityDate: config.compatibility_date,
      compatibilityFlags: config.compatibility_flags,
      modules: true,
      script,
      bindings: { ...localVariables, ...variables },
      ...bindingsOf(config),
    }),
  );
  await host.ready;
  return host;
};

const bindingsOf = ({ env: { dev } }: WranglerConfig) => ({
  r2Buckets: Object.fromEntries(
    dev.r2_buckets.map(({ binding, bucket_name: id, local_dev: local }) => [
      binding,
      { id, ...(local === undefined ? {} : { s3Credentials: local.experimental_s3_credentials }) },
    ]),
  ),
  durableObjects: Object.fromEntries(
    dev.durable_objects.bindings.map(({ name, class_name: className }) => [name, { className, useSQLite: true }]),
  ),
});
