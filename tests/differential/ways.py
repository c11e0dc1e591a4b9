"""What else a question that was answered right is asked for: its plan, held against what its answer then reads, and what
/v1/live tells of the same changes."""
import http.client
import json
import time
import urllib.parse

from answers import Page
from evaluator import Asked, Grid
from wire import Difference, ns_of, parameters

LIVE_SECONDS = 20  # a stream that tells nothing for so long has lost it
FORMS = {"format", "shape"}  # a plan has its own
LIVE = {"measurement", "match", "fields", "start", "end", "epoch", "int64"}


def scanned(trial):
    """Rows that were read since the server began; of live readers that left it is counted when they are gone."""
    until = time.monotonic() + LIVE_SECONDS
    while time.monotonic() < until:
        text = trial.must(200, trial.request("GET", "/metrics"), "metrics").text
        told = [(line.rpartition(" ")[0].partition("{")[0], line.rpartition(" ")[2]) for line in text.splitlines() if line[:1] != "#"]
        if not any(name == "weir_live_readers" and int(count) for name, count in told):
            return sum(int(count) for name, count in told if name == "weir_query_scanned_rows_total")
        time.sleep(0.01)
    raise Difference("a live reader that left is still there")


def plan(trial, question, wanted, moment, _):
    """What it tells is true of the answer, and neither reads rows nor changes what comes after it."""
    less = {name: value for name, value in question.items() if name not in FORMS}
    at = scanned(trial)
    if question.get("json"):
        got = trial.by_document(less, [("explain", True)])
    else:
        got = trial.request("GET", "/v1/query", parameters(less, trial.measurement, trial.moment_of) + [("explain", "true")])
    told = in_ns(trial.perturbed("plan", json.loads(trial.must(200, got, "its plan").text)))
    begun = scanned(trial)
    again = trial.must(200, trial.page({**question, "json": None}), "the same behind its plan")
    read = scanned(trial) - begun
    if begun != at:
        raise Difference(f"its plan read {begun - at} rows")
    if again.text != trial.last_text:
        raise Difference(f"behind its plan the answer is another: {again.text[:300]!r}, before {trial.last_text[:300]!r}")
    truth = truth_of(trial, question, wanted, moment)
    for name, value in truth.items():
        if told[name] != value:
            raise Difference(f"its plan has {name} {told[name]}, wanted {value}\n  {told}")
    points = sum(len(versions) for times in trial.history.cells.values() for cells in times.values() for versions in cells.values())
    rows = 0 if question.get("limit") else rows_looked_at(trial, question, moment)
    if not told["rows_at_least"] <= read <= told["rows_at_most"] or told["rows_at_most"] < rows or told["rows_at_least"] > points:
        raise Difference(f"its plan has {told['rows_at_least']} to {told['rows_at_most']} rows; {read} were read, {rows} pass, {points} values were ever written")
    if told["bytes_at_least"] > told["bytes_at_most"]:
        raise Difference(f"its plan is nothing that can be: {told}")


def in_ns(told):
    ends = {name: text and ns_of(text) for name, text in told["range"].items()}
    return {**told, "range": ends, "as_of": ns_of(told["as_of"])}


def truth_of(trial, question, wanted, moment):
    asked = Asked(trial.history, question, moment)
    start, end = question.get("start"), question.get("end")
    windows = None
    if question.get("agg"):
        windows = 1
        if question.get("every"):
            grid = Grid(*question["every"], question.get("tz") or "UTC", question.get("offset") or 0)
            windows = None if start is None or end is None else grid.index(end - 1) - grid.index(start) + 1
    return {"series": len(asked.series), "groups": len(asked.groups()) if question.get("agg") else len(asked.series),
            "columns": len(wanted.columns) - (3 if question.get("versions") else 1), "windows": windows, "refused": None,
            "range": {"start": start, "end": end}, "as_of": moment}


def rows_looked_at(trial, question, moment):
    asked = Asked(trial.history, question, moment)
    return sum(len(asked.rows_of(tags)) for tags in asked.series)


def live(trial, question, wanted, moment, since):
    """Who takes up a stream at an earlier moment is told what changed since, as by changes."""
    if not wanted.rows:
        return  # nothing is told, and nobody says when
    pairs = [pair for pair in parameters(question, trial.measurement, trial.moment_of) if pair[0] in LIVE]
    headers = {}
    if question["live"] == "header":
        headers["Last-Event-ID"] = trial.moment_of(question["since"])
    else:
        pairs.append(("since", trial.moment_of(question["since"])))
    connection = http.client.HTTPConnection(*trial.server.address, timeout=LIVE_SECONDS)
    try:
        connection.request("GET", "/v1/live?" + urllib.parse.urlencode(pairs), headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise Difference(f"live: status {response.status}: {response.read()[:500]!r}")
        objects = events(response, moment)
    except TimeoutError:
        raise Difference(f"live told not all within {LIVE_SECONDS} s") from None
    finally:
        connection.close()
    page = Page.__new__(Page)
    page.columns, page.rows, page.next = None, [], None
    page.from_objects(objects, wanted.columns, {"next": None, "partial": False})
    trial.compare({**question, "format": "ndjson"}, wanted, trial.perturbed("live", trial.tellable(page.rows, since)))


def events(response, moment):
    """The rows of all events up to a moment; a heartbeat may be what tells that it was reached."""
    objects, place = [], None
    while True:
        line = response.readline().decode()
        if not line:
            raise Difference(f"live ends after {len(objects)} rows")
        line = line.rstrip("\n")
        name, _, value = line.partition(": ")
        if name == "event":
            if value != "rows":
                raise Difference(f"live tells an event {value}: {response.readline()!r}")
        elif name == "id":
            place = value
        elif name == "data":
            objects.append(json.loads(value))
        elif name and not line.startswith(":"):
            raise Difference(f"live tells a line {line!r}")
        elif not line:
            if place and ns_of(place) >= moment:
                return objects
            place = None


WAYS = {"explain": plan, "live": live}
