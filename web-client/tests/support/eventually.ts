// Waits for what comes sooner or later, however busy the machine is.

/** Against a hang only. */
const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 25;

/** Waits until `look` gives something true, and gives that; fails after a minute. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    let why: unknown = `not in ${deadlineMs} ms`;
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      why = error;
    }
    if (performance.now() > end) throw new Error(what, { cause: why });
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
