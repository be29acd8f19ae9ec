import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { bodyOf, forward, type StoreAnswer } from "../../helpers/s3-forward.ts";
import { error } from "./fault-server.ts";

type Fault = (response: ServerResponse, request: IncomingMessage, pass: () => Promise<StoreAnswer>) => Promise<void>;

/** What happens to every third request, in turn. */
const faults: readonly Fault[] = [
  async (response, request) => error(503, "SlowDown")(response, request),
  // carried out, but the answer is lost
  async (response, _request, pass) => {
    await pass();
    response.socket?.resetAndDestroy();
  },
  async (response) => {
    response.writeHead(502).end("<html>bad gateway</html>");
  },
  // carried out, but reported as failed
  async (response, request, pass) => {
    await pass();
    error(500, "InternalError")(response, request);
  },
  async (response, _request, pass) => {
    const { status, headers, body } = await pass();
    response.writeHead(status, headers).write(body.subarray(0, body.length / 2), () => response.socket?.end());
  },
];

/** Starts a proxy to a store that fails repeatedly and lets no DeleteObjects through. */
export const startFaultyS3 = async (
  store: string,
): Promise<{ readonly endpoint: string; readonly close: () => Promise<void> }> => {
  const { hostname: host, port, pathname } = new URL(store);
  let count = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const pass = (): Promise<StoreAnswer> => forward(request, body, { host, port: Number(port) });
    count += 1;
    const fault = count % 3 === 0 ? faults[(count / 3) % faults.length] : undefined;
    if (request.method === "POST" && request.url?.endsWith("?delete=") === true) {
      error(501, "NotImplemented")(response, request);
    } else if (fault === undefined) {
      const { status, headers, body: answered } = await pass();
      response.writeHead(status, headers).end(answered);
    } else await fault(response, request, pass);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the proxy has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}${pathname}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};
