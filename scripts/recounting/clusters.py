"""Which legs are near enough to be of one conversation. The rules are asked within a cluster only."""
from bisect import bisect_left
from collections import defaultdict

from recounting.legs import is_withheld
from recounting.terms import MS, NEAR


def find(parents, item):
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = parents[item]
    return item


def groups_of(parents, items):
    groups = defaultdict(list)
    for item in items:
        groups[find(parents, item)].append(item)
    return list(groups.values())


def clusters(legs, now):
    """Legs, by their place in the sorted list, that share a number or a pair while they are near in time."""
    parents = list(range(len(legs)))
    by_key = defaultdict(list)
    for at, leg in enumerate(legs):
        for key in keys_of(leg):
            by_key[key].append(at)
    for chain in by_key.values():
        last, last_end = chain[0], legs[chain[0]].end or now
        for at in chain[1:]:
            if legs[at].start - NEAR <= last_end + NEAR:
                parents[find(parents, at)] = find(parents, last)
            end = legs[at].end or now
            last, last_end = (at, end) if end > last_end else (last, last_end)
    join_withheld(legs, parents)
    return groups_of(parents, range(len(legs)))


def keys_of(leg):
    keys = {leg.number, leg.transfer.original if leg.transfer else None} - {None}
    return keys if leg.peer is None else keys | {frozenset((leg.ext, leg.peer))}


def join_withheld(legs, parents):
    """Callers without a number share none: only those legs of them are compared that a rule may join."""
    withheld = [at for at, leg in enumerate(legs) if is_withheld(leg)]
    starts = [legs[at].start for at in withheld]
    for before, at in zip(withheld, withheld[1:]):
        if legs[at].start - legs[before].start <= 500 * MS:
            parents[find(parents, at)] = find(parents, before)
    for at in withheld:
        if legs[at].held_from is not None:
            first = bisect_left(starts, legs[at].end - 500 * MS)
            for other in withheld[first:bisect_left(starts, legs[at].end + 500 * MS + 1)]:
                parents[find(parents, other)] = find(parents, at)
