// Which calls have opened their address already: once for all popups of the page, and for all
// tabs where the browser lets them share a note of it.

const KEY = "callpop-screen-pops";
const MOST_KEPT = 50;
/** Stands in no key of a call, where a space may. */
const BETWEEN = "\t";
const here = new Set<string>();

/** Takes the right to open the address of the call of this key; false when it was taken before. */
export function takeTurn(call: string): boolean {
  if (here.has(call)) return false;
  here.add(call);
  for (const oldest of here) if (here.size > MOST_KEPT) here.delete(oldest);
  try {
    const noted = (localStorage.getItem(KEY) ?? "").split(BETWEEN);
    if (noted.includes(call)) return false;
    localStorage.setItem(KEY, [...noted, call].slice(-MOST_KEPT).join(BETWEEN));
  } catch {
    // A page without storage: the focus alone decides, and it is in one tab only.
  }
  return true;
}
