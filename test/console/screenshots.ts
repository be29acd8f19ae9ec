import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Edgefold } from "../helpers/edgefold.ts";
import { openPage, startBrowser } from "./browser.ts";
import { pagesOf, startJobs } from "./jobs.ts";
import { honest } from "./sample-programs.ts";
import { openSample, tryLines } from "./sample-steps.ts";

/** `npm run screenshots`: a picture of each page of the console, light and dark, wide and narrow, in `.wrangler/screenshots`. */

const folder = join(import.meta.dirname, "../../.wrangler/screenshots");
mkdirSync(folder, { recursive: true });
const edgefold = await Edgefold.start({ log: () => undefined });
const browser = await startBrowser();
try {
  const jobs = await startJobs(edgefold);
  await edgefold.upload("words.mjs", honest, "module");
  const pages = pagesOf(jobs);
  for (const [look, options] of Object.entries({
    "light-wide": { width: 1280 },
    "dark-wide": { width: 1280, isDark: true },
    "light-narrow": { width: 360, height: 800 },
    "dark-narrow": { width: 360, height: 800, isDark: true },
  })) {
    const { page, context, complaints } = await openPage(browser, options);
    for (const [name, hash] of Object.entries(pages)) {
      await page.goto(`${edgefold.url}/${hash}`);
      await page.waitForSelector("h1");
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
      // As the documents show them.
      if (look === "light-wide") await page.screenshot({ path: join(folder, `${name}.png`) });
    }
    await page.goto(`${edgefold.url}/#/new`);
    await openSample(page, "words.mjs");
    await page.getByLabel("mapperArgs").fill('["4"]');
    await tryLines(page, "the quick brown fox\njumps over the lazy dog\n\nand back again");
    await page.getByLabel("Emitted records").waitFor();
    await page.screenshot({ path: join(folder, `sample-${look}.png`), fullPage: true });
    for (const complaint of complaints) console.error(complaint);
    await context.close();
  }
  await edgefold.stopJob(jobs.running);
} finally {
  await browser.close();
  await edgefold.stop();
}
console.log(folder);
