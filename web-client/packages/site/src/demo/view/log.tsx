// The webhooks that the simulated phones have sent, and what the gateway answered.

import type { VNode } from "preact";
import type { WebhookLogEntry } from "../api.ts";

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

export function WebhookLog({ entries }: { entries: readonly WebhookLogEntry[] }): VNode {
  return (
    <section class="log" aria-labelledby="log">
      <div class="section-head">
        <h2 id="log">Webhooks of the phones</h2>
      </div>
      {entries.length === 0 ? (
        <p class="log-empty">None yet. Play a scenario, or let a phone ring.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <div class="log-table" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Ext.</th>
                <th scope="col">Event</th>
                <th scope="col">Leg</th>
                <th scope="col">Answer</th>
              </tr>
            </thead>
            <tbody>
              {entries.toReversed().map((entry) => (
                <Row key={entry.id} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ entry }: { entry: WebhookLogEntry }): VNode {
  return (
    <tr>
      <td>{TIME.format(entry.at_ms)}</td>
      <td>{entry.extension}</td>
      <td class="event" data-event={entry.state}>
        {entry.state}
      </td>
      <td>
        <code>{entry.leg_id.slice(0, 8)}</code>
      </td>
      <td class="answer" data-good={entry.status && entry.status < 300}>
        {entry.status ?? "…"}
        {entry.attempts > 1 && ` after ${entry.attempts} attempts`}
      </td>
    </tr>
  );
}
