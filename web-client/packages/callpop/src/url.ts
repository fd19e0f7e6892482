// The address of the stream.

/** The WebSocket address of a gateway's stream, from its base address. */
export function streamUrl(
  base: string | undefined,
  scope: "user" | "tenant" = "user",
  resume: string | null = null,
): string {
  const url = new URL(base || globalThis.location.origin, globalThis.location?.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/stream`;
  if (scope !== "user") url.searchParams.set("scope", scope);
  if (resume !== null) url.searchParams.set("resume", resume);
  return url.href;
}
