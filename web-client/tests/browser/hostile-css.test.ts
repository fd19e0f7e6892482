// The popup in pages whose style sheets mean it no good, or mean everything: it looks the same.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { activeCall, call, heldCall, JANE } from "../support/calls.ts";
import { openChromium } from "../support/chromium.ts";
import { type ForeignSite, serveForeign } from "../support/foreign.ts";
import { Gateway } from "../support/gateway.ts";
import { NOW, type Scene } from "./scenes.ts";

let browser: Browser;
let gateway: Gateway;
let site: ForeignSite;

beforeAll(async () => {
  browser = await openChromium();
  site = await serveForeign();
  gateway = new Gateway([site.origin]);
  await gateway.start();
});
afterAll(async () => {
  await browser?.close();
  site?.close();
  await gateway?.dispose();
});

const SCENE: Scene = {
  calls: [
    activeCall({ leg_id: "1" }),
    heldCall({ leg_id: "2", remote: JANE, internal: true }),
    call({ leg_id: "3" }),
  ],
};

/** Each is one kind of page; `*` is met in resets, the rest in old style sheets. */
const HOSTILE: Readonly<Record<string, string>> = {
  "a reset of everything": "* { all: unset !important }",
  "everything in the body hidden": `body * { display: none !important; visibility: hidden !important;
    opacity: 0 !important; content-visibility: hidden !important; clip-path: inset(50%) !important }`,
  "huge type": `html { font: 40px/3 serif; zoom: 1 } * { font: italic 900 50px/4 monospace !important;
    letter-spacing: 9px !important; word-spacing: 40px !important; text-transform: uppercase !important;
    text-indent: 90px !important; text-shadow: 3px 3px red !important; color: red !important;
    white-space: pre !important; text-align: center !important; hyphens: auto !important }`,
  "right to left, vertically": `html { direction: rtl; writing-mode: vertical-rl }
    * { direction: rtl !important; unicode-bidi: bidi-override !important;
    writing-mode: vertical-rl !important }`,
  "boxes of its own idea": `* { box-sizing: content-box !important; margin: 33px !important;
    padding: 21px !important; border: 9px solid lime !important; width: 60px !important;
    height: 20px !important; min-width: 900px !important; max-height: 10px !important;
    float: left !important; overflow: hidden !important; background: black !important;
    border-radius: 50% !important; outline: 5px solid red !important }`,
  "everything moved": `body * { position: static !important; inset: 0 !important; transform: scale(3) !important;
    rotate: 20deg !important; scale: 2 !important; translate: 80px 80px !important; zoom: 2 !important;
    z-index: -5 !important; filter: blur(4px) !important; mix-blend-mode: difference !important;
    mask: linear-gradient(black, transparent) !important; contain: strict !important }`,
  "no pointer and no motion": `* { pointer-events: none !important; cursor: none !important;
    user-select: none !important; animation: none !important; transition: all 9s !important }`,
  "shadows and elements of the same classes": `.panel, .card, .head, section, header, article, button,
    p, h2, svg, span, bdi { display: none !important; color: lime !important }
    ::part(none) { display: none } slot, dialog { display: none !important }`,
};

/** What can be seen of the popup: the box and every computed property of each of its elements. */
async function looks(css: string): Promise<ReadonlyMap<string, string>> {
  const context = await browser.newContext({
    reducedMotion: "reduce",
    colorScheme: "light",
    viewport: { width: 1024, height: 768 },
  });
  const html = `<html lang="en"><style>${css}</style><main><p>A page</p></main>
    <script src="${gateway.url}/embed/v1.js"></script>`;
  const { page } = await site.open(context, { html });
  await showScene(page);
  // What is loaded after the first draw is there.
  await page.waitForLoadState("networkidle");
  const seen = new Map(await page.evaluate(lookAt));
  seen.set("takes clicks", String(await page.evaluate(isClickable)));
  await context.close();
  return seen;
}

async function showScene(page: Page): Promise<void> {
  await page.evaluate("callpop.ready");
  await page.evaluate(
    ([{ calls }, now]) => {
      const popup = document.createElement("call-popup");
      popup.setAttribute("placement", "bottom-right");
      const client = {
        state: { phase: "connected", sessionId: "1" },
        calls,
        now: () => now,
        connect: () => undefined,
        dismiss: () => undefined,
        on: () => () => undefined,
      };
      document.body.append(Object.assign(popup, { client }));
    },
    [SCENE, NOW] as const,
  );
  await page.waitForFunction(() => {
    const root = document.querySelector("call-popup")?.shadowRoot;
    return root?.querySelectorAll("article").length === 3;
  });
}

function lookAt(): [string, string][] {
  const popup = document.querySelector("call-popup");
  const root = popup?.shadowRoot;
  if (!popup || !root) return [];
  // Of the host, only what shows: it is drawn by nothing but its contents and its place.
  const ofHost = ["display", "position", "visibility", "opacity", "z-index", "filter", "transform"];
  const looks: [string, string][] = [];
  const elements = [popup, ...root.querySelectorAll("*:not(.announcer, .announcer *)")];
  for (const [index, element] of elements.entries()) {
    const name = `${index} ${element.localName}.${element.getAttribute("class") ?? ""}`;
    const { x, y, width, height } = element.getBoundingClientRect();
    looks.push([`${name} box`, [x, y, width, height].map((n) => n.toFixed(1)).join(" ")]);
    const style = getComputedStyle(element);
    for (const property of element === popup ? ofHost : style) {
      // The page's own names are for its own use, and are taken by nothing here.
      if (property.startsWith("--")) continue;
      looks.push([`${name} ${property}`, style.getPropertyValue(property)]);
    }
  }
  return looks;
}

/** Whether a pointer on the first button meets that button. */
function isClickable(): boolean {
  const root = document.querySelector("call-popup")?.shadowRoot;
  const button = root?.querySelector("button");
  if (!root || !button) return false;
  const { x, y, width, height } = button.getBoundingClientRect();
  const met = root.elementFromPoint(x + width / 2, y + height / 2);
  return met !== null && button.contains(met);
}

let clean: ReadonlyMap<string, string> | null = null;

for (const [kind, css] of Object.entries(HOSTILE)) {
  test(`the popup looks the same with ${kind}`, async () => {
    clean ??= await looks("");
    expect(clean.get("takes clicks")).toBe("true");
    const seen = await looks(css);
    const changed = [...clean].filter(([name, value]) => seen.get(name) !== value);
    expect(changed.slice(0, 20).map(([name, was]) => [name, was, seen.get(name)])).toEqual([]);
    expect(seen.size).toBe(clean.size);
  });
}
