// Asks the browser and the page for the facts of a self-check, softly: no question shows a prompt.

import { notificationState } from "../alerts/notifier.ts";
import { windowKind } from "../alerts/own-window.ts";
import type { PopupAlerts } from "../alerts/popup-alerts.ts";
import { violations } from "../alerts/violations.ts";
import type { Facts, LocalNetwork } from "./findings.ts";

/** The permission's names, the newest first. */
const LOCAL_NETWORK = ["local-network", "local-network-access"] as const;

export async function gatherFacts(alerts: PopupAlerts): Promise<Facts> {
  const { hearing, options, settings, speaker, wantsSound } = alerts;
  const { source } = options;
  return {
    sound: speaker.state,
    ringtone: wantsSound,
    isSilent: hearing.value === "silent" || hearing.value === "notHeard",
    isQuiet: settings.isQuiet,
    notification: notificationState(),
    diagnosis: source.diagnose?.() ?? null,
    localNetwork: await localNetwork(),
    pageHost: location.hostname,
    violations: violations(),
    isStored: isStored(),
    canShare: "locks" in navigator && "BroadcastChannel" in globalThis,
    leads: source.duties?.leads ?? null,
    window: windowKind(),
  };
}

async function localNetwork(): Promise<LocalNetwork> {
  for (const name of LOCAL_NETWORK) {
    try {
      // Not in the list of names that TypeScript knows.
      const { state } = await navigator.permissions.query({ name: name as PermissionName });
      return state;
    } catch {
      // This browser does not know the name.
    }
  }
  return "unsupported";
}

function isStored(): boolean {
  const key = "callpop.check";
  try {
    localStorage.setItem(key, "1");
    localStorage.removeItem(key);
    return true;
  } catch {
    return false;
  }
}
