// How the digits of a number are grouped for the eye.

const E164 = /^\+[1-9]\d{6,14}$/;
/** Country codes of one and two digits; all others have three. */
const SHORT_CODES = /^(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;
const BELGIAN_MOBILE = /^(4\d\d)(\d\d)(\d\d)(\d\d)$/;
const BELGIAN_SHORT_ZONE = /^([2349])(\d{3})(\d\d)(\d\d)$/;
const NORTH_AMERICAN = /^(\d{3})(\d{3})(\d{4})$/;

/** The groups of an international number; anything else is one group. */
export function digitGroups(number: string): string[] {
  if (!E164.test(number)) return [number];
  const digits = number.slice(1);
  const code = SHORT_CODES.exec(digits)?.[0] ?? digits.slice(0, 3);
  return [`+${code}`, ...nationalGroups(code, digits.slice(code.length))];
}

function nationalGroups(code: string, national: string): string[] {
  const known =
    code === "32"
      ? (BELGIAN_MOBILE.exec(national) ?? BELGIAN_SHORT_ZONE.exec(national))
      : code === "1"
        ? NORTH_AMERICAN.exec(national)
        : null;
  // Pairs from the end are how the neighbours of Belgium write theirs.
  return known?.slice(1) ?? national.match(/\d{1,2}(?=(?:\d\d)*$)/g) ?? [];
}
