"""The rules that join legs, and what they make of a cluster."""
from collections import defaultdict
from itertools import combinations

from recounting.clusters import find
from recounting.legs import is_withheld
from recounting.terms import (
    ACTIVE, ATTENDED, BLIND, Edge, HIGH, HOP, HOPPED, LOW, MEDIUM, MS, PAIR, RING_GROUP, SECOND, which,
)


def ring_end(leg):
    return leg.end if leg.answer is None else leg.answer


def rings_in(leg):
    """Whether somebody outside made this phone ring."""
    return leg.rang and leg.direction == "in" and not leg.internal


def pair_edges(legs):
    """An internal call has a leg at either side: its caller's, and soon its callee's."""
    callers = [leg for leg in legs if leg.internal and leg.direction == "out"]
    callees = [leg for leg in legs if leg.internal and leg.direction == "in"]
    for a in callers:
        for b in callees:
            if (a.ext, a.peer) != (b.peer, b.ext) or not -SECOND <= b.start - a.start <= 5 * SECOND:
                continue
            if a.answer is not None and b.answer is not None and abs(a.answer - b.answer) > SECOND:
                continue
            is_equal = a.answer is not None and a.answer == b.answer or a.by == b.by == "hangup" and a.end == b.end
            nearness = abs(b.start - a.start - 500 * MS)
            yield Edge(PAIR, 0, nearness, a, b, HIGH if is_equal else MEDIUM)


def attended_edges(legs):
    """A receiver's leg says whose caller it is about, and who hands over."""
    for receiver in legs:
        if receiver.transfer is None or receiver.transfer.original is None:
            continue
        original, via, _ = receiver.transfer
        sources = [
            leg for leg in legs
            if leg is not receiver and leg.ext == via and leg.number == original
            and leg.start <= receiver.start and (leg.end is None or receiver.start <= leg.end + 2 * SECOND)
        ]
        if sources:
            source = max(sources)
            yield Edge(ATTENDED, 0, receiver.start - source.start, source, receiver, HIGH)


def ring_group_edge(a, b):
    """Phones that ring for one caller begin together, or stop together."""
    if a.ext == b.ext or not (rings_in(a) and rings_in(b)):
        return None
    ends = ring_end(a), ring_end(b)
    if any(end is not None and end <= leg.start for end, leg in zip(ends, (b, a))):
        return None
    apart = abs(b.start - a.start)
    has_unanswered_end = any(not leg.answered and leg.end is not None for leg in (a, b))
    ends_apart = abs(ends[0] - ends[1]) if has_unanswered_end and None not in ends else None
    by_start, by_end = apart <= 3 * SECOND, ends_apart is not None and ends_apart <= SECOND
    if is_withheld(a):
        if apart <= 500 * MS and ends_apart is not None and ends_apart <= 500 * MS:
            return Edge(RING_GROUP, 0, min(apart, ends_apart), a, b, LOW)
        return None
    if not (by_start or by_end):
        return None
    nearness = min(measure for measure, holds in ((apart, by_start), (ends_apart, by_end)) if holds)
    return Edge(RING_GROUP, 0, nearness, a, b, HIGH if by_start and by_end else MEDIUM)


def hop_edge(a, b):
    """Nobody took it, and soon a phone rings again."""
    if is_withheld(a) or a is b or a.direction != "in" or a.internal or a.answered or not rings_in(b):
        return None
    if a.end is None or not -SECOND <= b.start - a.end <= HOP:
        return None
    return Edge(HOPPED, 0, abs(b.start - a.end), a, b, MEDIUM)


def blind_edge(a, b):
    """Somebody who talked has left the call, and at once it rings at a colleague's."""
    if a.ext == b.ext or not rings_in(b) or a.answer is None or a.by != "hangup":
        return None
    is_held, gap = a.held_from is not None, b.start - a.end
    if not -SECOND <= gap <= 2 * SECOND or is_withheld(a) and not (is_held and abs(gap) <= 500 * MS):
        return None
    certainty = LOW if is_withheld(a) or not is_held else HIGH
    return Edge(BLIND, 0 if is_held else 1, abs(gap), a, b, certainty)


