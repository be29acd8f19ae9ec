import { once } from "node:events";
import { createServer } from "node:http";

/** The state that the kubelet probes: whether the process is alive, and whether it is ready. */
export type Health = { isReady: boolean; close(): void };

/** Answers `/livez` and `/readyz` on a port. */
export const serveHealth = async (port: number): Promise<Health> => {
  const health = { isReady: false, close: () => void server.close() };
  const server = createServer((request, response) => {
    const isGood = request.url === "/livez" || (request.url === "/readyz" && health.isReady);
    response.writeHead(isGood ? 200 : 503).end(isGood ? "ok\n" : "not ready\n");
  });
  server.listen(port);
  await once(server, "listening");
  return health;
};
