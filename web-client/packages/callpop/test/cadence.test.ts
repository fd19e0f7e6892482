import { expect, test } from "vitest";
import { CADENCES, SAMPLE_RATE, samplesOf, type Sound } from "../src/element/alerts/cadence.ts";

const SOUNDS = Object.keys(CADENCES) as Sound[];

/** The loudest sample between two moments. */
function peak(sound: Sound, from: number, to: number): number {
  return samplesOf(sound)
    .slice(from * SAMPLE_RATE, to * SAMPLE_RATE)
    .reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
}

test.each(SOUNDS)("%s is heard in its bursts and silent between them", (sound) => {
  const { bursts, period } = CADENCES[sound];
  let silentFrom = 0;
  for (const [start, end] of [...bursts, [period, period] as const]) {
    expect(peak(sound, silentFrom, start)).toBe(0);
    if (start < end) expect(peak(sound, start, end)).toBeGreaterThan(CADENCES[sound].level / 2);
    silentFrom = end;
  }
});

test.each(SOUNDS)("%s neither clips nor clicks, also where it begins anew", (sound) => {
  const samples = samplesOf(sound);
  const { level, tones } = CADENCES[sound];
  // The steepest that the octave of the higher tone can be.
  const steepest = (2 * Math.PI * 2 * Math.max(...tones) * level) / SAMPLE_RATE;
  const steps = samples.map((sample, index) =>
    Math.abs((samples[(index + 1) % samples.length] ?? 0) - sample),
  );
  expect(Math.max(...samples.map(Math.abs))).toBeLessThanOrEqual(level);
  expect(Math.max(...steps)).toBeLessThan(steepest);
});

test("the ringtone has the cadence of a telephone, two bursts in three seconds", () => {
  expect(samplesOf("ring")).toHaveLength(3 * SAMPLE_RATE);
  expect(CADENCES.ring.bursts).toHaveLength(2);
});

test("the beep of a waiting call is far below the ringtone", () => {
  expect(CADENCES.waiting.level).toBeLessThan(CADENCES.ring.level / 4);
});
