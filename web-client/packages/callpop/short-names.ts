// Names that no page, server or other tab sees: in the built chunks they are short. What goes over
// the wire, to another tab or into the browser's storage keeps its name, and so does what the SDK and
// the element publish; test/short-names.test.ts looks after that.

/** What happens to the machine, what it does and its timers: texts, too. */
const DEEDS =
  "told signedOut lasting otherUser learn noToken heedPage hangUp timeInDoubt dial opening forgetAsked cleared endLinks keepFresh overdue settle heartbeat forgetPage " +
  "seize announce";

const MACHINE =
  "notBefore retryAt rising spare company heartbeatMs deadlineAt doubtedAt isFresh isSettling isSuspended " +
  "onTabs passOn onLost onSettled onReach alertOf promote aloneUntil answerMs canSend chance heardAt misses riseAfter seizedAt";

const CLIENT =
  "addCall addNotice meant toldAtMs again changes doing forgetVain freshToken inUse isDoubtful machine nameOf ours roundTrip saidAtMs " +
  "stateOf uncounted";

const POPUP =
  "allRecent announced answeredBy ariaText arrangement canWrapUp cards cell closeSummary derived extras foot " +
  "canFinish dismissNotice finishNotice handedBy hasFailed hasFreshSummary hasNoExtension isHeard lingerAgain lingersUntil markMissedSeen missedOnly nowMs " +
  "openNotices pastNotices " +
  "openSummary parts recentOpen screenPop showMissed summaryFolded summaryOf summarySeen unfollow words wrapsUp";

const WORDS =
  "colleague coreWords elsewhere fromLine markAllSeen missedCount noAnswer noExtension onHoldFor otherCalls outdated rang " +
  "showAll showFewer talkedFor toLine transferDone transferPending transferPendingUnknown tryAgain " +
  "unconfirmedSince unreachable";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Two letters, of which many are the same: that packs better. */
function shortName(at: number): string {
  const first = LETTERS + LETTERS.toUpperCase();
  return `${first[at % first.length]}${"eau"[Math.floor(at / first.length)]}`;
}

/** Those that are texts where they are no field's name. */
export const SHORT_TEXTS: ReadonlySet<string> = new Set(DEEDS.split(" "));

/** By the name in the sources; the same in every chunk, since they share what they hold. */
export const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  [DEEDS, MACHINE, CLIENT, POPUP, WORDS]
    .flatMap((names) => names.split(" "))
    .map((name, at) => [name, shortName(at)]),
);
