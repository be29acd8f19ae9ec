import { createServer } from "node:net";

/** Finds a port on this machine that nothing currently listens on. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
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
