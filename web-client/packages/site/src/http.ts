// Requests to the gateway that served the page.

/** What the gateway answered instead of doing it, in its own words. */
export class Refusal extends Error {
  override name = "Refusal";
  /** The HTTP status, or 0 when no answer came. */
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

interface RequestOptions {
  /** Makes it a POST of JSON. */
  readonly body?: object;
  readonly token?: string;
}

/** The answer's JSON; throws a `Refusal` for anything but success. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await fetch(path, init(options)).catch(() => {
    throw new Refusal(0, "the gateway cannot be reached");
  });
  const text = await response.text();
  if (!response.ok) {
    const detail = detailOf(text) ?? `the gateway answered ${response.status}`;
    throw new Refusal(response.status, detail);
  }
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

function init({ body, token }: RequestOptions): RequestInit {
  const headers = new Headers();
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  if (body === undefined) return { headers };
  headers.set("content-type", "application/json");
  return { method: "POST", headers, body: JSON.stringify(body) };
}

/** The `detail` of a problem document. */
function detailOf(text: string): string | null {
  try {
    const problem: unknown = JSON.parse(text);
    const told = typeof problem === "object" && problem !== null && "detail" in problem;
    return told ? String(problem.detail) : null;
  } catch {
    return null;
  }
}
