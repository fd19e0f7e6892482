// What the sounds sound like: samples, computed once, that the browser then repeats by itself.

import type { Ringing } from "./decide.ts";

export type Sound = Ringing | "test";

/** Enough for these tones; the browser converts it. */
export const SAMPLE_RATE = 16_000;

interface Cadence {
  /** Seconds until it begins anew. */
  readonly period: number;
  /** Starts and ends of what is heard, in seconds. */
  readonly bursts: readonly (readonly [number, number])[];
  /** The two tones, in hertz; they alternate. */
  readonly tones: readonly [number, number];
  /** Loudness, at most 1. */
  readonly level: number;
}

export const CADENCES: Readonly<Record<Sound, Cadence>> = {
  ring: {
    period: 3,
    bursts: [
      [0, 0.42],
      [0.62, 1.04],
    ],
    tones: [784, 988],
    level: 0.34,
  },
  // In the ear of somebody who is talking: short, low and seldom.
  waiting: {
    period: 6,
    bursts: [
      [0, 0.12],
      [0.28, 0.4],
    ],
    tones: [440, 440],
    level: 0.06,
  },
  test: { period: 0.9, bursts: [[0, 0.8]], tones: [784, 988], level: 0.34 },
};

const ATTACK = 0.012;
const RELEASE = 0.06;
/** How often the tones alternate in a second. */
const TRILL = 11;

/** One period of the sound. */
export function samplesOf(sound: Sound): Float32Array<ArrayBuffer> {
  const { period, bursts, tones, level } = CADENCES[sound];
  return new Float32Array(period * SAMPLE_RATE).map((_, index) => {
    const at = index / SAMPLE_RATE;
    const burst = bursts.find(([start, end]) => at >= start && at < end);
    if (burst === undefined) return 0;
    const loudness = Math.min(1, (at - burst[0]) / ATTACK, (burst[1] - at) / RELEASE);
    const share = (1 + Math.sin(2 * Math.PI * TRILL * at)) / 2;
    return level * loudness * (share * voice(tones[0], at) + (1 - share) * voice(tones[1], at));
  });
}

/** A tone with a little of its octave, which is warmer than a bare one. */
function voice(hertz: number, at: number): number {
  const turn = 2 * Math.PI * hertz * at;
  return 0.8 * Math.sin(turn) + 0.2 * Math.sin(2 * turn);
}
