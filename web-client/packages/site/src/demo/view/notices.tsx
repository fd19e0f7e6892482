// Test notices, one click each: what a system of one's own posts, and that it is done.

import type { Notice } from "callpop";
import type { VNode } from "preact";
import type { DemoConfig, SentNotice } from "../api.ts";
import { type DemoState, NOTICES } from "../demo-state.ts";

type People = DemoConfig["phones"];

interface NoticesProps {
  readonly state: DemoState;
  readonly people: People;
}

const KINDS: Readonly<Record<Notice["kind"], string>> = {
  message: "Message",
  ticket: "Ticket",
  appointment: "Appointment",
  chat: "Chat",
  voicemail: "Voicemail",
  automation: "Automation",
  other: "Other",
};

export function Notices({ state, people }: NoticesProps): VNode {
  const extension = state.recipient.value ?? people[0]?.extension ?? "";
  return (
    <section class="notices" aria-labelledby="notices">
      <div class="section-head">
        <h2 id="notices">Post a notice</h2>
        <Recipient state={state} people={people} chosen={extension} />
      </div>
      <ul class="notice-kinds">
        {(Object.keys(KINDS) as Notice["kind"][]).map((kind) => (
          <li key={kind}>
            <button
              type="button"
              class="quiet-button"
              data-kind={kind}
              onClick={() => void state.postNotice(kind, extension)}
            >
              {KINDS[kind]}
            </button>
          </li>
        ))}
      </ul>
      <Answer state={state} people={people} />
    </section>
  );
}

function Recipient({ state, people, chosen }: NoticesProps & { chosen: string }): VNode {
  return (
    <fieldset class="choice" aria-label="Post notices to">
      {people.map(({ extension, name }) => (
        <label key={extension}>
          <input
            type="radio"
            name="recipient"
            value={extension}
            checked={extension === chosen}
            onChange={() => {
              state.recipient.value = extension;
            }}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Answer({ state, people }: NoticesProps): VNode {
  const refusal = state.refusals.value.get(NOTICES);
  const last = state.sentNotice.value;
  const isOpen = last?.sent.event === "posted";
  return (
    <>
      <div class="notice-answer">
        <p role="status" data-good={refusal === undefined}>
          {refusal ?? told(last, people)}
        </p>
        <button
          type="button"
          class="quiet-button"
          aria-disabled={!isOpen}
          onClick={() => void state.finishNotice()}
        >
          Done by your system
        </button>
      </div>
      <details class="notice-sent">
        <summary>The webhook</summary>
        <pre>
          <code>{last === null ? "None was sent yet." : shown(last)}</code>
        </pre>
      </details>
    </>
  );
}

/** First whose notice it is, as the documentation has it. */
function shown({
  sent: { event, tenant_id, extension, notice_id, at, ...rest },
}: SentNotice): string {
  const body = { event, tenant_id, extension, notice_id, at, ...rest };
  return `POST /webhooks/desk\n${JSON.stringify(body, null, 2)}`;
}

function told(last: SentNotice | null, people: People): string {
  if (last === null) return "Each button has your own system post a notice to a phone's user.";
  const { event, extension, notice_id: id } = last.sent;
  const name = people.find((person) => person.extension === extension)?.name ?? extension;
  const what = event === "done" ? `Said that ${id} is done` : `Posted ${id} to ${name}`;
  return `${what}; the gateway answered ${last.status}.`;
}
