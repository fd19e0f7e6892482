// The script tag in pages of somebody else: wherever it stands, whatever their policy and style.

import { randomUUID } from "node:crypto";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { telsmartEvent } from "../support/events.ts";
import { type Example, freePort, serveExample } from "../support/examples.ts";
import { type Complaints, type ForeignSite, keepWatch, serveForeign } from "../support/foreign.ts";
import { Gateway } from "../support/gateway.ts";
import { FULL_CONTENT } from "../support/summaries.ts";

let browser: Browser;
let gateway: Gateway;
let context: BrowserContext;
let site: ForeignSite;
let port: number;
let example: Example | null = null;

beforeAll(async () => {
  browser = await openChromium();
  port = await freePort();
  site = await serveForeign();
  gateway = new Gateway([`http://127.0.0.1:${port}`, site.origin]);
  await gateway.start();
});
afterAll(async () => {
  await browser?.close();
  site?.close();
  await gateway?.dispose();
});
beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1024, height: 768 } });
});
afterEach(async () => {
  await context?.close();
  example?.stop();
  example = null;
});

const token = (): string => gateway.token("200");

/** A tag as it is pasted, with what is given put into it. */
const tag = (attributes = 'data-token-url="/token"'): string =>
  `<script src="${gateway.url}/embed/v1.js" ${attributes}></script>`;

/** The page's popup shows a call that rings now; the call ends. */
async function expectCall(page: Page, popup = "call-popup", extension = "200"): Promise<void> {
  await page.locator(`${popup} [data-phase="connected"]`).waitFor();
  const id = randomUUID();
  const to = { id, user_extension: extension, callee_number: extension };
  await gateway.post(telsmartEvent("RINGING", { ...to, caller_name: `Caller of ${extension}` }));
  await page.locator(`${popup} .card`, { hasText: `Caller of ${extension}` }).waitFor();
  await gateway.post(telsmartEvent("HANGUP", to));
  await page.locator(`${popup} .card[data-state="ringing"]`).waitFor({ state: "detached" });
}

function expectNoComplaint({ problems, warnings, violations }: Complaints): void {
  expect([...problems(), ...warnings(), ...violations()]).toEqual([]);
}

test("the plain example shows a call", async () => {
  example = await serveExample("plain", port, gateway);
  const page = await context.newPage();
  const watch = await keepWatch(page);
  await page.goto(example.url);
  await expectCall(page);
  expectNoComplaint(watch);
});

test("the strict CRM shows calls and summaries without one violation of its policy", async () => {
  example = await serveExample("strict-csp", port, gateway);
  const page = await context.newPage();
  const watch = await keepWatch(page);
  const response = await page.goto(example.url);
  const policy = response?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("trusted-types 'none'");
  await expectCall(page);
  const call = { id: randomUUID(), caller_name: "Marie Peeters" };
  await gateway.post(telsmartEvent("RINGING", call));
  await gateway.post(telsmartEvent("HANGUP", call));
  const summary = { language: "en-GB", content: FULL_CONTENT };
  await gateway.post(telsmartEvent("SUMMARY_REPORTING", { ...call, summary }));
  await page.locator("call-popup .summary-body").waitFor();
  expectNoComplaint(watch);
});

test("a call that is answered opens the caller's page of the strict CRM", async () => {
  example = await serveExample("strict-csp", port, gateway);
  const page = await context.newPage();
  const watch = await keepWatch(page);
  await page.goto(example.url);
  await page.locator('call-popup [data-phase="connected"]').waitFor();
  const call = { id: randomUUID(), caller_number: "+3228992675" };
  await gateway.post(telsmartEvent("RINGING", call));
  await page.locator('call-popup .card[data-state="ringing"]').waitFor();
  await gateway.post(telsmartEvent("ACTIVE", call));
  await page.getByText("1 customer with +3228992675").waitFor();
  await page.locator('call-popup .card[data-state="active"]').waitFor();
  expectNoComplaint(watch);
  await gateway.post(telsmartEvent("HANGUP", call));
});

