"""Compares conversations with what the simulator says truly happened, as far as events can tell."""
import json
from collections import Counter

from recounting.conversations import certainty_of
from recounting.terms import LOW, REACHED, SHORT, ms, which

# The phones of a caller who hangs up stop to within this; two clocks that are off differ by up to that.
STOPS, CLOCKS = 100, 800


def compare(path, told):
    """Says where the simulator's truth is another, and what was compared; 1 where it is."""
    at_leg = {which(leg): one for one in told for leg in one.legs}
    compared, skipped, differences = Counter(), Counter(), 0
    with open(path, encoding="utf-8") as file:
        next(file)
        for call in map(json.loads, file):
            for figure, true, counted, slack in compare_call(call, at_leg, skipped):
                compared[f"{figure}, to {slack} ms" if slack else figure] += 1
                if not is_same(true, counted, slack):
                    differences += 1
                    print(f"call {call['call']}: {figure} is {counted}, in truth {true} ({words(call)})")
    for what, counts in (("compared", compared), ("skipped", skipped)):
        for figure, count in sorted(counts.items()):
            print(f"{what:8} {count:7} {figure}")
    print(f"{differences} differences")
    return 1 if differences else 0


def is_same(true, counted, slack):
    return true == counted or bool(slack) and counted is not None and abs(true - counted) <= slack


def words(call):
    return ", ".join(call["phenomena"] + [f"untold {word}" for word in call["untold"]])


def compare_call(call, at_leg, skipped):
    """(figure, in truth, as counted, slack in ms) of all that the events can tell of a call."""
    told = {(leg["extension"], leg["id"]) for leg in call["legs"] if leg["told"]}
    why = unknowable(call, told)
    if why:
        skipped[f"all: {why}"] += 1
        return
    found = {id(at_leg[leg]): at_leg[leg] for leg in told}
    legs = [sorted(map(which, one.legs)) for one in found.values()]
    if "caller" in set(call["untold"]) and any(certainty_of(one) == LOW for one in found.values()):
        skipped["all: the caller is withheld, and what joins its legs is said to be a guess"] += 1
        return
    yield "legs", [sorted(told)], legs, 0
    if legs != [sorted(told)]:
        return
    one, = found.values()
    yield "kind", call["kind"], one.kind, 0
    if call["answered_at"] is None and abs(ms(call["wait_us"]) - ms(SHORT)) <= CLOCKS + STOPS:
        skipped["outcome: nearly short"] += 1
    else:
        yield "outcome", true_outcome(call), one.outcome, 0
    yield "transfers", true_transfers(call), [(kind, *rest) for _, kind, *rest in one.transfers], 0
    if call["kind"] == "outbound":
        skipped["answered_by: nobody here answers an outbound call"] += 1
    else:
        yield "answered_by", call["answered_by"], one.answered_by, 0
    yield from compare_durations(call, one, skipped)


def compare_durations(call, told, skipped):
    is_off = any("skewed" in leg["disturbed"] for leg in call["legs"])
    if is_lost(call):
        skipped["durations: a hangup is lost"] += 1
        return
    if all(leg["told"] for leg in call["legs"]):
        stops = STOPS if call["kind"] == "inbound" and call["answered_at"] is None else 0
        yield "wait", ms(call["wait_us"]), ms(told.wait), CLOCKS * is_off + stops
    else:
        skipped["wait: a phone without integration may have rung first"] += 1
    if call["answered_at"] is not None:
        yield "talk", ms(call["talk_us"]), ms(told.talk), CLOCKS * is_off
        yield "hold", ms(call["hold_us"]), ms(told.hold), CLOCKS * is_off


def is_lost(call):
    return any("no_hangup" in leg["disturbed"] for leg in call["legs"])


def unknowable(call, told):
    """Why the events cannot tell what happened to a call; None where they can."""
    untold, seen = set(call["untold"]), set(call["phenomena"])
    one_by_one = seen & {"hunt", "retry", "staggered_group"}
    if not told:
        return "nothing is told of it"
    if untold & {"answer", "transfer"}:
        return "a member without integration took it"
    if "leg" in untold and one_by_one:
        return "a member without integration rang between the others"
    if "caller" in untold and len(told) > 1:
        return "the caller is withheld, and several phones were in it"
    if is_lost(call) and (one_by_one or call["transfers"] or not is_told_by_siblings(call)):
        return "a hangup is lost, and no other phone tells it"
    return None


def is_told_by_siblings(call):
    """Whether somebody's answer, or the hangups of two more phones, tell what a lost hangup does not."""
    if call["kind"] == "outbound":
        return False
    hung_up = [leg for leg in call["legs"] if leg["told"] and "no_hangup" not in leg["disturbed"]]
    return call["answered_at"] is not None or call["kind"] == "inbound" and len(hung_up) > 1


def true_outcome(call):
    """What the board calls that."""
    is_answered = call["answered_at"] is not None
    if call["kind"] == "inbound":
        return "answered" if is_answered else "missed" if call["wait_us"] >= SHORT else "short"
    if call["kind"] == "internal" or not is_answered:
        return "answered" if is_answered else "no_answer"
    return "reached" if call["talk_us"] >= REACHED else "connected"


def true_transfers(call):
    """(kind, from, to, result) of each. That nobody took a consultation is a consultation, too."""
    results = {"attended": "consulted", "blind": "unanswered"}
    return [
        (one["kind"], one["from"], one["to"], "completed" if one["end"] == "completed" else results[one["kind"]])
        for one in call["transfers"]
    ]
