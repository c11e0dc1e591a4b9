"""/_sim: the clocks, what goes wrong, what must be known, what has been asked.  None of it is in the log, and nothing goes wrong with it."""
import json

from weirsim import apis, world as worlds
from weirsim.faults import Wrong
from weirsim.message import Refusal, Response, answer_json, answer_text, dump
from weirsim.times import iso, parse


def seconds(value, name):
    """A time as a text of it or as seconds."""
    found = value if isinstance(value, (int, float)) and not isinstance(value, bool) else parse(value)
    if found is None:
        raise Wrong(f"{name}: a time is wanted, as 2026-01-01T00:00:00Z or in seconds")
    return found


def clock(world, request, document):
    """{"now", "rate"} of the data's clock; {"wall", "wall_rate"} of the other."""
    for key in document or {}:
        if key not in ("now", "rate", "wall", "wall_rate"):
            raise Wrong(f"no key {key!r}, only now, rate, wall, wall_rate")
    for which, now, rate in ((world.clock, "now", "rate"), (world.wall, "wall", "wall_rate")):
        document = document or {}
        if rate in document and (not isinstance(document[rate], (int, float)) or document[rate] < 0):
            raise Wrong(f"{rate} is a number from 0 on")
        if now in document or rate in document:
            which.set(seconds(document[now], now) if now in document else None, document.get(rate))
    return answer_json({"now": iso(int(world.clock.now())), "rate": world.clock.rate, "wall": iso(int(world.wall.now())), "wall_rate": world.wall.rate})


def faults(world, request, document):
    if document is not None:
        world.faults.load(document)
    return answer_json({"rules": [rule.document for rule in world.faults.rules]})


def rates(world, request, document):
    if document is not None:
        world.values.set_rates(document)
    return answer_json(world.values.rates)


def limits(world, request, document):
    if document is not None:
        world.limits.set(document)
    return answer_json(world.limits.allowed)


def log(world, request, document):
    after = int(request.one("after", "0"))
    lines = (dump(entry) + b"\n" for entry in world.log.list()[after:])
    return Response(200, b"".join(lines), "application/x-ndjson")


def reset(world, request, document):
    """{"seed": n}: another world.  Rules, rates and clocks are those of the start again."""
    world.reset((document or {}).get("seed"))
    return answer_json({"seed": world.seed})


def truth(world, request, document):
    """Rows of [from, to) as they are known at `as_of`; `nulls=0` leaves out what has no value."""
    query = dict(request.query)
    source = apis.TRUTHS.get(query.get("source"))
    if not source:
        raise Wrong(f"source is one of {', '.join(apis.TRUTHS)}")
    first, end = (seconds(query.get(name), name) for name in ("from", "to"))
    as_of = seconds(query["as_of"], "as_of") if "as_of" in query else int(world.clock.now())
    keep_nulls = query.get("nulls") != "0"

    def lines():
        some = []
        for tags, time, values in source(world, query, int(first), int(end), int(as_of)):
            if not keep_nulls:
                values = {name: value for name, value in values.items() if value is not None}
            if values:
                some.append(dump({"tags": tags, "time": iso(time), "values": values}))
            if len(some) == 5000:
                yield b"\n".join(some) + b"\n"
                some = []
        if some:
            yield b"\n".join(some) + b"\n"

    return Response(200, lines(), "application/x-ndjson")


PATHS = {  # with the methods that they have
    "/_sim/clock": (clock, "GET POST"), "/_sim/faults": (faults, "GET POST"), "/_sim/rates": (rates, "GET POST"),
    "/_sim/limits": (limits, "GET POST"), "/_sim/log": (log, "GET"), "/_sim/reset": (reset, "POST"), "/_sim/truth": (truth, "GET"),
}


def examples(origin):
    """A line for each API, to be pasted."""
    lines = []
    for example in apis.EXAMPLES:
        place = example.index("'/") + 1 if "'/" in example else example.index(" /") + 1
        lines.append("curl " + example[:place] + origin + example[place:])
    return lines


def answer(world, request):
    if request.path in ("/", "/_sim", "/_sim/"):
        own = [f"{path} ({methods})" for path, (_, methods) in PATHS.items()]
        return answer_text("\n".join(["weirsim: " + ", ".join(own), "", *examples(request.origin), ""]))
    function, methods = PATHS.get(request.path, (None, ""))
    if not function:
        return answer_json({"error": f"there are {', '.join(PATHS)}"}, 404)
    if request.method not in methods.split():
        return answer_json({"error": f"{request.path} has {methods}"}, 405)
    try:
        document = json.loads(request.body) if request.body else None
        return function(world, request, document)
    except Refusal as refusal:
        return refusal.response
    except (Wrong, KeyError, ValueError, TypeError, AttributeError) as error:
        return answer_json({"error": str(error.args[0] if error.args else error)}, 400)


SECRETS = {"octopus_key": worlds.OCTOPUS_KEY, "eia_key": worlds.EIA_KEY, "entsoe_token": worlds.ENTSOE_TOKEN,
           "oauth_client": worlds.OAUTH[0], "oauth_secret": worlds.OAUTH[1]}
