// The addresses of a gateway.

/** The HTTP address of a gateway's `path`, from its base address. */
export function gatewayUrl(base: string | undefined, path: string): URL {
  const url = new URL(base || globalThis.location.origin, globalThis.location?.href);
  url.protocol = url.protocol.replace("ws", "http");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
  return url;
}

interface StreamOptions {
  readonly url?: string;
  readonly scope?: "user" | "tenant";
  readonly conversations?: boolean;
}

/** The WebSocket address of a gateway's stream, from its base address; `resume` is what is known. */
export function streamUrl(
  { url: base, scope = "user", conversations = true }: StreamOptions,
  resume: string | null = null,
): string {
  const url = gatewayUrl(base, "/v1/stream");
  url.protocol = url.protocol.replace("http", "ws");
  if (scope !== "user") url.searchParams.set("scope", scope);
  if (conversations) url.searchParams.set("want", "conversation");
  if (resume !== null) url.searchParams.set("resume", resume);
  return url.href;
}
