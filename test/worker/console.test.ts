import { expect, it } from "vitest";
import { serveConsole } from "../../worker/console/serve-console.ts";

/** Stands for the files of the console. */
const assets: Fetcher = {
  fetch: async () => new Response("file", { headers: { "Content-Type": "text/javascript" } }),
  connect: () => {
    throw new Error("nothing is connected to");
  },
};

const serve = async (path: string): Promise<Headers> => {
  const { headers, body } = await serveConsole(new Request(`http://localhost:4750${path}`), assets);
  await body?.cancel();
  return headers;
};

const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

it.each([
  "/",
  "/console/console-ABC.js",
  "/console/new-job-ABC.js",
  "/console/sample-ABC.css",
  "/console/a/sample-B.js",
])("runs its own code only: %s", async (path) => {
  expect((await serve(path)).get("Content-Security-Policy")).toBe(pagePolicy);
});

it("shuts the worker of samples off from everything but the module that it runs", async () => {
  const headers = await serve("/console/sample-ABC.js");
  expect(headers.get("Content-Security-Policy")).toBe(
    "default-src 'none'; script-src blob:; worker-src 'none'; frame-ancestors 'none'",
  );
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(headers.get("Referrer-Policy")).toBe("no-referrer");
  expect(headers.get("Cache-Control")).toBe("no-store");
});
