import type { Page } from "playwright-core";

/** Opens the sample of a mapper on the page for new jobs. */
export const openSample = async (page: Page, mapper: string): Promise<void> => {
  await page.getByLabel("mapperName").fill(mapper);
  await page.getByText("Try the mapper on a few lines").click();
};

/** Tries the mapper of the open sample. */
export const tryLines = async (page: Page, lines: string): Promise<void> => {
  await page.getByLabel("Lines of input").fill(lines);
  await page.getByRole("button", { name: "Try", exact: true }).click();
};
