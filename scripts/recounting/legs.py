"""Events as they come, and the leg that those of one id make."""
import json
import sys
from collections import defaultdict

from recounting.numbers import is_internal, number_key
from recounting.terms import ACTIVE, Event, HANGUP, HELD, Leg, PHASES, RINGING, SUMMARY, Span, Transfer


def read_events(paths, tenant):
    """The events of each leg, by (extension, id), and how many lines were no event of a call."""
    legs, tenants, strange = defaultdict(list), set(), 0
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if not line.strip():
                    continue
                told = json.loads(line)
                event = read_event(told)
                if event is None:
                    strange += 1
                elif tenant in (None, told["tenant_id"]):
                    tenants.add(told["tenant_id"])
                    legs[sys.intern(told["user_extension"]), told["id"]].append(event)
    if len(tenants) > 1:
        sys.exit("several tenants: name one by --tenant")
    return legs, strange


def read_event(told):
    """None for a state that is not known."""
    phase = PHASES.get(told["state"].upper())
    if phase is None:
        return None
    caller = sys.intern(str(told["caller_number"])), told.get("caller_name") or ""
    callee = sys.intern(str(told["callee_number"])), told.get("callee_name") or ""
    remote, local = (caller, callee) if told["direction"] == "in" else (callee, caller)
    transfer = str(told.get("transfer_caller_number") or "").strip()
    return Event(int(told["timestamp"]), phase, told["direction"], *remote, *local, transfer)


def fold(key, events):
    """The leg that its distinct events make, in the order of time, then of phases."""
    events = sorted(set(events))
    phases = told_phases(events)
    lines = phases or events
    opening = lines[0]
    end, by = ending(events, phases)
    spans = told_spans(phases, end if by == "hangup" else None, end is None)
    answer = next((event.at for event in phases if event.phase == ACTIVE), None)
    outside = [number_key(event.remote) for event in lines if not is_inside(event)]
    inside = [number_key(event.remote) for event in lines if is_inside(event)]
    return Leg(
        start=opening.at, ext=key[0], id=key[1], direction=events[0].direction,
        rang=bool(phases) and opening.phase == RINGING, internal=is_inside(opening),
        number=next((number for number in reversed(outside) if number), None),
        outside_from=next((event.at for event in lines if not is_inside(event)), None),
        peer=inside[0] if inside else None,
        answer=answer, answered=answer is not None or by == "summary", end=end, by=by,
        held_from=spans[-1].since if spans and spans[-1].state == HELD and by == "hangup" else None,
        spans=spans, transfer=told_transfer(phases), summary=any(event.phase == SUMMARY for event in events),
        names=told_names(events), line=line_of(key[0], lines[-1]),
    )


def told_phases(events):
    """The phases up to the first hangup, without ringing after an answer."""
    phases, answered = [], False
    for event in events:
        if event.phase == SUMMARY or (event.phase == RINGING and answered):
            continue
        phases.append(event)
        answered |= event.phase == ACTIVE
        if event.phase == HANGUP:
            break
    return phases


def ending(events, phases):
    """When a leg ended, and by what: its hangup, else a summary that is later than all of its phases."""
    if phases and phases[-1].phase == HANGUP:
        return phases[-1].at, "hangup"
    last = phases[-1].at if phases else -1
    summaries = [event.at for event in events if event.phase == SUMMARY and event.at > last]
    return (summaries[0], "summary") if summaries else (None, None)


def told_spans(phases, end, is_live):
    """What state it was in, and with which side, from when to when; to None where that goes on. Where no hangup
    says how long the last state went on, it ends with the last phase."""
    last = None if is_live else end or (phases[-1].at if phases else None)
    spans, since = [], 0
    for event in phases:
        if event.phase == HANGUP:
            break
        before = spans[-1] if spans else None
        if before and (before.state, before.internal) == (event.phase, is_inside(event)):
            continue
        if before:
            spans[-1] = before._replace(end=event.at)
        since = since if before and before.state == event.phase else event.at
        spans.append(Span(event.phase, is_inside(event), event.at, last, since))
    return spans


def told_transfer(phases):
    """The attended transfer of which this is the receiver's leg: announced by the original caller's number, and
    complete at the first ACTIVE without it whose other side is that caller."""
    transfer = None
    for event in phases:
        if event.transfer:
            original = number_key(event.transfer)
            if transfer is None or transfer.original != original:
                transfer = Transfer(original, number_key(event.remote), None)
        elif transfer and transfer.original and event.phase == ACTIVE and transfer.completed_at is None:
            if number_key(event.remote) == transfer.original:
                transfer = transfer._replace(completed_at=event.at)
    return transfer


def told_names(events):
    """The names that came with numbers, and when; the number itself is none."""
    return [
        (event.at, number_key(event.remote), event.name.strip())
        for event in events
        if event.name.strip() and number_key(event.name) != number_key(event.remote)
    ]


def line_of(extension, event):
    """The number that was called or calls, where that is not the extension's own."""
    return None if event.local == extension else number_key(event.local)


def is_inside(event):
    return is_internal(number_key(event.remote))


def is_withheld(leg):
    return leg.outside_from is not None and leg.number is None
