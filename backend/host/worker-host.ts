import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response, type Request } from "miniflare";
import type { HostAccess } from "./local-access.ts";
import type { WranglerConfig } from "./wrangler-config.ts";

export type WorkerHostOptions = {
  readonly config: WranglerConfig;
  /** The Worker as one ES module. */
  readonly script: string;
  /** The address to listen on. */
  readonly listen: string;
  readonly port: number;
  /** The directory in which Durable Objects and buckets are kept. A later host with the same directory finds them again. */
  readonly stateDir: string;
  /** The Worker's variables and secrets. */
  readonly variables: Readonly<Record<string, string>>;
  /** The keys of the S3 endpoint. */
  readonly keys: HostAccess["keys"];
  /** The folder with the console's files. */
  readonly consoleDir: string;
  /** Called when the Worker has ended and could not be restarted. It no longer answers. */
  readonly onLost: (cause: Error) => void;
};

/** Logs problems of the runtime itself. Miniflare's other messages are only relevant to developers of Workers. */
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
 * Serves the Worker and the local S3 endpoint in one workerd process, until it is disposed. Resolves when it answers. A workerd
 * that crashes is restarted.
 */
export const startWorkerHost = async ({
  config,
  script,
  listen,
  port,
  stateDir,
  variables,
  keys,
  consoleDir,
  onLost,
}: WorkerHostOptions): Promise<Miniflare> => {
  const host = new Miniflare(
    convertV4MiniflareOptions({
      host: listen,
      port,
      // Otherwise Miniflare would fetch this from Cloudflare.
      cf: false,
      logRequests: false,
      log: new HostLog(onLost),
      handleStructuredLogs: ({ level, message }) => {
        if (level === "error" || level === "warn") process.stderr.write(`${message}\n`);
      },
      // The same layout as `wrangler dev --env dev --persist-to`, so each finds the other's state.
      name: `${config.name}-dev`,
      resourcePersistencePath: join(stateDir, "v3"),
      compatibilityDate: config.compatibility_date,
      compatibilityFlags: config.compatibility_flags,
      modules: true,
      script,
      bindings: { ...variables },
      // Does not use Miniflare's own assets, which put two more Workers in front of this one.
      serviceBindings: { ASSETS: async (request) => await serveFile(consoleDir, request) },
      ...bindingsOf(config, keys),
    }),
  );
  await host.ready;
  return host;
};

const bindingsOf = ({ ratelimits, env: { dev } }: WranglerConfig, keys: HostAccess["keys"]) => ({
  r2Buckets: Object.fromEntries(
    dev.r2_buckets.map(({ binding, bucket_name: id, local_dev: local }) => {
      const s3Credentials = { accessKeyId: keys.username, secretAccessKey: keys.password };
      return [binding, { id, ...(local === undefined ? {} : { s3Credentials }) }];
    }),
  ),
  // A Worker that requires no tokens does not count requests.
  ratelimits: Object.fromEntries(ratelimits.map(({ name, ...limit }) => [name, limit])),
  durableObjects: Object.fromEntries(
    dev.durable_objects.bindings.map(({ name, class_name: className }) => [name, { className, useSQLite: true }]),
  ),
});

const contentTypes: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Serves a file from a folder, as the platform serves assets. */
const serveFile = async (folder: string, request: Request): Promise<Response> => {
  const { pathname } = new URL(request.url);
  const name = pathname === "/" ? "/index.html" : pathname;
  const type = contentTypes[name.slice(name.lastIndexOf(".") + 1)];
  // URL parsing has removed every `..`, and all file names are plain.
  if (type === undefined || !/^\/[\w./-]+$/.test(name)) return new Response(null, { status: 404 });
  try {
    return new Response(await readFile(join(folder, name)), { headers: { "Content-Type": type } });
  } catch {
    return new Response(null, { status: 404 });
  }
};
