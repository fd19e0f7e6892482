"""The words of the recount: units, bounds, and the tuples that its steps hand on."""
from collections import namedtuple

MS, SECOND = 1_000, 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
# The defaults of the server's configuration.
ANSWER_WITHIN, SHORT, REACHED = 20 * SECOND, 5 * SECOND, 10 * SECOND
# The bounds of a cluster, and how long a hop to the next phone may take.
NEAR, MOST_LEGS, LONGEST, HOP = 10 * MINUTE, 200, 12 * HOUR, 6 * SECOND

PHASES = {"RINGING": 0, "ACTIVE": 1, "HELD": 2, "HANGUP": 3, "SUMMARY_REPORTING": 4}
RINGING, ACTIVE, HELD, HANGUP, SUMMARY = range(5)
RULES = ["", "pair", "attended", "ring_group", "hop", "blind"]
PAIR, ATTENDED, RING_GROUP, HOPPED, BLIND = range(1, 6)
LOW, MEDIUM, HIGH = range(3)
CERTAINTY = ["low", "medium", "high"]

Event = namedtuple("Event", "at phase direction remote name local local_name transfer")
# Sorted by start, extension and id. `outside_from` is when its other side was first one outside; `peer` whom
# it rang at first, inside; `answered` also where only a summary says so; `held_from` where it ended on hold.
Leg = namedtuple(
    "Leg",
    "start ext id direction rang internal number outside_from peer answer answered end by held_from spans"
    " transfer summary names line",
)
Span = namedtuple("Span", "state internal start end since")
Transfer = namedtuple("Transfer", "original via completed_at")
Edge = namedtuple("Edge", "rank later nearness a b certainty")
Conversation = namedtuple(
    "Conversation",
    "start legs kind outcome edges ambiguous number name start_known answer end wait talk hold limbo answered_by"
    " talked hops transfers ring_sets ghosts cuts",
)


def which(leg):
    """Its name, which no other leg has."""
    return leg.ext, leg.id


def ms(micros):
    return None if micros is None else micros // MS
