// Proves that the page is heard, as far as a page can know: that samples flow to its output.

import type { Speaker } from "./speaker.ts";

const LOOKS = 20;
const LOOK_EVERY_MS = 50;
/** A sample above this is no silence. */
const AUDIBLE = 0.001;

/** Plays a short tone; false when nothing flowed within a second. */
export async function playTestTone(speaker: Speaker): Promise<boolean> {
  const gain = speaker.play("test");
  if (gain === null) return false;
  const analyser = gain.context.createAnalyser();
  gain.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let flowed = false;
  for (let look = 0; look < LOOKS && !flowed; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    analyser.getFloatTimeDomainData(samples);
    flowed = samples.some((sample) => Math.abs(sample) > AUDIBLE);
  }
  // What did not flow now must not begin at some later time.
  if (!flowed) gain.disconnect();
  return flowed;
}
