// Text of others, made fit for display. It always becomes a text node; this is about
// what a text node can still do: hide, reorder and overflow.

// Controls, line and paragraph separators, bidi marks, embeddings, overrides and isolates,
// invisible spaces, tag characters, unpaired surrogates. Joiners stay: emoji and scripts need them.
const UNSEEN =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]+/gu;
/** More marks on one letter than any language needs climb over the lines above. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** One line of visible text of at most `longest` characters; "" when nothing is left. */
export function displayText(text: unknown, longest = 160): string {
  if (typeof text !== "string") return "";
  const seen = text
    .slice(0, longest * 4)
    .replace(UNSEEN, " ")
    .replace(PILED_MARKS, "$1")
    .replace(/\s+/g, " ")
    .trim();
  const characters = [...seen];
  return characters.length <= longest ? seen : `${characters.slice(0, longest - 1).join("")}…`;
}

/** Up to two letters that stand for a name, or "" when it has no letters. */
export function initials(name: string): string {
  const words = name.split(" ").flatMap((word) => word.match(/\p{L}/u)?.[0] ?? []);
  const [first, last] = [words[0] ?? "", words.length > 1 ? words.at(-1) : ""];
  return `${first}${last}`.toLocaleUpperCase();
}
