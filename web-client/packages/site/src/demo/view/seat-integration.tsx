// Whether a seat is connected to the simulated Telsmart, and the way in and out.

import type { VNode } from "preact";
import { type LiveIntegrations, placeKey } from "../../integrations/live-integrations.ts";
import { describe, providerName } from "../../integrations/words.ts";

interface SeatIntegrationProps {
  readonly extension: string;
  readonly live: LiveIntegrations;
}

export function SeatIntegration({ extension, live }: SeatIntegrationProps): VNode {
  const place = { source: "telsmart", provider: "telsmart", extension };
  const key = placeKey(place);
  const integration = live.all.value?.get(key) ?? null;
  const words = describe(place.provider, integration, live.nowMs.value);
  const failed = live.failed.value.get(key) ?? live.trouble.value;
  const busy = live.all.value === null || live.doing.value.has(key);
  const act = (): Promise<void> =>
    words.connect === null ? live.disconnect(place) : live.connect(place, `${location.origin}/`);
  return (
    <div
      class="seat-integration"
      data-tone={words.tone}
      data-status={integration?.status ?? "none"}
      aria-busy={live.all.value === null}
    >
      <p class="seat-state" role="status">
        {providerName(place.provider)}:{" "}
        <strong>{live.all.value === null ? "…" : words.title}</strong>
      </p>
      <p class="seat-actions">
        <button
          type="button"
          class="quiet-button"
          aria-disabled={busy}
          onClick={() => busy || void act()}
        >
          {words.connect ?? "Disconnect"}
        </button>
        <a href={`/integrations?${new URLSearchParams({ extension })}`}>Details</a>
      </p>
      <p class="failed" role="alert">
        {failed}
      </p>
    </div>
  );
}
