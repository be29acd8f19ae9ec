import { reset } from "cloudflare:test";
import { afterAll } from "vitest";

// A Durable Object's event imports the Worker's module through the runner's link to Vitest. One that comes while a file ends,
// as an alarm does, finds the link closed and fails the run; no object outlives its file, therefore.
afterAll(async () => {
  await reset();
});
