"""A question as a JSON document: docs/reference/query.md, JSON bodies.  What may be said in several ways is said in one
that chance takes; it comes from the question, so that the same question is always the same document."""
import json
import random

from joins import effective
from wire import duration, parameters

LISTS = {"fields", "agg", "group_by"}
REPEATED = {"match", "let", "where"}
INTEGERS = {"limit", "points"}


def body_of(question, measurement, moment_of, more=()):
    """`more`: pairs that come beside what the question says."""
    chance = random.Random(question.get("json", 0))
    if question["kind"] != "join":
        document = members(parameters(question, measurement, moment_of), chance)
        return json.dumps({**document, **dict(more)})
    selections = {name: selection_of(question, each, measurement, moment_of, chance) for name, each in question["selections"]}
    around = {key: value for key, value in question.items() if key not in ("kind", "fields")}
    document = members([pair for pair in parameters(around, "", moment_of) if pair[0] != "measurement"], chance)
    if question.get("fields"):
        document["fields"] = question["fields"]
    if question.get("join"):
        document["join"] = question["join"]
    return json.dumps({"selections": selections, **document, **dict(more)})


def selection_of(question, selection, measurement, moment_of, chance):
    # How a time and a window are written also depends on what stands around.
    written = {**selection, "epoch": question.get("epoch"), "tz": effective(question, selection).get("tz")}
    pairs = [pair for pair in parameters(written, measurement, moment_of) if pair[0] in selection or pair[0] == "measurement"]
    document = members(pairs, chance)
    if selection.get("spread"):
        document["spread"] = True if selection["spread"] is True else duration(selection["spread"], "h")
    return document


def members(pairs, chance):
    document = {}
    for name, value in pairs:
        if name in LISTS:
            document[name] = one_or_list(value.split(","), chance)
        elif name in REPEATED:
            document.setdefault(name, []).append(value)
        elif name in INTEGERS:
            document[name] = int(value)
        elif name in ("top", "bottom") and chance.random() < 0.5:
            count, column = value.split(",", 1)
            document[name] = [int(count), column]
        elif name == "fill" and value not in ("none", "previous", "linear") and chance.random() < 0.7:
            document[name] = json.loads(value)  # null or a number
        elif name in ("start", "end") and value.lstrip("-").isdigit() and chance.random() < 0.7:
            document[name] = int(value)
        else:
            document[name] = value
    for name in sorted(REPEATED & set(document)):
        document[name] = one_or_list(document[name], chance)
    conditions = [document["match"]] if isinstance(document.get("match"), str) else document.get("match", [])
    pairs = [each.split("=", 1) for each in conditions]
    if conditions and chance.random() < 0.5 and all(len(pair) == 2 and pair[0].isalpha() and pair[1][:1] != "~" for pair in pairs):
        document["match"] = {name: value or None for name, value in pairs}
    return document


def one_or_list(items, chance):
    return items[0] if len(items) == 1 and chance.random() < 0.5 else items