test("a policy of nonces alone is enough, for what is loaded later, too", async () => {
  for (const sources of ["'nonce-n1'", "'nonce-n1' 'strict-dynamic'"]) {
    const policy = `default-src 'none'; script-src ${sources}; img-src data:;
      connect-src 'self' ${gateway.url.replace("http", "ws")};
      require-trusted-types-for 'script'; trusted-types 'none'`;
    const foreign = await site.open(context, {
      html: `<html lang="nl">${tag('nonce="n1" data-token-url="/token"')}<p>`,
      headers: { "content-security-policy": policy.replace(/\s+/g, " ") },
      token,
    });
    await expectCall(foreign.page);
    await foreign.page.locator("call-popup").getByText("Klaar voor oproepen").waitFor();
    expectNoComplaint(foreign);
  }
});

test("a page that is isolated from other origins can embed it", async () => {
  const foreign = await site.open(context, {
    html: tag('data-token-url="/token" crossorigin'),
    headers: {
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-opener-policy": "same-origin",
    },
    token,
  });
  expect(await foreign.page.evaluate(() => crossOriginIsolated)).toBe(true);
  await expectCall(foreign.page);
  expectNoComplaint(foreign);
});

test("a policy that forbids the popup's module is told once, with the remedy, and not tried again", async () => {
  const foreign = await site.open(context, {
    html: tag(),
    headers: { "content-security-policy": `script-src ${gateway.url}/embed/v1.js` },
    token,
  });
  const remedy = `add ${gateway.url} to script-src`;
  await expect.poll(() => foreign.warnings().join("\n")).toContain(remedy);
  const ready = foreign.page.evaluate("callpop.ready");
  await expect(ready).rejects.toThrow(remedy);
  expect(foreign.violations()).toHaveLength(1);
  expect(foreign.warnings()).toHaveLength(2);
});

const PLACES: Readonly<Record<string, () => string>> = {
  "in the head": () => `<head>${tag()}</head><body>`,
  "in the head, deferred": () => `<head>${tag('data-token-url="/token" defer')}</head><body>`,
  "in the head, async": () => `<head>${tag('data-token-url="/token" async')}</head><body>`,
  "at the end of the body": () => `<body><p>text</p>${tag()}</body>`,
  "as a module": () => `<head>${tag('data-token-url="/token" type="module"')}</head><body>`,
};
for (const [place, html] of Object.entries(PLACES)) {
  test(`the script tag works ${place}`, async () => {
    const foreign = await site.open(context, { html: html(), token });
    await expectCall(foreign.page);
    expect(await foreign.page.locator("body > call-popup").count()).toBe(1);
    expectNoComplaint(foreign);
  });
}

test("a script adds the tag late", async () => {
  const foreign = await site.open(context, { html: "<p>", token });
  await foreign.page.evaluate((src) => {
    const script = document.createElement("script");
    Object.assign(script.dataset, { tokenUrl: "/token", placement: "top-left" });
    script.src = src;
    document.head.append(script);
  }, `${gateway.url}/embed/v1.js`);
  await expectCall(foreign.page, 'call-popup[placement="top-left"]');
  expectNoComplaint(foreign);
});

test("a tag that the script cannot find is told", async () => {
  const foreign = await site.open(context, { html: '<div id="host"></div>', token });
  await foreign.page.evaluate((src) => {
    const script = document.createElement("script");
    script.dataset.tokenUrl = "/token";
    script.src = src;
    document.querySelector("#host")?.attachShadow({ mode: "open" }).append(script);
  }, `${gateway.url}/embed/v1.js`);
  await expect.poll(() => foreign.warnings()).toHaveLength(1);
  expect(foreign.warnings()[0]).toContain("callpop: v1.js finds no script tag of its own");
});

test("what is wrong with a tag is told once, with the remedy, and the rest works", async () => {
  const wrong = tag('data-token-url="/token" data-theme="blue" data-placment="top-left"');
  const foreign = await site.open(context, { html: wrong, token });
  await expectCall(foreign.page, 'call-popup:not([theme])[placement="bottom-right"]');
  expect(foreign.warnings()).toHaveLength(2);
  expect(foreign.warnings()[0]).toContain('data-theme="blue" is not taken');
  expect(foreign.warnings()[1]).toContain("data-placment is not known; known are data-url");
});

