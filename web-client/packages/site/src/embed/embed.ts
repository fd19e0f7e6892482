// The script of a script tag: `<script src="https://gateway/embed/v1.js" data-token-url="/token">`
// shows a floating popup. Without a token it only defines <call-popup>.

import { CallpopClient, type TokenProvider, TokenUnavailable } from "callpop";
import { CallPopup } from "callpop/element";

export { CallPopup, CallpopClient, TokenUnavailable };

// Only known while the script runs for the first time.
const tag = document.currentScript;

function tokenProvider(options: DOMStringMap): TokenProvider | null {
  const { token, tokenUrl } = options;
  if (tokenUrl !== undefined) return () => fetchToken(tokenUrl);
  return token === undefined ? null : (): string => token;
}

/** The page's own server answers `{"token": "…"}` to its signed-in user. */
async function fetchToken(url: string): Promise<string> {
  const response = await fetch(url, { credentials: "same-origin" });
  if (response.status === 401 || response.status === 403) {
    throw new TokenUnavailable("not signed in");
  }
  const body: unknown = await response.json();
  if (typeof body === "object" && body !== null && "token" in body) return String(body.token);
  throw new Error("the token address answered no token");
}

function showPopup(script: HTMLScriptElement, provider: TokenProvider): void {
  const popup = new CallPopup();
  popup.setAttribute("url", script.dataset.url ?? new URL(script.src).origin);
  popup.setAttribute("placement", script.dataset.placement ?? "bottom-right");
  if (script.dataset.theme !== undefined) popup.setAttribute("theme", script.dataset.theme);
  popup.toggleAttribute("contacts", script.dataset.contacts !== undefined);
  popup.tokenProvider = provider;
  document.body.append(popup);
}

if (tag instanceof HTMLScriptElement) {
  const provider = tokenProvider(tag.dataset);
  if (provider !== null && document.body !== null) showPopup(tag, provider);
  else if (provider !== null) {
    document.addEventListener("DOMContentLoaded", () => showPopup(tag, provider));
  }
}
