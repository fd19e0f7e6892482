// The icon of the page while a call rings. It is a data: URL, so it is only shown where the page's
// policy is known to allow one: asking the policy would already be a violation of it.

const ICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="#c81e3a"/>' +
      '<path transform="translate(4.6 4.2) scale(.62)" fill="#fff" d="M5 4h3.4l1.7 4.3-2.2 1.5a11.5 11.5 0 0 0 6.3 6.3l1.5-2.2L20 15.6V19a1.9 1.9 0 0 1-2 1.9A15.9 15.9 0 0 1 3.1 6 1.9 1.9 0 0 1 5 4Z"/></svg>',
  );

let link: HTMLLinkElement | null = null;
let isRefused = false;

/** Adds an icon after those of the page, which stay untouched, or takes it away. */
export function showFavicon(rings: boolean): void {
  if (!rings) {
    link?.remove();
    link = null;
  } else if (link === null && !isRefused) {
    document.addEventListener("securitypolicyviolation", onViolation);
    link = document.createElement("link");
    link.rel = "icon";
    link.href = ICON;
    document.head.append(link);
  }
}

/** The page was wrong about its policy: never again. */
function onViolation({ effectiveDirective, blockedURI }: SecurityPolicyViolationEvent): void {
  if (effectiveDirective !== "img-src" || !blockedURI.startsWith("data")) return;
  isRefused = true;
  showFavicon(false);
}