test("a tag without a token shows nothing and says what it lacks", async () => {
  const foreign = await site.open(context, { html: tag('data-theme="dark"') });
  await expect.poll(() => foreign.warnings().join()).toContain("add data-token-url");
  expect(await foreign.page.locator("call-popup").count()).toBe(0);
});

test("nobody signed in is said in the popup, and not asked again", async () => {
  const foreign = await site.open(context, { html: tag() });
  const asked: string[] = [];
  foreign.page.on("request", (request) => void asked.push(new URL(request.url()).pathname));
  await foreign.page.locator('call-popup [data-phase="refused"]').waitFor();
  expect(asked.filter((path) => path === "/token").length).toBeLessThanOrEqual(1);
  expect(asked).not.toContain("/v1/stream");
});

test("callpop.ready gives what the tag loaded, whatever the page has named callpop", async () => {
  const html = `<div id="callpop"></div>${tag()}`;
  const { page } = await site.open(context, { html, token });
  const names = await page.evaluate(async () => {
    const { callpop } = globalThis as unknown as { callpop: { ready: Promise<object> } };
    const ready = await callpop.ready;
    await customElements.whenDefined("call-popup");
    const { CallPopup } = ready as { CallPopup: CustomElementConstructor };
    return [Object.keys(ready), customElements.get("call-popup") === CallPopup] as const;
  });
  expect(names[0]).toEqual(
    expect.arrayContaining(["CallPopup", "CallpopClient", "TokenUnavailable"]),
  );
  expect(names[1]).toBe(true);
});

test("two tags show two users in two corners, with modules loaded once", async () => {
  const two = ["200", "210"].map((extension, index) =>
    tag(`data-token="${gateway.token(extension)}" data-placement="bottom-${["left", "right"][index]}"
      data-label="Calls of ${extension}"`),
  );
  const foreign = await site.open(context, { html: two.join("") });
  const modules: string[] = [];
  foreign.page.on("request", (request) => void modules.push(request.url()));
  await foreign.page.reload();
  const left = 'call-popup[placement="bottom-left"]';
  const right = 'call-popup[placement="bottom-right"]';
  await foreign.page.locator(`${right} [data-phase="connected"]`).waitFor();
  await expectCall(foreign.page, left, "200");
  await expectCall(foreign.page, right, "210");
  expect(await foreign.page.locator(left).getByText("Caller of 210").count()).toBe(0);
  expect(await foreign.page.locator(right).getByText("Caller of 200").count()).toBe(0);
  expect(modules.filter((url) => url.includes("/assets/popup-"))).toHaveLength(1);
  expectNoComplaint(foreign);
});

test("the same tag twice shows one popup, and says so", async () => {
  const foreign = await site.open(context, { html: tag() + tag(), token });
  await expectCall(foreign.page);
  expect(await foreign.page.locator("call-popup").count()).toBe(1);
  expect(foreign.warnings()).toHaveLength(1);
  expect(foreign.warnings()[0]).toContain("drop a script tag");
});

test("elements of two users stand beside each other in a page of one tag", async () => {
  const elements = ["200", "210"].map(
    (extension) => `<call-popup id="of-${extension}" url="${gateway.url}"
      token="${gateway.token(extension)}" label="Calls of ${extension}"></call-popup>`,
  );
  const foreign = await site.open(context, { html: elements.join("") + tag("") });
  await expectCall(foreign.page, "#of-200", "200");
  await expectCall(foreign.page, "#of-210", "210");
  expectNoComplaint(foreign);
});

test("an element asks the address in its token-url", async () => {
  const element = `<call-popup url="${gateway.url}" token-url="/token"></call-popup>`;
  const foreign = await site.open(context, { html: element + tag(""), token });
  await expectCall(foreign.page);
  expectNoComplaint(foreign);
});

test("a gateway that is away when the popup is to be loaded is waited for", async () => {
  let failures = 2;
  await context.route("**/embed/assets/popup-*", async (route) => {
    failures -= 1;
    await (failures < 0 ? route.continue() : route.abort("connectionrefused"));
  });
  const foreign = await site.open(context, { html: tag(), token });
  await expectCall(foreign.page);
  expect(failures).toBe(-1);
  expect(foreign.warnings()).toHaveLength(1);
  expect(foreign.warnings()[0]).toContain("could not be loaded and is tried again");
});
