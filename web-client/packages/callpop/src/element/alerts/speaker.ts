// The sound of the page: one AudioContext, unlocked by the user's first gesture anywhere in it.
// What rings repeats in the audio thread, so the throttled timers of hidden pages do not matter.

import { SAMPLE_RATE, samplesOf, type Sound } from "./cadence.ts";
import { Wishes } from "./wishes.ts";

/** `locked`: until a gesture; `none`: this browser has no sound. */
export type SoundState = "on" | "locked" | "none";

export interface SoundWish {
  readonly kind: Sound;
  /** How long at most. */
  readonly forMs: number;
}

const GESTURES = ["pointerdown", "pointerup", "keydown", "touchend", "click"] as const;
/** The ringtone first, whoever else only wants a beep. */
const ORDER: readonly Sound[] = ["ring", "waiting", "test"];
const FADE_S = 0.02;
const LONGEST_S = 86_400;
const START_DEADLINE_MS = 1_500;
/** An idle context keeps the sound device and a thread awake: it rests after this. */
const REST_AFTER_MS = 3_000;

interface Playing {
  readonly kind: Sound;
  readonly source: AudioBufferSourceNode;
  readonly gain: GainNode;
}

export class Speaker {
  readonly #context: AudioContext | null;
  readonly #wishes = new Wishes<SoundWish>((wishes) => this.#want(wishes));
  readonly #listeners = new Set<() => void>();
  readonly #buffers = new Map<Sound, AudioBuffer>();
  #wish: SoundWish | null = null;
  #playing: Playing | null = null;
  #unlocked = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#context = newContext();
    this.#context?.addEventListener("statechange", () => this.#onState());
    this.#awaitGesture();
    this.#onState();
  }

  get state(): SoundState {
    if (this.#context === null) return "none";
    return this.#unlocked ? "on" : "locked";
  }

  /** What `owner` wants to be heard from now on; null: nothing. Silence follows within 50 ms. */
  want(owner: object, wish: SoundWish | null): void {
    this.#wishes.set(owner, wish);
  }

  /** Calls `changed` when sound was unlocked or locked. */
  watch(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  /** From a gesture: calls can be heard from now on. */
  unlock(): void {
    void this.#context?.resume();
  }

  /** Plays a sound once; null when there is no sound at all. */
  play(kind: Sound): GainNode | null {
    const context = this.#context;
    if (context === null) return null;
    this.unlock();
    const { source, gain } = this.#node(context, kind);
    source.start();
    this.#restSoon();
    return gain;
  }

  #want(wishes: readonly SoundWish[]): void {
    const [kind] = ORDER.filter((one) => wishes.some((wish) => wish.kind === one));
    const forMs = Math.max(...wishes.filter((wish) => wish.kind === kind).map((w) => w.forMs));
    this.#wish = kind === undefined ? null : { kind, forMs };
    this.#follow();
  }

  #follow(): void {
    const [context, wish] = [this.#context, this.#wish];
    if (this.#playing?.kind !== wish?.kind) this.#silence();
    if (context === null || wish === null || !this.#unlocked) return;
    if (context.state !== "running") this.#wake(context);
    else if (this.#playing === null) this.#playing = this.#start(context, wish.kind);
    // In the clock of the sound, which runs on in pages whose timers do not.
    // One that was to end may go on after all, so that there always is an end to put off.
    const forS = Math.min(Math.max(0, wish.forMs) / 1000, LONGEST_S);
    this.#playing?.source.stop(context.currentTime + forS);
  }

  #start(context: AudioContext, kind: Sound): Playing {
    clearTimeout(this.#rest);
    const { source, gain } = this.#node(context, kind);
    source.loop = true;
    source.start();
    source.onended = (): void => {
      if (this.#playing?.source !== source) return;
      this.#playing = null;
      this.#restSoon();
    };
    return { kind, source, gain };
  }

  #node(context: AudioContext, kind: Sound): { source: AudioBufferSourceNode; gain: GainNode } {
    const [source, gain] = [context.createBufferSource(), context.createGain()];
    source.buffer = this.#buffers.get(kind) ?? this.#newBuffer(context, kind);
    source.connect(gain).connect(context.destination);
    return { source, gain };
  }

  #newBuffer(context: AudioContext, kind: Sound): AudioBuffer {
    const samples = samplesOf(kind);
    const buffer = context.createBuffer(1, samples.length, SAMPLE_RATE);
    buffer.copyToChannel(samples, 0);
    this.#buffers.set(kind, buffer);
    return buffer;
  }

  #silence(): void {
    const [context, playing] = [this.#context, this.#playing];
    this.#playing = null;
    if (context === null || playing === null) return;
    const now = context.currentTime;
    playing.gain.gain.setValueAtTime(1, now);
    playing.gain.gain.linearRampToValueAtTime(0, now + FADE_S);
    playing.source.stop(now + FADE_S);
    this.#restSoon();
  }

  #restSoon(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      if (this.#playing === null && this.#unlocked) void this.#context?.suspend();
    }, REST_AFTER_MS);
  }

  /** What was unlocked once starts without a gesture; when it does not, it is locked again. */
  #wake(context: AudioContext): void {
    // It is asked for anew with every redraw, which must not put off the end.
    if (this.#deadline !== undefined) return;
    void context.resume().then(() => this.#follow());
    this.#deadline = setTimeout(() => {
      this.#deadline = undefined;
      if (context.state !== "running") this.#become(false);
    }, START_DEADLINE_MS);
  }

  #onState(): void {
    if (this.#context?.state !== "running") return;
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    if (!this.#unlocked) this.#become(true);
    if (this.#playing === null) this.#restSoon();
  }

  #become(unlocked: boolean): void {
    this.#unlocked = unlocked;
    if (!unlocked) {
      this.#playing = null;
      this.#awaitGesture();
    }
    this.#follow();
    for (const listener of this.#listeners) listener();
  }

  #awaitGesture(): void {
    const context = this.#context;
    if (context === null) return;
    const unlock = (): void => {
      if (this.#unlocked) for (const name of GESTURES) removeEventListener(name, unlock, true);
      else void context.resume();
    };
    for (const name of GESTURES) addEventListener(name, unlock, { capture: true, passive: true });
  }
}

function newContext(): AudioContext | null {
  try {
    return new AudioContext();
  } catch {
    return null;
  }
}

let shared: Speaker | undefined;

/** The one of this page. */
export function speakerOfPage(): Speaker {
  shared ??= new Speaker();
  return shared;
}
