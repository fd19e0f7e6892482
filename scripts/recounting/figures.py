"""The figures of a window: sums over conversations, and over what the tiles of phones showed."""
from collections import Counter, defaultdict

from recounting.conversations import conversations, outcome
from recounting.terms import ACTIVE, ANSWER_WITHIN, HELD, MS, SECOND, SHORT, ms, which


def figures(told, legs, directory, begin, until, now):
    """Rows of the tenant, the groups, the lines and the extensions for a window."""
    window = [one for one in told if begin <= one.start < until]
    carried = [one for one in told if one.start < begin and (one.end is None or one.end > begin)]
    yield row("tenant", "", call_figures(window, carried, now))
    for by, keys_in in (("group", lambda one: groups_in(one, directory)), ("line", lines_in)):
        here, before = defaultdict(list), defaultdict(list)
        for conversations, sorted_in in ((window, here), (carried, before)):
            for one in conversations:
                for key in keys_in(one):
                    sorted_in[key].append(one)
        for key in sorted(here.keys() | before.keys()):
            yield row(by, key, call_figures(here[key], before[key], now))
    counts, times = extension_counts(window), extension_times(told, legs, begin, min(until, now), now)
    for ext in sorted(counts.keys() | times.keys()):
        yield row("extension", ext, {name: counts[ext][name] for name in EXTENSION_COUNTS} | times[ext])


def row(by, key, values):
    return {"by": by, "key": key, "values": values}


def groups_in(told, directory):
    """The groups of whose phones one rang; of calls from inside those of whoever is in them."""
    legs = [leg for leg in told.legs if told.kind != "inbound" or leg.rang and leg.direction == "in"]
    return {group for leg in legs for group in directory.get(leg.ext, ())}


def lines_in(told):
    return {leg.line for leg in told.legs if leg.line and leg.outside_from is not None}


def call_figures(window, carried, now):
    """The figures of some conversations."""
    inbound = [one for one in window if one.kind == "inbound"]
    by_outcome = {outcome: [one for one in inbound if one.outcome == outcome]
                  for outcome in ("answered", "missed", "short", "unknown", "open")}
    answered, missed = by_outcome["answered"], by_outcome["missed"]
    waits = [one.wait for one in answered if one.wait is not None]
    missed_waits = [one.wait for one in missed]
    late = sum(now - one.start > ANSWER_WITHIN for one in by_outcome["open"])
    done = [one for one in answered if one.end is not None and one.talk is not None]
    talk, hold = sum(one.talk for one in done), sum(one.hold for one in done)
    moved = sum(any(transfer[-1] in ("completed", "unanswered") for transfer in one.transfers) for one in answered)
    callers = Counter(one.number for one in inbound if one.number)
    outcomes = Counter(one.outcome for one in window if one.kind == "outbound")
    internal = [one for one in window if one.kind == "internal"]
    return {"offered": len(inbound)} | {outcome: len(ones) for outcome, ones in by_outcome.items()} | {
        "missed_share": share(len(missed), len(answered) + len(missed)),
        "service_level": share(sum(wait <= ANSWER_WITHIN for wait in waits), len(waits) + len(missed) + late),
        "wait_mean_ms": mean(sum(waits), len(waits)), "wait_p90_ms": p90(waits),
        "wait_missed_mean_ms": mean(sum(missed_waits), len(missed)),
        "wait_longest_ms": ms(max(waits + missed_waits, default=None)),
        "talk_mean_ms": mean(talk, len(done)), "hold_mean_ms": mean(hold, len(done)),
        "handle_mean_ms": mean(talk + hold, len(done)), "note_delay_median_ms": None,
        "transferred": share(moved, len(answered)), "callers": len(callers),
        "repeat_callers": sum(count > 1 for count in callers.values()),
        "withheld": sum(one.number is None for one in inbound),
        "unknown_start": sum(not one.start_known for one in inbound), "carried": len(carried),
        "out": outcomes.total(), "reached": outcomes["reached"], "connected": outcomes["connected"],
        "no_answer": outcomes["no_answer"], "internal": len(internal),
        "internal_talk_ms": ms(sum(one.talk or 0 for one in internal)),
    }


def share(part, whole):
    return part / whole if whole else None


def mean(total, count):
    return total // count // MS if count else None


