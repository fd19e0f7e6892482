// How long a user waits for what does not come: an answer of a gateway that is silent, after coming
// back to the page, and the words of the language, before the call is shown in English.
import { randomUUID } from "node:crypto";
import { connected } from "./stage.mjs";

const ROUNDS = 5;

export async function waits(stage) {
  const silent = [];
  const words = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    silent.push(await untilLeft(stage));
    words.push(await untilShown(stage));
  }
  return [
    { what: "a silent connection left after the user came back, worst of 5", measured: Math.max(...silent), unit: "ms", goal: 6_000 },
    { what: "a call shown without the words of its language, worst of 5", measured: Math.max(...words), unit: "ms", goal: 2_000 },
  ];
}

async function untilLeft(stage) {
  const page = await stage.browser.newPage();
  await page.goto(stage.page(`data-token="${stage.token}"`));
  await connected(page);
  stage.stall();
  try {
    const since = performance.now();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await page.locator('call-popup [data-phase="reconnecting"]').waitFor();
    return performance.now() - since;
  } finally {
    stage.goOn();
    await page.close();
  }
}

async function untilShown(stage) {
  const id = randomUUID();
  await stage.post("RINGING", { id });
  const page = await stage.browser.newPage();
  await page.route("**/fr-*.js", () => undefined);
  const since = performance.now();
  await page.goto(stage.page(`data-token="${stage.token}" data-lang="fr"`));
  await page.locator(`call-popup [data-leg="${id}"]`, { hasText: "Incoming call" }).waitFor();
  const shown = performance.now() - since;
  await stage.post("HANGUP", { id });
  await page.close();
  return shown;
}
