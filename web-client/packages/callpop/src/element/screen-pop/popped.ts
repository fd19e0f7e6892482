// Which calls have opened their address already: once for all popups of the page, and for all
// tabs where the browser lets them share a note of it.

const KEY = "callpop-screen-pops";
const MOST_KEPT = 50;
const here = new Set<string>();

/** Takes the right to open the address of this leg; false when it was taken before. */
export function takeTurn(legId: string): boolean {
  if (here.has(legId)) return false;
  here.add(legId);
  for (const oldest of here) if (here.size > MOST_KEPT) here.delete(oldest);
  try {
    const noted = (localStorage.getItem(KEY) ?? "").split(" ");
    if (noted.includes(legId)) return false;
    localStorage.setItem(KEY, [...noted, legId].slice(-MOST_KEPT).join(" ").trim());
  } catch {
    // A page without storage: the focus alone decides, and it is in one tab only.
  }
  return true;
}
