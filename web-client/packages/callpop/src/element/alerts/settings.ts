// What the user has chosen about alerts, in all tabs of this browser that are of the same origin.

/** Do not disturb until somebody turns it off. */
export const UNTIL_TURNED_OFF = -1;

export interface AlertChoices {
  /** Do not disturb until then (`Date.now()`); 0 when it is off. */
  readonly quietUntil: number;
  /** null: the user was never asked; the ringtone rings then. */
  readonly sound: boolean | null;
  /** Notices have desktop notifications, too. */
  readonly notices: boolean;
}

const KEY = "callpop.alerts";

export class Settings {
  #choices: AlertChoices = { quietUntil: 0, sound: null, notices: false };
  readonly #listeners = new Set<() => void>();
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#read();
    globalThis.addEventListener("storage", ({ key }) => {
      if (key === KEY || key === null) this.#read();
    });
  }

  get choices(): AlertChoices {
    return this.#choices;
  }

  get isQuiet(): boolean {
    const { quietUntil } = this.#choices;
    return quietUntil === UNTIL_TURNED_OFF || quietUntil > Date.now();
  }

  choose(choices: Partial<AlertChoices>): void {
    this.#take({ ...this.#choices, ...choices });
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#choices));
    } catch {
      // Where nothing may be stored, it holds for this page alone.
    }
  }

  /** Calls `changed` after every change, and when do-not-disturb has ended. */
  watch(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  #read(): void {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      const { quietUntil, sound, notices } = stored ?? {};
      this.#take({
        quietUntil: typeof quietUntil === "number" ? quietUntil : 0,
        sound: typeof sound === "boolean" ? sound : null,
        notices: notices === true,
      });
    } catch {
      // As above; what somebody else wrote there is nothing either.
    }
  }

  #take(choices: AlertChoices): void {
    this.#choices = choices;
    clearTimeout(this.#expiry);
    const wait = choices.quietUntil - Date.now();
    if (wait > 0) this.#expiry = setTimeout(() => this.#tell(), wait + 1);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

let shared: Settings | undefined;

/** The ones of this page. */
export function settingsOfPage(): Settings {
  shared ??= new Settings();
  return shared;
}
