import { createServer } from "node:http";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { Edgefold } from "../helpers/edgefold.ts";
import { hostile } from "./jobs.ts";
import {
  bytes,
  failing,
  generous,
  honest,
  hostileModule,
  importing,
  leaving,
  looping,
  shapeless,
} from "./sample-programs.ts";
import { openSample, tryLines } from "./sample-steps.ts";

/** What the tests of the console have already started. */
type Console = {
  readonly edgefold: () => Edgefold;
  readonly open: (hash: string, options?: { readonly isDark?: boolean }) => Promise<Page>;
  /** Closes the pages. @param allowed complaints that they may have */
  readonly close: (allowed?: RegExp) => Promise<void>;
  readonly violations: (page: Page) => Promise<string[]>;
};

/** What browsers write to their console about requests that a policy stops. */
const blocked = /Content Security Policy|Content-Security-Policy/;

const rowsOf = async (page: Page): Promise<string[]> =>
  await page.getByLabel("Emitted records").locator("tbody tr").allInnerTexts();

/** The tests of samples of mappers on the page for new jobs. */
export const describeSamples = ({ edgefold, open, close, violations }: Console): void => {
  const openUploaded = async (name: string, source: string, isDark = false): Promise<Page> => {
    await edgefold().upload(name, source, "module");
    const page = await open("#/new", { isDark });
    await openSample(page, name);
    return page;
  };

  describe("a sample of a mapper", () => {
    test.each(["light", "dark"] as const)(
      "shows records, counters and what was printed, accessibly, %s",
      async (look) => {
        const page = await openUploaded("honest.mjs", honest, look === "dark");
        await page.getByLabel("mapperArgs").fill('["three"]');
        await tryLines(page, "fold the fold\n\nedge\n");
        await page.getByText("3 lines mapped, 4 records emitted").waitFor();
        expect(await rowsOf(page)).toEqual(["fold\t1", "the\t1", "fold\t1", "edge\t1"]);
        const sample = await page.locator(".sample").innerText();
        expect(sample).toMatch(/text \/ lines\s+2\s+text \/ empty lines\s+1\s+status\s+read 3 of three/);
        expect(await page.getByLabel("Printed").innerText()).toBe(
          'line 1 {"length":13}\nline 2 {"length":0}\nline 3 {"length":4}',
        );
        expect(await violations(page)).toEqual([]);
        await close();
      },
    );

    test("says at which record and line a module fails, and tries a better one", async () => {
      const page = await openUploaded("failing.mjs", failing);
      await tryLines(page, "a\nb\nc\nd");
      const error = await page.locator(".sample").getByRole("alert").innerText();
      expect(error).toMatch(/^at record 3: TypeError: .*null.*\n\s+at .*map \(failing\.mjs:4:\d+\)$/);
      expect(await rowsOf(page)).toHaveLength(3);
      const better = Buffer.from(failing.replace("null.missing()", 'emit("d")'));
      await page
        .getByLabel("Drop programs")
        .setInputFiles({ name: "failing.mjs", mimeType: "text/javascript", buffer: better });
      await page.getByText("failing.mjs is there, as a module.").waitFor();
      await expect.poll(async () => await page.getByRole("alert").count()).toBe(0);
      await page.getByRole("button", { name: "Try", exact: true }).click();
      await page.getByText("4 lines mapped, 5 records emitted").waitFor();
      expect(page.workers()).toEqual([]);
      await close();
    });

    test("cuts what is long, and shows markup as text", async () => {
      const page = await openUploaded("generous.mjs", generous);
      await tryLines(page, "x");
      await page.getByText("1,003 more are not shown.").waitFor();
      const rows = await rowsOf(page);
      expect([rows.length, rows[1]]).toEqual([200, "1\t<b>x</b>"]);
      await close();
    });

    test("gives a module with the encoding bytes what Node.js would, or says so", async () => {
      const page = await openUploaded("bytes.mjs", bytes);
      await tryLines(page, "é 1");
      await page.getByText("at record 1: Error: a sample has no Buffer.indexOf of a text").waitFor();
      expect(await rowsOf(page)).toEqual(["é\t4", "é 1\tÃ© 1"]);
      await close();
    });

    test.each([
      ["looping.mjs", looping, /at record 1: no end within 5 s/],
      ["leaving.mjs", leaving, /outside of map: .*too late/],
      ["importing.mjs", importing, /imports node:fs, \.\/words\.mjs, which cannot be loaded here\.\n.*edgefold run/],
      ["shapeless.mjs", shapeless, /shapeless\.mjs does not export a function `map`/],
    ])("says what is wrong with %s", async (name, source, message) => {
      const page = await openUploaded(name, source);
      await tryLines(page, "a");
      await page.locator(".sample").getByRole("alert").waitFor();
      expect(await page.locator(".sample").getByRole("alert").innerText()).toMatch(message);
      expect(await page.getByRole("button", { name: "Try", exact: true }).isEnabled()).toBe(true);
      await close(blocked);
    });

    test("ends with its page", async () => {
      const page = await openUploaded("looping.mjs", looping);
      await tryLines(page, "a");
      await expect.poll(() => page.workers().length).toBe(1);
      await page.getByRole("link", { name: "Jobs" }).click();
      // Before the sample's own 5 s are over. The browser takes a moment to end a loop.
      await expect.poll(() => page.workers().length, { timeout: 4500 }).toBe(0);
      await close();
    });

    test("is not offered for executables, and TypeScript is left to the command", async () => {
      await edgefold().upload("typed.mts", "export const map = (line: string): void => {};\n", "module");
      const page = await open("#/new");
      await page.getByLabel("mapperName").fill("words.sh");
      expect(await page.getByText("Try the mapper").count()).toBe(0);
      await page.getByLabel("mapperName").fill("typed.mts");
      await page.getByText("Try the mapper").click();
      await page.getByText("A browser does not run TypeScript").waitFor();
      await close();
    });

    test("of a hostile module reaches nothing and runs no markup", async () => {
      const reached: string[] = [];
      const server = createServer(({ url = "" }, response) => {
        reached.push(url);
        response.writeHead(200, { "Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript" }).end();
      });
      server.on("upgrade", ({ url = "" }, socket) => {
        reached.push(url);
        socket.destroy();
      });
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("the server has no port");
      const page = await openUploaded("hostile.mjs", hostileModule(`http://127.0.0.1:${address.port}`, hostile));
      try {
        await tryLines(page, "a");
        await page.locator(".sample").getByRole("alert").waitFor();
        const rows = await rowsOf(page);
        expect(rows).toHaveLength(26);
        expect(rows.slice(0, -1).filter((row) => !row.endsWith("\tblocked"))).toEqual([]);
        expect(rows.at(-1)).toContain("onerror=");
        expect(reached).toEqual([]);
        expect((await fetch(`${edgefold().url}/api/v1/artifacts/hostile.mjs`)).status).toBe(200);
        expect(await page.title()).toBe("Edgefold");
        expect(await page.locator("main img, main script").count()).toBe(0);
        expect(await page.locator(".sample").innerText()).not.toContain("forged");
        // The page goes on.
        await page.getByRole("link", { name: "Jobs" }).click();
        await page.getByRole("heading", { name: "Jobs" }).waitFor();
        await close(blocked);
      } finally {
        server.close();
      }
    });
  });
};
