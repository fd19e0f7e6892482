// What a page looks like, for people to look at. Pictures take more time than all checks of a page do, so
// they are taken where PICTURES asks for them: `make pictures`.

import type { Page } from "playwright-core";

const FOLDER = new URL("../../screenshots/", import.meta.url).pathname;

/** Whether this run takes pictures. */
export const TAKES_PICTURES: boolean = process.env.PICTURES === "1";

/** Leaves `screenshots/NAME.png`: all of the page, however long it is. */
export async function picture(page: Page, name: string): Promise<void> {
  if (TAKES_PICTURES) await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage: true });
}
