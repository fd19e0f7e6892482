import type { CheckWords } from "./words.ts";

export const en: CheckWords = {
  title: "Self-check",
  again: "Test again",
  copy: "Copy report",
  copied: "Copied",
  back: "Back",
  health: { good: "Good", attention: "Needs attention", unknown: "Not known" },
  subjects: {
    sound: "Sound",
    notifications: "Notifications",
    clock: "Clock",
    connection: "Connection",
    network: "Local network",
    policy: "Page policy",
    storage: "Storage",
    tabs: "Tabs",
    window: "Own window",
  },
  texts: {
    soundOn: "Calls ring in this browser.",
    soundLocked: "The browser waits for a click: click anywhere in the page, or test again.",
    soundOff: "The ringtone is off. Turn it on in Alerts.",
    soundSilent:
      "Nothing was heard. Check the volume, the headset, whether the tab is muted, and that this site may play sound.",
    soundNone: "This browser plays no sound. Use a current Chrome, Edge, Firefox or Safari.",
    quiet: "Do not disturb is on. Turn it off to be alerted.",
    notesOn: "Calls are notified when this page is not in front.",
    notesAsk: "Not allowed yet. Choose Allow in Alerts.",
    notesDenied: "Blocked. Allow notifications for this site in the browser, then reload the page.",
    notesNone: "Not possible here. Open the page by https, in a tab of its own.",
    clockRight: "Right to within {time}.",
    clockAhead:
      "This computer is {time} ahead. Timers are right all the same; let the system set its time by itself.",
    clockBehind:
      "This computer is {time} behind. Timers are right all the same; let the system set its time by itself.",
    connected: "Connected, {time} to the gateway and back.",
    connectedShared: "Connected through another tab, {time} there and back.",
    disconnected:
      "{host} is not reached. Check network and VPN; a firewall must let WebSockets pass.",
    refused: "The gateway refused this page. Sign in again.",
    networkFree: "No permission is needed.",
    networkAllowed: "The gateway in the local network can be reached.",
    networkAsks: "{host} is in a local network. Choose Allow when the browser asks.",
    networkDenied:
      "The browser keeps this page out of the local network, where {host} is. Allow it in the site's settings, then reload the page.",
    policyClear: "The page blocks nothing that is needed.",
    policyBlocks:
      "The page blocks the gateway by {directive}. Ask its administrator to allow {host} there.",
    stored: "Your choices are kept, for all tabs.",
    notStored:
      "The browser keeps nothing for this page. Allow site data, or choose anew each time.",
    tabLeads: "This tab holds the connection for all.",
    tabShares: "This tab uses the connection of another one.",
    tabAlone: "This tab has a connection of its own.",
    windowAbove: "Calls can be kept above all windows.",
    windowPlain:
      "An ordinary window: only Chrome and Edge keep it above others, and not from a frame.",
    windowNone: "This device shows no second window.",
    notKnown: "Nothing is known of it here.",
  },
};
