// Summaries that are too long for the frames of their calls, loaded when the first of them is asked
// for. An answer is a frame of the call as it stands, with all that its summary says.

import { type CallName, isMeant, nameAlone } from "./item-key.ts";
import type { ClientFrame, ServerFrame, Summary } from "./wire.ts";

/** Over as many connections as it takes; then it failed. */
const DEADLINE_MS = 20_000;

interface Question {
  readonly name: CallName;
  resolve(content: unknown): void;
  reject(why: Error): void;
}

export class Summaries {
  readonly #send: (frame: ClientFrame) => void;
  readonly #open = new Set<Question>();

  constructor(send: (frame: ClientFrame) => void) {
    this.#send = send;
  }

  /** What a summary says, at once where that is held. Rejects with an error whose message is a word for why. */
  ask(name: CallName, held: Summary | null | undefined): Promise<unknown> {
    if (held && !held.more) return Promise.resolve(held.content);
    return new Promise((resolve, reject) => {
      const question = { name, resolve, reject };
      this.#open.add(question);
      this.#put(question);
      setTimeout(() => this.#fail(question, "unavailable"), DEADLINE_MS);
    });
  }

  /** A session began: what the one before did not answer is asked again. */
  again(): void {
    for (const question of this.#open) this.#put(question);
  }

  hear(frame: ServerFrame): void {
    for (const question of this.#open) {
      if (frame.type === "call") this.#take(question, frame.call);
      else if (frame.type === "error" && frame.leg_id === question.name.leg_id) {
        if (isMeant(frame, question.name)) this.#fail(question, frame.code);
      }
    }
  }

  /** Another user is nobody to tell. */
  stop(): void {
    for (const question of this.#open) this.#fail(question, "other_user");
  }

  #put({ name }: Question): void {
    this.#send({ type: "summary", ...nameAlone(name) } as ClientFrame);
  }

  #take(question: Question, call: CallName & { readonly summary: Summary | null }): void {
    if (call.summary === null || call.summary.more || !isMeant(call, question.name)) return;
    this.#open.delete(question);
    question.resolve(call.summary.content);
  }

  #fail(question: Question, why: string): void {
    if (this.#open.delete(question)) question.reject(new Error(why));
  }
}
