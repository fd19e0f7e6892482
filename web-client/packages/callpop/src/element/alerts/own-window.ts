// The popup in a window of its own, above all others where the browser can do that.

import { render, type VNode } from "preact";
import type { PopupAlerts } from "./popup-alerts.ts";

/** `pip`: stays above all windows; `popup`: an ordinary window; null: this page can open none. */
export type WindowKind = "pip" | "popup" | null;

interface PictureInPicture {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

const SIZE = { width: 380, height: 520 };
const PAGE_CSS =
  ":root{background:Canvas;color-scheme:light dark}body{margin:0}" +
  "h1{position:absolute;clip-path:inset(50%)}" +
  ":root[data-theme=light]{color-scheme:light}:root[data-theme=dark]{color-scheme:dark}";
/** There the window is the panel. */
const PANEL_CSS = ".panel{min-block-size:100vh;border:0;border-radius:0;box-shadow:none}";

function pictureInPicture(): PictureInPicture | undefined {
  if (window.top !== window) return undefined;
  return Reflect.get(window, "documentPictureInPicture") as PictureInPicture | undefined;
}

/** What kind of window this page can open. */
export function windowKind(): WindowKind {
  if (pictureInPicture() !== undefined) return "pip";
  // Phones have no windows beside each other.
  return !matchMedia("(any-pointer: fine)").matches ? null : "popup";
}

/** Moves the popup to a window, only from a click; false: the browser refused. */
export async function openWindow(of: PopupAlerts, away: () => VNode): Promise<boolean> {
  const { host, panel, state } = of.options;
  const opened = await newWindow();
  if (opened === null) return false;
  const root = rootIn(opened, host, state.label.value ?? of.coreWords.calls);
  const renewStyles = stylesOf(host, root, opened);
  const back = (): void => {
    removeEventListener("pagehide", close);
    if (of.window.value?.window === opened) of.window.value = null;
  };
  const close = (): void => {
    back();
    opened.close();
  };
  opened.addEventListener("pagehide", back);
  // A window that outlives its page would show what nobody updates.
  addEventListener("pagehide", close);
  // Timers of a hidden page are throttled; those of this window are not while it is seen.
  opened.setInterval(() => state.tick(), 1_000);
  const draw = (): void => {
    renewStyles();
    render(panel(), root);
  };
  of.window.value = { root, window: opened, draw, away, close };
  return true;
}

function rootIn(opened: Window, host: HTMLElement, title: string): ShadowRoot {
  const { document: page } = opened;
  const { documentElement: html } = page;
  page.title = title;
  html.lang = document.documentElement.lang;
  html.dataset.theme = host.getAttribute("theme") ?? "";
  page.adoptedStyleSheets = [sheetIn(opened, PAGE_CSS)];
  const main = page.createElement("main");
  const heading = page.createElement("h1");
  const place = page.createElement("div");
  heading.textContent = title;
  place.setAttribute("theme", html.dataset.theme);
  main.append(heading, place);
  page.body.replaceChildren(main);
  return place.attachShadow({ mode: "open" });
}

async function newWindow(): Promise<Window | null> {
  try {
    const opened = await pictureInPicture()?.requestWindow(SIZE);
    if (opened !== undefined) return opened;
  } catch {
    // Then an ordinary one.
  }
  const { width, height } = SIZE;
  return window.open("", "", `popup,width=${width},height=${height}`);
}

/** A sheet belongs to the document it was made for: these are made anew, from the same rules. */
function stylesOf(host: HTMLElement, to: ShadowRoot, opened: Window): () => void {
  const made = new Map<CSSStyleSheet, CSSStyleSheet>();
  const own = sheetIn(opened, PANEL_CSS);
  return () => {
    const sheets = host.shadowRoot?.adoptedStyleSheets ?? [];
    const news = sheets.filter((sheet) => !made.has(sheet));
    const look = getComputedStyle(host);
    for (const sheet of news) {
      const css = [...sheet.cssRules].map((rule) => rule.cssText).join("");
      made.set(sheet, sheetIn(opened, css));
      for (const [name] of css.matchAll(/--cp-[\w-]+/g)) {
        const value = look.getPropertyValue(name);
        if (value !== "") (to.host as HTMLElement).style.setProperty(name, value);
      }
    }
    if (news.length === 0) return;
    to.adoptedStyleSheets = [...sheets.flatMap((sheet) => made.get(sheet) ?? []), own];
  };
}

function sheetIn(of: Window, css: string): CSSStyleSheet {
  const sheet = new (of as Window & typeof globalThis).CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
