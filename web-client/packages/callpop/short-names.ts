// Names of fields that no page, server or other tab sees: in the built chunks they are short. What
// goes over the wire, to another tab or into the browser's storage keeps its name, and so does what
// the SDK and the element publish; test/short-names.test.ts looks after that.

const MACHINE =
  "aloneUntil answerMs canSend chance company deadlineAt doubtedAt heardAt heartbeatMs isDue " +
  "isFresh isSettling isSuspended misses notBefore retryAt riseAfter rising seizedAt spare";

const CLIENT =
  "again changes doing forgetVain isDoubtful isRefused freshToken isVain machine nameOf roundTrip saidAtMs " +
  "sendOnce sent stateOf";

const POPUP =
  "allRecent announced answeredBy ariaText arrangement canWrapUp cards cell closeSummary derived extras foot " +
  "handedBy hasFailed hasFreshSummary isHeard lingerAgain lingersUntil markMissedSeen missedOnly nowMs " +
  "openSummary parts recentOpen screenPop showMissed summaryFolded summaryOf summarySeen touch unfollow words wrapsUp";

const WORDS =
  "colleague coreWords elsewhere fromLine markAllSeen missedCount noAnswer onHoldFor otherCalls outdated rang " +
  "showAll showFewer talked toLine transferDone transferPending transferPendingUnknown tryAgain " +
  "unconfirmedSince unreachable";

/** By the name in the sources; the same in every chunk, since they share what they hold. */
export const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  [POPUP, MACHINE, CLIENT, WORDS]
    .flatMap((names) => names.split(" "))
    .map((name, at) => [name, `_${at.toString(36)}`]),
);
