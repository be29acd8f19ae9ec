import chromium from "@sparticuz/chromium";
import { chromium as playwright, type Browser, type BrowserContext, type Page } from "playwright-core";

/** A real browser, which comes as an npm package. */

export const startBrowser = async (): Promise<Browser> =>
  await playwright.launch({
    executablePath: await chromium.executablePath(),
    // Not those that it proposes: with them a page may do what no user's page may.
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"],
    headless: true,
  });

type PageOptions = {
  readonly width?: number;
  readonly height?: number;
  readonly isDark?: boolean;
};

/** What a page has complained of: none of our pages does. */
export type Watched = { readonly page: Page; readonly complaints: string[]; readonly context: BrowserContext };

export const openPage = async (
  browser: Browser,
  { width = 1280, height = 900, isDark = false }: PageOptions = {},
): Promise<Watched> => {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: isDark ? "dark" : "light",
    locale: "en-US",
    timezoneId: "UTC",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.stack ?? String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  return { page, complaints, context };
};
