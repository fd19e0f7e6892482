// The style sheets of one shadow root. Constructed sheets belong to a document, so they are made
// anew when the element moves to another one, as that of a picture-in-picture window.

const made = new WeakMap<Document, Map<string, CSSStyleSheet>>();

export class Styles {
  readonly #root: ShadowRoot;
  readonly #texts: string[] = [];

  constructor(root: ShadowRoot) {
    this.#root = root;
  }

  /** Adds a sheet; the same text is one sheet for all popups of a document. */
  add(css: string): void {
    if (this.#texts.includes(css)) return;
    this.#texts.push(css);
    this.renew();
  }

  /** Adopts all sheets again, in the document where the root is now. */
  renew(): void {
    const owner = this.#root.ownerDocument;
    this.#root.adoptedStyleSheets = this.#texts.map((css) => sheetOf(owner, css));
  }
}

function sheetOf(owner: Document, css: string): CSSStyleSheet {
  const sheets = made.get(owner) ?? new Map<string, CSSStyleSheet>();
  made.set(owner, sheets);
  const Sheet = (owner.defaultView ?? globalThis).CSSStyleSheet;
  const known = sheets.get(css);
  if (known !== undefined && known instanceof Sheet) return known;
  const sheet = new Sheet();
  sheet.replaceSync(css);
  sheets.set(css, sheet);
  return sheet;
}
