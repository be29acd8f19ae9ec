import { reset } from "cloudflare:test";
import { afterAll } from "vitest";

// An event of a Durable Object, such as an alarm, imports the Worker's module through the connection to Vitest. When a test file
// ends, the connection is closed, and a later event fails the run. So no object may outlive its file.
afterAll(async () => {
  await reset();
});
