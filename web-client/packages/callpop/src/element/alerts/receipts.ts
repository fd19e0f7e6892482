// Tells the gateway when a ringing call was really on the screen.

import { keyOf } from "../../item-key.ts";
import type { Call } from "../../wire.ts";

export class Receipts {
  readonly #painted: (call: Call) => void;
  /** Told already, or about to be, by the keys of calls. */
  readonly #seen = new Set<string>();
  #root: ShadowRoot | null = null;
  /** Takes back the frames that were asked for. */
  readonly #due = new Map<string, () => void>();

  constructor(painted: (call: Call) => void) {
    this.#painted = painted;
  }

  /**
   * The popup in `root` has been drawn with these calls. A hidden page has no frames, so what is
   * drawn there is told once it is seen.
   */
  drawn(cards: readonly Call[], root: ShadowRoot): void {
    if (root !== this.#root) this.#moved(root);
    const ringing = new Map(
      cards.filter((call) => call.state === "ringing").map((call) => [keyOf(call), call]),
    );
    for (const key of this.#seen) if (!ringing.has(key)) this.#forget(key);
    for (const [key, call] of ringing) if (!this.#seen.has(key)) this.#await(key, call, root);
  }

  /** The popup is somewhere else now: frames that were asked for there may never come. */
  #moved(root: ShadowRoot): void {
    this.#root = root;
    for (const key of [...this.#due.keys()]) this.#forget(key);
  }

  #await(key: string, call: Call, root: ShadowRoot): void {
    const view = root.ownerDocument.defaultView;
    const card = root.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (view === null || card === null) return;
    this.#seen.add(key);
    const frame = view.requestAnimationFrame(() => {
      // The frame is painted after this callback: the next task comes after the paint.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = (): void => {
        port1.close();
        if (!this.#due.delete(key)) return;
        if (isSeen(card)) this.#painted(call);
        else this.#seen.delete(key);
      };
      port2.postMessage(null);
    });
    this.#due.set(key, () => view.cancelAnimationFrame(frame));
  }

  #forget(key: string): void {
    this.#seen.delete(key);
    this.#due.get(key)?.();
    this.#due.delete(key);
  }
}

function isSeen(card: Element): boolean {
  if (!card.isConnected || card.ownerDocument.visibilityState !== "visible") return false;
  return card.checkVisibility?.({ visibilityProperty: true, opacityProperty: true }) ?? true;
}
