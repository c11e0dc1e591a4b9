"""The test tested: an answer that is a little wrong is noticed, whatever is wrong with it, and what fails becomes small."""
import shutil
import tempfile

import shrink
from evaluator import History
from generator import Unsigned
from server import Server
from trial import Trial
from wire import Difference

A, B = (("host", "a"),), (("host", "b"), ("region", "eu"))
STEPS = [{"kind": "write", "id": 1, "json": False,
          "points": [(tags, n * 10**9, {"f": n + 0.5, "n": n * n, "u": Unsigned(n), "s": f"text {n}", "b": n % 2 == 0})
                     for tags in (A, B) for n in range(20)]},
         {"kind": "write", "id": 2, "json": True, "points": [(A, 3 * 10**9, {"f": None, "n": 7})]}]
ROWS = {"kind": "query", "format": "json", "epoch": "ns"}
MEANS = {"kind": "query", "format": "csv", "epoch": "ns", "every": ("ns", 7 * 10**9), "agg": [("mean", None), ("count", None)], "group_by": ["host"]}
JOIN = {"kind": "join", "json": 1, "format": "json", "epoch": "ns", "let": [("ratio", ("/", "rows.f", "means.mean_n"))],
        "selections": [("rows", {"kind": "query", "match": [("host", "=", "a")], "fields": ["f", "s"]}),
                       ("means", {"kind": "query", "every": ("ns", 7 * 10**9), "agg": [("mean", None)], "group_by": ["host"], "spread": 14 * 10**9})]}
DOCUMENT, PLAN = {**ROWS, "json": 2}, {**ROWS, "explain": True}
LIVE = {"kind": "changes", "format": "json", "epoch": "ns", "since": 1, "live": "header"}


def changed(place, name, change):
    """Of one row one value is another."""
    def perturb(rows):
        tags, row = rows[place]
        return rows[:place] + [(tags, {**row, name: change(row[name])})] + rows[place + 1:]
    return perturb


def no_null(rows):
    place = next(place for place, row in enumerate(rows) if row[1]["f"] is None)
    return changed(place, "f", lambda value: 3.5)(rows)


PERTURBED = [
    ("an integer is one more", ROWS, changed(4, "n", lambda value: value + 1)),
    ("an integer is a double", ROWS, changed(4, "n", float)),
    ("a double is an integer", ROWS, changed(0, "f", int)),
    ("the last bit of a double", ROWS, changed(5, "f", lambda value: value * (1 + 2**-52))),
    ("a double has another sign", ROWS, changed(4, "f", lambda value: -value)),
    ("a text has a space", ROWS, changed(6, "s", lambda value: value + " ")),
    ("a bool is the other", ROWS, changed(7, "b", lambda value: not value)),
    ("a bool is a number", ROWS, changed(7, "b", int)),
    ("a value is null", ROWS, changed(7, "u", lambda value: None)),
    ("a null is a value", ROWS, no_null),
    ("a time is 1 ns late", ROWS, changed(9, "time", lambda value: value + 1)),
    ("a row is missing", ROWS, lambda rows: rows[:8] + rows[9:]),
    ("the last row is missing", ROWS, lambda rows: rows[:-1]),
    ("a row is there twice", ROWS, lambda rows: rows[:8] + rows[7:]),
    ("two rows changed places", ROWS, lambda rows: rows[:8] + [rows[9], rows[8]] + rows[10:]),
    ("a series has another tag", ROWS, lambda rows: rows[:-1] + [((("host", "b"),), rows[-1][1])]),
    ("a mean is off by 1e-8 of it", MEANS, changed(2, "mean_f", lambda value: value * (1 + 1e-8))),
    ("a mean is an integer", MEANS, changed(0, "mean_f", int)),
    ("a count is one less", MEANS, changed(1, "count_s", lambda value: value - 1)),
    ("a window is missing", MEANS, lambda rows: rows[1:]),
    ("a row of a join is missing", JOIN, lambda rows: rows[:-1]),
    ("a row of a join is in another group", JOIN, lambda rows: [(B[:1], rows[0][1]), *rows[1:]]),
    ("a text of a join is of the row before", JOIN, changed(5, "rows.s", lambda value: "text 4")),
    ("a mean of a join is held for too short a time", JOIN, changed(6, "means.mean_n", lambda value: None)),
    ("a column computed of a mean is off by 1e-8 of it", JOIN, changed(8, "ratio", lambda value: value * (1 + 1e-8))),
    ("JSON asked for another answer", DOCUMENT, {"document": lambda text: text.replace("1.5", "1.25", 1)}),
    ("JSON asked for less", DOCUMENT, {"document": lambda text: text[:-1]}),
    ("a plan has a series too many", PLAN, {"plan": lambda told: {**told, "series": told["series"] + 1}}),
    ("a plan has a moment that is 1 ns early", PLAN, {"plan": lambda told: {**told, "as_of": told["as_of"][:-2] + "1Z"}}),
    ("a plan has too few rows", PLAN, {"plan": lambda told: {**told, "rows_at_least": 0, "rows_at_most": 39}}),
    ("a plan has too many rows", PLAN, {"plan": lambda told: {**told, "rows_at_least": told["rows_at_most"] + 1, "rows_at_most": 10**9}}),
    ("a live reader is told nothing of the last row", LIVE, {"live": lambda rows: rows[:-1]}),
    ("a live reader is told the value before", LIVE, {"live": changed(0, "n", lambda value: 9)}),
]


def self_test(program):
    data = tempfile.mkdtemp(prefix="weir-data-")
    try:
        with Server(program, data, ["--ballast-bytes", "1MiB"]) as server:
            server.start()
            trial = Trial(server, "m", History())
            for step in STEPS:
                trial.perform(step)
            for name, question, perturb in PERTURBED:
                trial.perturb = None
                trial.ask(dict(question))
                trial.perturb = perturb if isinstance(perturb, dict) else {"rows": perturb}
                try:
                    trial.ask(dict(question))
                except Difference:
                    continue
                raise AssertionError(f"not noticed: {name}")
    finally:
        shutil.rmtree(data, ignore_errors=True)
    # As if Weir lost rows whose n is 49: two points have it, one is enough to show it.
    text = shrink.shrunk(program, [*STEPS, {"kind": "flush"}], {**ROWS, "where": [("b", "!=", True)], "order": "desc"},
                         {"rows": lambda rows: [row for row in rows if row[1].get("n") != 49]})
    if " 1 points are left" not in text or "flush" in text or "where" in text or "n=49i" not in text:
        raise AssertionError(f"not made small: {text}")
