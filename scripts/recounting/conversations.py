"""What a conversation was: its outcome, its durations, who talked, who handed over."""
from collections import defaultdict

from recounting.clusters import clusters
from recounting.rules import join, overlap, rings_in
from recounting.terms import (
    ACTIVE, ATTENDED, BLIND, CERTAINTY, Conversation, HELD, HIGH, HOP, HOPPED, LONGEST, LOW, MOST_LEGS, PAIR,
    REACHED, RULES, SECOND, SHORT, ms, which,
)


def conversations(legs, now):
    """All of them, in the order of their start."""
    found = []
    for cluster in clusters(legs, now):
        members = [legs[at] for at in cluster]
        reach = members[-1].start - members[0].start
        if len(members) > MOST_LEGS or reach > LONGEST:
            parts = ([leg] for leg in members)
            joined = ((part, [], [part] if rings_in(part[0]) else [], False) for part in parts)
        else:
            joined = join(members, now)
        found += (conversation(*parts, now) for parts in joined)
    return sorted(found, key=lambda told: (told.start, [which(leg) for leg in told.legs]))


def conversation(legs, edges, ring_sets, ambiguous, now):
    first = legs[0]
    kind = "internal" if first.internal else "inbound" if first.direction == "in" else "outbound"
    ghosts = {which(leg): since for ring_set in ring_sets for leg, since in ghosts_of(ring_set, now)}
    counted = counted_legs(kind, legs)
    real = [leg for leg in counted if which(leg) not in ghosts]
    opening = min(counted, key=lambda leg: (began(leg, kind), leg[:3]))
    start, is_over = began(opening, kind), all(leg.end is not None for leg in real)
    answers = [max(leg.answer, began(leg, kind)) for leg in counted if leg.answer is not None]
    answer, end = min(answers, default=None), max((leg.end for leg in real), default=None) if is_over else None
    is_answered = any(leg.answered for leg in counted)
    until = answer if is_answered else end
    wait = until - start if opening.rang and until is not None else None
    has_stamps = not is_answered or not is_over or all(leg.by == "hangup" for leg in real)
    talk, hold = durations(counted, kind) if has_stamps else (None, None)
    talked_by_now, _ = durations(counted, kind, now)
    is_live = any(leg.end is None and which(leg) not in ghosts for leg in legs)
    is_live = is_live or (end is not None and now - end < HOP)
    transfers, limbo = transfers_of(edges, ring_sets)
    number = next((leg.number for leg in counted if leg.number), None) if kind != "internal" else None
    return Conversation(
        start=start, legs=legs, kind=kind, edges=edges, ambiguous=ambiguous,
        outcome=outcome(kind, is_answered, is_live, opening.rang, wait, talked_by_now),
        number=number, name=name_of(number, legs), start_known=opening.rang, answer=answer, end=end, wait=wait,
        talk=talk, hold=hold, limbo=limbo, answered_by=answerer(kind, legs, counted),
        talked=talked(kind, legs, counted), hops=sum(edge.rank == HOPPED for edge in edges),
        transfers=transfers, ring_sets=ring_sets, ghosts=ghosts, cuts=consult_tails(edges),
    )


def counted_legs(kind, legs):
    """Those with the number outside; of an internal call its caller's, or the one that there is."""
    if kind == "internal":
        inside = [leg for leg in legs if leg.internal]
        return [leg for leg in inside if leg.direction == "out"][:1] or inside[:1]
    return [leg for leg in legs if leg.outside_from is not None]


def began(leg, kind):
    """When it was first about what the conversation is about: a receiver talks to a colleague first."""
    return leg.start if kind == "internal" else leg.outside_from


def outcome(kind, is_answered, is_live, start_known, wait, talk):
    if is_answered:
        if kind == "outbound":
            return "reached" if (talk or 0) >= REACHED else "connected"
        return "answered"
    if is_live:
        return "open"
    if not start_known:
        return "unknown"
    if kind != "inbound":
        return "no_answer"
    return "missed" if wait >= SHORT else "short"


def ghosts_of(ring_set, now):
    """Phones that seem to ring on though their group does not, since their hangup was lost; and since when."""
    for leg in ring_set:
        if leg.end is not None or leg.answered:
            continue
        siblings = [other for other in ring_set if other is not leg]
        answers = [other.answer for other in siblings if other.answer is not None]
        ends = sorted(other.end for other in siblings
                      if not other.answered and other.end is not None and abs(other.start - leg.start) <= 3 * SECOND)
        together = [later for earlier, later in zip(ends, ends[1:]) if later - earlier <= SECOND]
        since = (min(answers) if answers else max(together, default=now)) + 3 * SECOND
        if now > since:
            yield leg, since - 3 * SECOND


