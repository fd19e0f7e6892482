// Names of callers from the gateway's contacts. A courtesy: nothing waits for it, and what
// goes wrong is no name.

import { gatewayUrl } from "./url.ts";

const DEADLINE_MS = 5_000;
/** As long an answer stands; a contact may be added between two calls. */
const FRESH_MS = 5 * 60_000;
/** No more numbers than that are asked for within that time. */
const KEPT = 200;

interface Question {
  readonly askedAt: number;
  readonly abort: AbortController;
  readonly name: Promise<string | null>;
  /** The answer was no name. */
  isVain: boolean;
}

export class Contacts {
  readonly #address: URL;
  readonly #questions = new Map<string, Question>();

  /** `base` is where the gateway is. */
  constructor(base: string | undefined) {
    this.#address = gatewayUrl(base, "/v1/contacts");
  }

  /**
   * The name of a number, or null; one request for any number of askers. A source's own contacts are
   * asked where one is named. Never rejects.
   */
  nameOf(number: string, token: string, source = ""): Promise<string | null> {
    this.#forgetOld();
    const key = `${source} ${number}`;
    const known = this.#questions.get(key);
    if (known !== undefined) return known.name;
    if (this.#questions.size >= KEPT) return Promise.resolve(null);
    const abort = new AbortController();
    const name = this.#ask(number, source, token, abort).catch(() => null);
    const question = { askedAt: performance.now(), abort, name, isVain: false };
    this.#questions.set(key, question);
    void name.then((found) => {
      question.isVain = found === null;
    });
    return name;
  }

  /** Lets what was asked in vain be asked again: there may be contacts now. */
  forgetVain(): void {
    for (const [key, { isVain }] of this.#questions) {
      if (isVain) this.#questions.delete(key);
    }
  }

  /** Ends what is under way, and forgets all names. */
  stop(): void {
    for (const { abort } of this.#questions.values()) abort.abort();
    this.#questions.clear();
  }

  async #ask(
    number: string,
    source: string,
    token: string,
    abort: AbortController,
  ): Promise<string | null> {
    const url = new URL(this.#address);
    url.searchParams.set("number", number);
    if (source !== "") url.searchParams.set("source", source);
    const timer = setTimeout(() => abort.abort(), DEADLINE_MS);
    try {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(url, { headers, credentials: "omit", signal: abort.signal });
      const { name } = response.ok ? await response.json() : {};
      return typeof name === "string" && name !== "" ? name : null;
    } finally {
      clearTimeout(timer);
    }
  }

  #forgetOld(): void {
    const oldest = performance.now() - FRESH_MS;
    for (const [key, { askedAt }] of this.#questions) {
      if (askedAt < oldest) this.#questions.delete(key);
    }
  }
}
