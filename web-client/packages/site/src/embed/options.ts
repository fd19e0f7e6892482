// From the `data-*` of a script tag to the attributes of `<call-popup>`. What is wrong with the
// rest is told by `advice.ts`, which a right tag never loads.

/** What a tag asks for. */
export interface Options {
  /** The attributes of the element to make. */
  readonly attributes: ReadonlyMap<string, string>;
  /** What was not understood, as `name=value`, and left out. */
  readonly wrong: readonly string[];
  readonly hasToken: boolean;
  /** The tag says something: it wants a popup, and not only the element to be defined. */
  readonly wantsPopup: boolean;
}

/** The attributes of the element that a tag may set, each with the values that it takes. */
const RIGHT: readonly RegExp[] = [
  /^url=((https?|wss?):\/)?\/\S/,
  /^(token(-url)?|label|lang|shortcut|screen-pop(-target)?)=\S/,
  /^(contacts|favicon|hide-numbers)=$/,
  /^placement=(bottom|top)-(right|left)$/,
  /^theme=(light|dark)$/,
  /^(alerts|wrap-up)=(on|off)$/,
  /^screen-pop-on=(ringing|answer)$/,
];

/** Reads a tag's dataset; `gateway` is where its script came from. */
export function readOptions(data: DOMStringMap, gateway: string): Options {
  const attributes = new Map([
    ["url", gateway],
    ["placement", "bottom-right"],
  ]);
  const wrong: string[] = [];
  for (const [key, value = ""] of Object.entries(data)) {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const option = `${name}=${value}`;
    if (RIGHT.some((rule) => rule.test(option))) attributes.set(name, value);
    else wrong.push(option);
  }
  const hasToken = attributes.has("token") || attributes.has("token-url");
  return { attributes, wrong, hasToken, wantsPopup: Object.keys(data).length > 0 };
}