def spans_of(legs, kind, state, now):
    """When any of them was in a state, with the side that the conversation is about; merged. What goes on ends now, and
    counts only where there is a now."""
    spans = sorted(
        (span.start, span.end or max(now, span.start)) for leg in legs for span in leg.spans
        if span.state == state and span.internal == (kind == "internal") and (span.end or now)
    )
    merged = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def durations(legs, kind, now=None):
    """How long somebody talked, and how long the caller was on hold while nobody did."""
    active, held = spans_of(legs, kind, ACTIVE, now), spans_of(legs, kind, HELD, now)
    total = [sum(end - start for start, end in spans) for spans in (active, held)]
    return total[0], total[1] - overlap(active, held)


def answerer(kind, legs, counted):
    """Who answered first; of an internal call whoever was called."""
    answered = [leg for leg in counted if leg.answered]
    if not answered:
        return None
    if kind == "internal":
        callees = [leg.ext for leg in legs if leg.internal and leg.direction == "in"]
        return callees[0] if callees else answered[0].peer
    by_stamp = [(max(leg.answer, leg.outside_from), leg[:3]) for leg in answered if leg.answer is not None]
    return min(by_stamp)[1][1] if by_stamp else answered[0].ext


def talked(kind, legs, counted):
    """How long each extension talked, in the order of their answers."""
    by_extension = defaultdict(list)
    for leg in [leg for leg in legs if leg.internal] if kind == "internal" else counted:
        if leg.answer is not None:
            by_extension[leg.ext].append(leg)
    firsts = {ext: min(max(leg.answer, began(leg, kind)) for leg in own) for ext, own in by_extension.items()}
    order = sorted(firsts, key=lambda ext: (firsts[ext], ext))
    return [(ext, durations(by_extension[ext], kind)[0]) for ext in order]


def transfers_of(edges, ring_sets):
    """(at, kind, from, to, result) of each, and how long callers were in the air between two colleagues."""
    transfers, limbo, reached = [], None, []
    for edge in edges:
        if edge.rank == ATTENDED:
            completed = edge.b.transfer.completed_at
            at, result = (edge.b.start, "consulted") if completed is None else (completed, "completed")
            transfers.append((at, "attended", edge.a.ext, edge.b.ext, result))
        ring_set = next((ring_set for ring_set in ring_sets if edge.b in ring_set), None)
        if edge.rank != BLIND or ring_set in reached:
            continue
        reached.append(ring_set)
        takers = [leg for leg in ring_set if leg.answered]
        first = min(ring_set, key=lambda leg: (leg.start, leg[:3]))
        taker = min(takers, key=lambda leg: (leg.answer or leg.end, leg[:3]), default=first)
        rings = any(leg.end is None for leg in ring_set)
        result = "completed" if takers else None if rings else "unanswered"
        transfers.append((edge.a.end, "blind", edge.a.ext, taker.ext, result))
        if taker.answer is not None:
            left = edge.a.end if edge.a.held_from is None else edge.a.held_from
            limbo = (limbo or 0) + taker.answer - left
    return sorted(transfers, key=lambda told: told[:4]), limbo


def consult_tails(edges):
    """Where the leg of a consultation is cut, since the transfer is complete and its external leg is gone."""
    pairs = {which(edge.b): edge.a for edge in edges if edge.rank == PAIR}
    cuts = {}
    for edge in edges:
        if edge.rank != ATTENDED or edge.b.transfer.completed_at is None or edge.a.end is None:
            continue
        consult, at = pairs.get(which(edge.b)), edge.b.transfer.completed_at
        if consult and consult.ext == edge.b.transfer.via and abs(edge.a.end - at) <= 2 * SECOND:
            cuts[which(consult)] = at
    return cuts


def name_of(number, legs):
    told = [(at, told) for leg in legs for at, whose, told in leg.names if whose == number]
    return max(told)[1] if told and number else None


def as_json(told):
    """A conversation as the server says it, without its id."""
    is_observed = len(told.legs) == 1 and told.legs[0].by in ("hangup", None)
    return {
        "kind": told.kind, "outcome": told.outcome, "basis": "observed" if is_observed else "inferred",
        "rules": [RULES[rank] for rank in sorted({edge.rank for edge in told.edges})],
        "certainty": CERTAINTY[certainty_of(told)], "ambiguous": told.ambiguous,
        "number": told.number, "name": told.name,
        "started_at": told.start, "answered_at": told.answer, "ended_at": told.end, "wait_ms": ms(told.wait),
        "talk_ms": ms(told.talk), "hold_ms": ms(told.hold), "limbo_ms": ms(told.limbo),
        "answered_by": told.answered_by,
        "talked": [{"extension": ext, "talk_ms": ms(talk)} for ext, talk in told.talked], "hops": told.hops,
        "transfers": [
            {"kind": kind, "from": whose, "to": to, "at": at, "result": result}
            for at, kind, whose, to, result in told.transfers
        ],
        "legs": [{"extension": leg.ext, "leg_id": leg.id} for leg in told.legs],
        "summary": any(leg.summary for leg in told.legs),
    }


def certainty_of(told):
    """That of the least certain rule."""
    return LOW if told.ambiguous else min((edge.certainty for edge in told.edges), default=HIGH)