def p90(waits):
    """The upper edge of the bucket in which nine of ten waits have ended: of 1 s up to 60 s, of 5 s up to 300 s."""
    if not waits:
        return None
    wait = sorted(waits)[-(-9 * len(waits) // 10) - 1]
    if wait > 300 * SECOND:
        return ms(max(waits))
    width = SECOND if wait <= 60 * SECOND else 5 * SECOND
    return ms(max(1, -(-wait // width)) * width)


EXTENSION_COUNTS = ("rang", "took", "passed", "not_taken", "brief", "unknown", "open", "missed", "took_first",
                    "received", "out", "reached", "internal")


def extension_counts(window):
    """What each phone had to do with the conversations of a window."""
    counts = defaultdict(Counter)
    for one in window:
        for ring_set in one.ring_sets:
            count_ring_set(one, ring_set, counts)
        if one.kind == "inbound" and one.outcome == "answered":
            counts[one.answered_by]["took_first"] += 1
        for *_, to, result in one.transfers:
            counts[to]["received"] += result == "completed"
        for ext in {leg.ext for leg in one.legs} if one.kind == "internal" else ():
            counts[ext]["internal"] += 1
        callers = {leg.ext for leg in one.legs if leg.direction == "out" and not leg.internal}
        for ext in callers if one.kind == "outbound" else ():
            counts[ext]["out"] += 1
            counts[ext]["reached"] += one.outcome == "reached"
    return counts


def count_ring_set(told, ring_set, counts):
    """How a ring set ended for each phone that was in it."""
    answered = {leg.ext for leg in ring_set if leg.answered}
    is_open = any(leg.end is None and which(leg) not in told.ghosts for leg in ring_set)
    last = max((leg.end for leg in ring_set if leg.end is not None), default=0)
    for ext in {leg.ext for leg in ring_set}:
        rang = max((leg.end or last) - leg.start for leg in ring_set if leg.ext == ext)
        ended = "took" if ext in answered else "passed" if answered else "open" if is_open else \
            "not_taken" if rang >= SHORT else "brief"
        counts[ext]["rang"] += 1
        counts[ext][ended] += 1
        counts[ext]["missed"] += ended == "not_taken" and told.outcome == "missed"


def extension_times(told, legs, begin, until, now):
    """For how long the tile of each extension showed what, in a window."""
    ends = {leg: at for one in told for leg, at in (one.ghosts | one.cuts).items()}
    marks, running = defaultdict(list), running_states(legs, ends, now)
    for leg in legs:
        cut = min(ends.get(which(leg), until), running.get(leg.ext, until))
        for span in leg.spans:
            start, end = max(span.start, begin), min(span.end or now, cut, until)
            if start < end:
                strength = strength_of(span, leg), span.since, span.internal
                marks[leg.ext] += (start, True, strength), (end, False, strength)
    return defaultdict(lambda: times_of([])) | {ext: times_of(spans) for ext, spans in marks.items()}


def running_states(legs, ends, now):
    """Since when each extension is in the state that goes on: of that the tile tells, and not the figures."""
    states = defaultdict(list)
    for leg in legs:
        for span in leg.spans:
            end = min(span.end or now + 1, ends.get(which(leg), now + 1))
            if span.start <= now < end:
                states[leg.ext].append((strength_of(span, leg), span.start))
    return {ext: max(standing)[1] for ext, standing in states.items()}


def strength_of(span, leg):
    """Active shows before held, that before ringing in, and that before ringing out."""
    return {ACTIVE: 3, HELD: 2}.get(span.state, 1 if leg.direction == "in" else 0)


def shown_as(strength):
    shown, _, internal = strength
    return "internal" if shown == 3 and internal else ("ringing", "ringing", "hold", "talk")[shown]


def times_of(marks):
    total, running, since = Counter(), [], 0
    for at, begins, strength in sorted(marks, key=lambda mark: mark[0]):
        if running:
            total[shown_as(max(running))] += at - since
        running.append(strength) if begins else running.remove(strength)
        since = at
    on_call = total["talk"] + total["hold"] + total["internal"]
    states = ("talk", "hold", "internal", "ringing")
    return {"on_call_ms": ms(on_call)} | {f"{state}_ms": ms(total[state]) for state in states}
