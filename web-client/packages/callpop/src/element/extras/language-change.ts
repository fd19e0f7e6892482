// Watches which language the page and the browser speak.

/** Calls `changed` when the page or the browser may speak another language now. */
export function onLanguageChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  const options = { attributeFilter: ["lang"], subtree: true };
  observer.observe(document.documentElement, options);
  globalThis.addEventListener("languagechange", changed);
  return () => {
    observer.disconnect();
    globalThis.removeEventListener("languagechange", changed);
  };
}