def number_edges(legs):
    """What joins two legs of the same outside number."""
    by_number = defaultdict(list)
    for leg in legs:
        if leg.outside_from is not None:
            by_number[leg.number].append(leg)
    for same in by_number.values():
        for a, b in combinations(same, 2):
            edges = (ring_group_edge(a, b), hop_edge(a, b), hop_edge(b, a), blind_edge(a, b), blind_edge(b, a))
            yield from (edge for edge in edges if edge)


def talk_of(leg, now):
    """When it talked to somebody outside."""
    return [(span.start, span.end or max(now, span.start)) for span in leg.spans
            if span.state == ACTIVE and not span.internal]


def overlap(one, other):
    return sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in one for b in other)


def is_clash(ours, theirs, attended, now):
    """Two that talk to outside at the same time talk to two callers, unless one handed over to the other."""
    return any(
        overlap(talk_of(a, now), talk_of(b, now)) > 2 * SECOND
        for a in ours if a.answer is not None and a.outside_from is not None
        for b in theirs if b.answer is not None and b.outside_from is not None
        if frozenset((which(a), which(b))) not in attended
    )


def join(legs, now):
    """The conversations of a cluster: of each its legs, the edges that join them, its ring sets, and whether a
    leg of it might as well be of another."""
    edges = [*pair_edges(legs), *attended_edges(legs), *number_edges(legs)]
    edges.sort(key=lambda edge: (edge[:3], edge.a[:3], edge.b[:3]))
    attended = {frozenset((which(edge.a), which(edge.b))) for edge in edges if edge.rank == ATTENDED}
    parents, sets = ({which(leg): which(leg) for leg in legs} for _ in range(2))
    members = {which(leg): [leg] for leg in legs}
    taken, refused, paired, entered = [], [], set(), {}
    for edge in edges:
        a, b = (find(parents, which(leg)) for leg in (edge.a, edge.b))
        beside = [leg for leg in members[a] if find(sets, which(leg)) == find(sets, which(edge.a))]
        if edge.rank == HOPPED and any(leg.answered for leg in beside):
            # Somebody took it, so nobody was left to ring on.
            continue
        is_second = edge.rank == PAIR and not paired.isdisjoint((which(edge.a), which(edge.b)))
        if edge.rank in (HOPPED, BLIND):
            # A ring set comes from one place.
            before = entered.setdefault(find(sets, which(edge.b)), which(edge.a))
            is_second = find(parents, before) != a
        if is_second or a != b and is_clash(members[a], members[b], attended, now):
            refused.append(edge)
            continue
        if edge.rank == RING_GROUP:
            sets[find(sets, which(edge.b))] = find(sets, which(edge.a))
        if edge.rank == PAIR:
            paired |= {which(edge.a), which(edge.b)}
        if a != b:
            parents[b] = a
            members[a] += members.pop(b)
        # What joins nothing tells nothing new, but that somebody handed over.
        if a != b or edge.rank in (ATTENDED, BLIND):
            taken.append(edge)
    return conversations_of(parents, members, taken, refused, sets)


def conversations_of(parents, members, taken, refused, sets):
    used, ambiguous = defaultdict(list), ambiguous_legs(parents, taken, refused)
    for edge in taken:
        used[find(parents, which(edge.a))].append(edge)
    for root, legs in members.items():
        by_set = defaultdict(list)
        for leg in filter(rings_in, sorted(legs)):
            by_set[find(sets, which(leg))].append(leg)
        yield sorted(legs), used[root], list(by_set.values()), any(which(leg) in ambiguous for leg in legs)


def ambiguous_legs(parents, taken, refused):
    """Legs that a refused edge would have joined to another conversation, as near as the one that was taken."""
    found = set()
    for other in refused:
        if find(parents, which(other.a)) == find(parents, which(other.b)):
            continue
        for edge in taken:
            if edge.rank == other.rank and abs(edge.nearness - other.nearness) <= 100 * MS:
                found |= {which(edge.a), which(edge.b)} & {which(other.a), which(other.b)}
    return found
