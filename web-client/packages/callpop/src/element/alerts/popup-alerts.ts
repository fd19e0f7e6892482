// The alerts of one popup as its views, its controls and the self-check know them. Only types: who
// draws and who is drawn would import each other otherwise.

import type { ComponentChild, VNode } from "preact";
import type { CallSource } from "../call-source.ts";
import type { Cell } from "../cells.ts";
import type { PopupState } from "../popup-state.ts";
import type { Words } from "../words/words.ts";
import type { Settings } from "./settings.ts";
import type { Speaker } from "./speaker.ts";
import type { AlertWords } from "./words.ts";

export interface AlertsOptions {
  readonly host: HTMLElement;
  readonly root: ShadowRoot;
  readonly source: CallSource;
  readonly state: PopupState;
  /** The whole popup, drawn anew. */
  readonly panel: () => ComponentChild;
  /** Takes a style sheet of a part that is loaded later. */
  readonly adopt: (css: string) => void;
}

/** How a test of the sound stands. */
export type Hearing = "playing" | "heard" | "notHeard" | "silent" | null;

/** A window that shows the popup. */
export interface OwnWindow {
  readonly root: ShadowRoot;
  readonly window: Window;
  draw(): void;
  /** Stands in the page meanwhile. */
  away(): VNode;
  close(): void;
}

export interface PopupAlerts {
  readonly options: AlertsOptions;
  readonly speaker: Speaker;
  readonly settings: Settings;
  readonly isOpen: Cell<boolean>;
  readonly isChecking: Cell<boolean>;
  readonly hearing: Cell<Hearing>;
  readonly window: Cell<OwnWindow | null>;
  /** The last window that was asked for did not open. */
  readonly refusedWindow: Cell<boolean>;
  /** Of the alerts. */
  readonly words: AlertWords;
  /** Of the whole popup. */
  readonly coreWords: Words;
  /** The user wants to hear calls, as far as that was ever told. */
  readonly wantsSound: boolean;
  /** Something that decides about alerts is not what it was. */
  changed(): void;
  /** From a click: unlocks the sound; how that went is told by the controls. */
  testSound(): Promise<void>;
}
