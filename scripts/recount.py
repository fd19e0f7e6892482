#!/usr/bin/env python3
"""Counts a day of Telsmart's webhooks anew: its conversations, and the figures of a wallboard.

    callpop simulate --centre 40 --calls 2000 --to events.jsonl --truth truth.jsonl
    scripts/recount.py events.jsonl --now 1767614400000000 > recount.json
    scripts/recount.py events.jsonl --truth truth.jsonl

It shares no line with the server. Both follow the same rules, so what they agree on is either right or
misunderstood twice. It needs nothing but Python 3.11, keeps everything in memory, and its answer depends on
the set of events alone: not on their order, nor on how often each comes.

Five steps, each in a file of recounting/: events are folded to legs; legs that may belong together make
clusters; rules join the legs of a cluster to conversations; conversations and the states of phones are
counted; and the conversations are compared with what the simulator says truly happened.

All times and durations are whole microseconds, until they are printed as whole milliseconds, cut off.
"""
import argparse
import csv
import json
import sys

from recounting.conversations import as_json, conversations
from recounting.figures import figures
from recounting.legs import fold, read_events
from recounting.terms import SECOND
from recounting.truth import compare


def read_directory(path):
    """The groups of each extension."""
    if path is None:
        return {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        return {
            row["extension"].strip(): {group.strip() for group in (row.get("groups") or "").split(";") if group.strip()}
            for row in csv.DictReader(file)
        }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", nargs="+", help="files of webhook events, one JSON object a line")
    parser.add_argument("--now", type=int, help="when one looks; none: the second after the last event")
    parser.add_argument("--from", dest="begin", type=int, default=0, help="the window's begin")
    parser.add_argument("--to", dest="until", type=int, default=1 << 62, help="the window's end")
    parser.add_argument("--directory", help="a CSV with the columns extension and groups")
    parser.add_argument("--tenant", help="whose events count, where the files have those of several")
    parser.add_argument("--truth", help="compare with the simulator's truth instead of printing")
    return parser.parse_args()


def main():
    asked = arguments()
    events, strange = read_events(asked.events, asked.tenant)
    if strange:
        print(f"{strange} lines have a state that is not known", file=sys.stderr)
    latest = max((event.at for told in events.values() for event in told), default=0)
    now = (asked.now if asked.now is not None else latest + SECOND) // SECOND * SECOND
    legs = sorted(fold(key, told) for key, told in events.items())
    told = conversations(legs, now)
    if asked.truth:
        sys.exit(compare(asked.truth, told))
    window = [as_json(one) for one in told if asked.begin <= one.start < asked.until]
    rows = list(figures(told, legs, read_directory(asked.directory), asked.begin, asked.until, now))
    json.dump({"conversations": window, "figures": rows}, sys.stdout, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
