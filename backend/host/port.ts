import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Ports to choose from. They lie below those that systems give to outgoing connections (Linux from 32,768 on, others from 49,152):
 * one of these could take the port while a server that had it is started again.
 */
const lowest = 10_000;
const highest = 32_767;

/** How many ports may be taken until there seems to be none. */
const mostTries = 100;

/** Finds a port on this machine that nothing currently listens on. @throws Error if there seems to be none */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < mostTries; tries++) {
    const port = randomInt(lowest, highest + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`there is no free port between ${lowest} and ${highest}`);
};

/** Whether nothing listens on the port, on either loopback address. */
export const isFree = async (port: number): Promise<boolean> => {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    const isTaken = await new Promise<boolean>((resolve) => {
      // Any other error means that this machine has no such address.
      server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
      server.listen(port, host, () => server.close(() => resolve(false)));
    });
    if (isTaken) return false;
  }
  return true;
};
