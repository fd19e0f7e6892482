// Tells the gateway when a ringing call was really on the screen.

import type { Call } from "../../wire.ts";

export class Receipts {
  readonly #painted: (legId: string) => void;
  /** Told already, or about to be. */
  readonly #seen = new Set<string>();
  /** The frames asked for, by leg. */
  #root: ShadowRoot | null = null;
  readonly #due = new Map<string, () => void>();

  constructor(painted: (legId: string) => void) {
    this.#painted = painted;
  }

  /**
   * The popup in `root` has been drawn with these calls. A hidden page has no frames, so what is
   * drawn there is told once it is seen.
   */
  drawn(cards: readonly Call[], root: ShadowRoot): void {
    if (root !== this.#root) this.#moved(root);
    const ringing = cards.filter((call) => call.state === "ringing").map((call) => call.leg_id);
    for (const legId of this.#seen) if (!ringing.includes(legId)) this.#forget(legId);
    for (const legId of ringing) if (!this.#seen.has(legId)) this.#await(legId, root);
  }

  /** The popup is somewhere else now: frames that were asked for there may never come. */
  #moved(root: ShadowRoot): void {
    this.#root = root;
    for (const legId of [...this.#due.keys()]) this.#forget(legId);
  }

  #await(legId: string, root: ShadowRoot): void {
    const view = root.ownerDocument.defaultView;
    const card = root.querySelector(`[data-leg="${CSS.escape(legId)}"]`);
    if (view === null || card === null) return;
    this.#seen.add(legId);
    const frame = view.requestAnimationFrame(() => {
      // The frame is painted after this callback: the next task comes after the paint.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = (): void => {
        port1.close();
        if (!this.#due.delete(legId)) return;
        if (isSeen(card)) this.#painted(legId);
        else this.#seen.delete(legId);
      };
      port2.postMessage(null);
    });
    this.#due.set(legId, () => view.cancelAnimationFrame(frame));
  }

  #forget(legId: string): void {
    this.#seen.delete(legId);
    this.#due.get(legId)?.();
    this.#due.delete(legId);
  }
}

function isSeen(card: Element): boolean {
  if (!card.isConnected || card.ownerDocument.visibilityState !== "visible") return false;
  return card.checkVisibility?.({ visibilityProperty: true, opacityProperty: true }) ?? true;
}
