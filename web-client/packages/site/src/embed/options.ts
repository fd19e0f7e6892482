// From the `data-*` of a script tag to the attributes of `<call-popup>`; what is not understood
// is told with its remedy, and left out.

/** What a tag asks for. */
export interface Options {
  /** The attributes of the element to make. */
  readonly attributes: ReadonlyMap<string, string>;
  /** For the developer's console. */
  readonly complaints: readonly string[];
  /** False: the tag only wants the element to be defined. */
  readonly asksForPopup: boolean;
}

/** A list: one of these values. */
type Rule = "text" | "flag" | "url" | readonly string[];

/** Every attribute of the element that a tag may set. */
const RULES: Readonly<Record<string, Rule>> = {
  url: "url",
  token: "text",
  "token-url": "url",
  contacts: "flag",
  placement: ["bottom-right", "bottom-left", "top-right", "top-left"],
  theme: ["light", "dark"],
  label: "text",
  lang: "text",
  alerts: ["on", "off"],
  "screen-pop": "text",
  "screen-pop-on": ["ringing", "answer"],
  "screen-pop-target": "text",
  "wrap-up": ["on", "off"],
};

const DEFAULT_PLACEMENT = "bottom-right";

/** Reads a tag's dataset; `gateway` is where its script came from. */
export function readOptions(data: DOMStringMap, gateway: string): Options {
  const attributes = new Map([
    ["url", gateway],
    ["placement", DEFAULT_PLACEMENT],
  ]);
  const complaints: string[] = [];
  const given = Object.entries(data).map(([key, value]) => [kebab(key), value ?? ""] as const);
  for (const [name, value] of given) {
    const complaint = complaintOf(name, value);
    if (complaint === null) attributes.set(name, value);
    else complaints.push(complaint);
  }
  const hasToken = attributes.has("token") || attributes.has("token-url");
  const isConfigured = given.some(([name]) => name in RULES);
  if (isConfigured && !hasToken) {
    complaints.push(
      'no popup without a token: add data-token-url="/…", where your server answers {"token": "<jwt>"}',
    );
  }
  return { attributes, complaints, asksForPopup: hasToken };
}

function complaintOf(name: string, value: string): string | null {
  const rule = RULES[name];
  if (rule === undefined) {
    return `data-${name} is not known; known are ${list(Object.keys(RULES).map((key) => `data-${key}`))}`;
  }
  if (rule === "flag") {
    return value === "" || value === name
      ? null
      : `data-${name} takes no value: leave out "${value}", or the attribute`;
  }
  if (typeof rule === "object") {
    return rule.includes(value)
      ? null
      : `data-${name} is "${value}", but has to be ${list(rule, "or")}`;
  }
  if (value.trim() === "") return `data-${name} is empty: give it a value, or leave it out`;
  const isAddress = rule === "text" || URL.canParse(value, document.baseURI);
  return isAddress ? null : `data-${name} is no address: "${value}"`;
}

/** As an attribute is written in HTML. */
function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function list(words: readonly string[], last = "and"): string {
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
