import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort, isFree } from "../../backend/host/port.ts";

const connectionPorts = "/proc/sys/net/ipv4/ip_local_port_range";

test.skipIf(!existsSync(connectionPorts))("a free port is none that an outgoing connection can get", async () => {
  const [first] = readFileSync(connectionPorts, "utf8").split("\t").map(Number);
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  expect(Math.max(...ports)).toBeLessThan(first ?? NaN);
});

test("a port is free until somebody listens on it", async () => {
  const port = await freePort();
  expect(await isFree(port)).toBe(true);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  expect(await isFree(port)).toBe(false);
  server.close();
});
