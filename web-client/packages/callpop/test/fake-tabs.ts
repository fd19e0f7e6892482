// Web Locks and BroadcastChannel as far as the client uses them, for several clients in one process.

import { vi } from "vitest";

interface Request {
  readonly name: string;
  readonly hold: () => Promise<void> | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface LockOptions {
  readonly signal?: AbortSignal;
  readonly steal?: boolean;
}

/** The part of `navigator.locks` that is used. */
export class FakeLocks {
  readonly #held = new Map<string, Request>();
  #queue: Request[] = [];

  request(name: string, options: LockOptions, hold: Request["hold"]): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = { name, hold, resolve, reject };
      options.signal?.addEventListener("abort", () => {
        if (!this.#queue.includes(request)) return;
        this.#queue = this.#queue.filter((other) => other !== request);
        reject(new DOMException("aborted", "AbortError"));
      });
      if (options.steal) {
        this.#held.get(name)?.reject(new DOMException("stolen", "AbortError"));
        this.#held.set(name, request);
        queueMicrotask(() => this.#grant(request));
      } else {
        this.#queue.push(request);
        queueMicrotask(() => this.#next(name));
      }
    });
  }

  #next(name: string): void {
    const next = this.#queue.find((request) => request.name === name);
    if (next === undefined || this.#held.has(name)) return;
    this.#queue = this.#queue.filter((request) => request !== next);
    this.#held.set(name, next);
    this.#grant(next);
  }

  #grant(request: Request): void {
    void Promise.resolve(request.hold()).then(() => {
      request.resolve();
      if (this.#held.get(request.name) !== request) return;
      this.#held.delete(request.name);
      this.#next(request.name);
    });
  }
}

export class FakeChannel {
  static open: Set<FakeChannel> = new Set();
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    FakeChannel.open.add(this);
  }

  postMessage(data: unknown): void {
    const copy = structuredClone(data);
    for (const other of FakeChannel.open) {
      if (other === this || other.name !== this.name) continue;
      queueMicrotask(() => {
        if (FakeChannel.open.has(other)) other.onmessage?.({ data: copy });
      });
    }
  }

  close(): void {
    FakeChannel.open.delete(this);
  }
}

/** Gives this process what a browser's tabs share. */
export function stubTabs(): void {
  FakeChannel.open = new Set();
  vi.stubGlobal("navigator", { locks: new FakeLocks() });
  vi.stubGlobal("BroadcastChannel", FakeChannel);
}

/** A token of that user, as far as a client can read it. */
export function jwtOf(
  sub: string,
  extensions: readonly string[] = ["200"],
  role: string = "agent",
  groups?: readonly string[],
): string {
  const claims = { tenant_id: "t", sub, extensions, role, groups, exp: 4_000_000_000 };
  return `e30.${btoa(JSON.stringify(claims))}.c2ln`;
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(0);
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(0);
}
