import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArtifactSchema } from "../../shared/api/artifacts.ts";
import { call } from "./api.ts";
import { saneAnswer, expectNoErrors } from "./fuzz/answers.ts";
import { text } from "./fuzz/values.ts";

/** Every upload is stored, or refused with a problem. */

expectNoErrors();

/** A form as clients write it, complete or broken somewhere. */
const forms = fc
  .record({
    name: fc.oneof(fc.constantFrom("program", "type"), text),
    filename: fc.option(text, { nil: undefined }),
    content: text,
    boundary: fc.constantFrom("x", "--", "a b", "x".repeat(71), "'()+_,-./:=?", ""),
    end: fc.constantFrom("--\r\n", "--", "-", "", "\r\n", "\n--"),
    extra: fc.constantFrom(
      "",
      "Content-Type: text/plain\r\n",
      "Content-Transfer-Encoding: base64\r\n",
      "X:\r\n",
      ": y\r\n",
      "\u0000\r\n",
    ),
    times: fc.integer({ min: 0, max: 3 }),
    cut: fc.option(fc.nat({ max: 400 }), { nil: undefined }),
  })
  .map(({ name, filename, content, boundary, end, extra, times, cut }) => {
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    const part = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${extra}\r\n${content}\r\n`;
    const body = new TextEncoder().encode(`${part.repeat(times)}--${boundary}${end}`);
    return { boundary, body: body.slice(0, cut) };
  });

describe("PUT /api/v1/artifacts", () => {
  it("handles any form", async () => {
    await fc.assert(
      fc.asyncProperty(forms, fc.constantFrom("", '"', "'"), async ({ boundary, body }, quote) => {
        const headers = { "Content-Type": `multipart/form-data; boundary=${quote}${boundary}${quote}` };
        await saneAnswer(call("PUT", "/api/v1/artifacts", { headers, body }));
      }),
      { numRuns: 300 },
    );
  });

  it("handles any file name; stored artifacts are found, shown and deleted", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (name) => {
        const filename = name.replaceAll(/["\r\n]/g, (character) => encodeURIComponent(character));
        const disposition = `Content-Disposition: form-data; name="program"; filename="${filename}"`;
        const body = `--x\r\n${disposition}\r\n\r\n#!x\r\n--x--\r\n`;
        const headers = { "Content-Type": "multipart/form-data; boundary=x" };
        const stored = ArtifactSchema.safeParse(
          JSON.parse(await saneAnswer(call("PUT", "/api/v1/artifacts", { headers, body }))),
        ).data;
        if (stored === undefined) return;
        const { name: taken } = stored;
        const path = `/api/v1/artifacts/${encodeURIComponent(taken)}`;
        expect(await saneAnswer(call("GET", `${path}/content`))).toBe("#!x");
        expect(JSON.parse(await saneAnswer(call("GET", path)))).toMatchObject({ name: taken });
        expect((await call("DELETE", path)).status).toBe(204);
      }),
      { numRuns: 60 },
    );
  });

  it("handles a body that breaks off", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 100 }), async (start) => {
        const broken = (): ReadableStream =>
          new ReadableStream({
            type: "bytes",
            pull(controller) {
              controller.enqueue(Uint8Array.from(start));
              controller.error(new Error("the client has gone"));
            },
          });
        const headers = { "Content-Type": "multipart/form-data; boundary=x" };
        await saneAnswer(call("PUT", "/api/v1/artifacts", { headers, body: broken() }));
        const json = { "Content-Type": "application/json" };
        await saneAnswer(call("POST", "/api/v1/jobs", { headers: json, body: broken() }));
      }),
      { numRuns: 20 },
    );
  });
});
