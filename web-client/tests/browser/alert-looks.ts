// Every state of the alerts and the self-check: seen, not clipped, accessible, within the policy,
// in all colours. A file for each language, since files run side by side.

import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { call, NOW_MS } from "../support/calls.ts";
import { clipped } from "../support/clipped.ts";
import { type PagesInChromium, pagesInChromium } from "../support/pages-in-chromium.ts";
import { picture } from "../support/picture.ts";
import { type Watch, watchPage } from "../support/watch.ts";
import { addPopup, clearStage } from "./stage.ts";

type Language = "en" | "nl" | "fr";

interface Look {
  readonly colours: "light" | "dark" | "forced";
  readonly width: number;
}

/** What the browser of a state is like. */
interface Conditions {
  /** The sound stays locked, whatever the user does. */
  readonly locked?: boolean;
  readonly stored?: object;
  readonly notifications?: "granted" | "denied";
  readonly diagnosis?: object;
}

interface State extends Conditions {
  readonly rings?: boolean;
  /** Goes there, from the popup as it opens. */
  readonly act?: (popup: Locator, page: Page) => Promise<void>;
}

const openAlerts = (popup: Locator): Promise<void> => popup.locator(".alerts-button").click();
const openCheck = async (popup: Locator): Promise<void> => {
  await openAlerts(popup);
  await popup.locator(".alert-ends .link").last().click();
  await popup.locator(".check li").first().waitFor();
};
const play = async (popup: Locator): Promise<void> => {
  await openAlerts(popup);
  await popup.locator(".alert-row .pill").first().click();
  await popup.locator(".alert-line .pill").first().waitFor();
  await openAlerts(popup);
};

const connected = {
  phase: "connected",
  transport: "own",
  url: "wss://gateway.example/v1/stream",
  skewMs: 210,
  roundTripMs: 18,
  lastFrameAgeMs: 900,
  attempt: 0,
  refusal: null,
};

const STATES: Readonly<Record<string, State>> = {
  "locked-ringing": { locked: true, rings: true },
  locked: { locked: true },
  quiet: { stored: { quietUntil: -1 }, rings: true },
  "quiet-until": { stored: { quietUntil: Date.now() + 1_200_000 } },
  heard: { act: play },
  "not-heard": {
    act: async (popup) => {
      await play(popup);
      await popup.locator(".alert-line .pill").last().click();
    },
  },
  controls: { act: openAlerts },
  "controls-blocked": { notifications: "denied", stored: { sound: false }, act: openAlerts },
  "controls-quiet": { stored: { quietUntil: -1 }, act: openAlerts },
  "check-good": { notifications: "granted", diagnosis: connected, act: openCheck },
  "check-bad": {
    locked: true,
    notifications: "denied",
    diagnosis: { ...connected, phase: "reconnecting", attempt: 7, skewMs: -754_000 },
    act: async (popup, page) => {
      await page.evaluate(() => {
        const event = new SecurityPolicyViolationEvent("securitypolicyviolation", {
          blockedURI: "wss://gateway.example/v1/stream",
          violatedDirective: "connect-src",
          effectiveDirective: "connect-src",
          originalPolicy: "",
          documentURI: location.href,
          disposition: "enforce",
          statusCode: 200,
        });
        document.dispatchEvent(event);
        Storage.prototype.setItem = (): void => {
          throw new Error("forbidden");
        };
      });
      await openCheck(popup);
    },
  },
  "check-refused-copy": {
    diagnosis: connected,
    act: async (popup, page) => {
      await page.evaluate(() => {
        const refused = (): Promise<void> => Promise.reject(new Error("forbidden"));
        Object.defineProperty(navigator, "clipboard", { value: { writeText: refused } });
      });
      await openCheck(popup);
      await popup.locator(".check-ends .pill").last().click();
      await popup.locator("textarea").waitFor();
    },
  },
};

/** Before the page's own scripts: makes the browser what the state in the page's address wants. */
function prepare(): void {
  const wanted = new URLSearchParams(location.search).get("conditions") ?? "{}";
  const { locked, stored, notifications, diagnosis }: Conditions = JSON.parse(wanted);
  if (stored !== undefined) localStorage.setItem("callpop.alerts", JSON.stringify(stored));
  else localStorage.removeItem("callpop.alerts");
  if (notifications !== undefined) {
    Object.defineProperty(Notification, "permission", { value: notifications });
  }
  if (locked === true) {
    globalThis.AudioContext = class extends AudioContext {
      override get state(): AudioContextState {
        return "suspended";
      }
      override resume(): Promise<void> {
        return new Promise(() => undefined);
      }
    };
  }
  if (diagnosis !== undefined) {
    Object.defineProperty(Object.prototype, "diagnose", {
      configurable: true,
      get() {
        return "wrapUpState" in this ? (): object => diagnosis : undefined;
      },
    });
  }
}

async function openPage(
  here: PagesInChromium,
  { colours, width }: Look,
): Promise<{ page: Page; watch: Watch }> {
  const page = await here.browser.newPage({
    colorScheme: colours === "light" ? "light" : "dark",
    viewport: { width, height: 700 },
    reducedMotion: "reduce",
    timezoneId: "Europe/Brussels",
  });
  await page.emulateMedia({ forcedColors: colours === "forced" ? "active" : "none" });
  await page.addInitScript(prepare);
  return { page, watch: watchPage(page) };
}

/** Goes to a state. */
async function show(page: Page, url: string, state: State, lang: Language): Promise<void> {
  const { rings, act, ...conditions } = state;
  const address = new URL(url);
  address.searchParams.set("conditions", JSON.stringify(conditions));
  await page.goto(address.href);
  await clearStage(page);
  const ringing = call({ since: (NOW_MS - 3_000) * 1000, stale_at: NOW_MS * 2000 });
  await addPopup(page, { calls: rings === true ? [ringing] : [] }, { lang });
  const popup = page.locator("call-popup");
  await popup.locator(".alerts-button").waitFor();
  await act?.(popup, page);
}

const LOOKS: readonly Look[] = [
  { colours: "light", width: 320 },
  { colours: "dark", width: 390 },
  { colours: "forced", width: 320 },
];

/** The tests of one language. */
export function alertLooksIn(language: Language): void {
  const here = pagesInChromium();
  for (const look of LOOKS) {
    const { colours, width } = look;
    test(`alerts in ${language}, ${colours}, at ${width} px are whole and accessible`, async () => {
      const { page, watch } = await openPage(here, look);
      const findings: string[] = [];
      for (const [name, state] of Object.entries(STATES)) {
        await show(page, here.pages.url, state, language);
        await picture(page, `alerts/${name}-${language}-${colours}-${width}`);
        const found = [
          ...(await clipped(page)),
          ...(await axeViolations(page, colours === "light" ? "all" : "colours")),
        ];
        findings.push(...found.map((finding) => `${name}: ${finding}`));
      }
      expect([...findings, ...watch.problems()]).toEqual([]);
      await page.close();
    });
  }
}
