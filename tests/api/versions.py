"""Corrections, retractions, as_of, versions=all, the history floor."""
from steps import Saved, call, params, query, request, scenario, stable, write


def at(name, **rest):
    return query("measurement=m&epoch=ns", params=params(as_of=Saved(name)), **rest)


def mark(name):
    return query("measurement=m", save={name: "as_of"})


SCENARIOS = [
    scenario("a correction wins, field by field, and as_of answers as before, for ever",
             write("m f=1,g=1 1\nm f=2,g=2 2"), mark("first"),
             write("m f=10 1"), mark("second"),
             write("m g=20 2\nm f=3 3"),
             stable(query("measurement=m&epoch=ns", rows=[[1, 10.0, 1.0], [2, 2.0, 20.0], [3, 3.0, None]]),
                    at("second", rows=[[1, 10.0, 1.0], [2, 2.0, 2.0]]),
                    at("first", rows=[[1, 1.0, 1.0], [2, 2.0, 2.0]]))),
    scenario("corrections between head and pack, in both orders",
             write("m f=1 1"), mark("one"), request("POST", "/v1/admin/flush"),
             write("m f=2 1"), mark("two"), request("POST", "/v1/admin/flush"), write("m f=3 1"), mark("three"),
             stable(query("measurement=m&epoch=ns", rows=[[1, 3.0]]), at("one", rows=[[1, 1.0]]),
                    at("two", rows=[[1, 2.0]]), at("three", rows=[[1, 3.0]]),
                    query("measurement=m&epoch=ns&every=1s&agg=count,sum", rows=[[0, 1, 3.0]]))),
    scenario("a retraction takes a field away; the row goes with its last field",
             write("m f=1,g=1 1"), mark("before"),
             write([{"measurement": "m", "time": 1, "fields": {"f": None}}]), mark("between"),
             query("measurement=m&epoch=ns", rows=[[1, None, 1.0]]),
             write([{"measurement": "m", "time": 1, "fields": {"g": None}}]),
             stable(query("measurement=m&epoch=ns", rows=[]),
                    query("measurement=m&epoch=ns&every=1s&agg=count", rows=[]),
                    at("before", rows=[[1, 1.0, 1.0]]), at("between", rows=[[1, None, 1.0]]))),
    scenario("a retracted field can come again",
             write("m f=1 1"), write([{"measurement": "m", "time": 1, "fields": {"f": None}}]), write("m f=3 1"),
             stable(query("measurement=m&epoch=ns", rows=[[1, 3.0]]))),
    scenario("versions=all shows every version once, with its span of knowledge",
             write("m f=1 1"), write("m f=2 1"), write("m f=2 1"), write([{"measurement": "m", "time": 1, "fields": {"f": None}}]),
             stable(query("measurement=m&epoch=ns&versions=all", that=lambda run, answer: check_versions(run, answer)))),
    scenario("as_of must not lie in the future",
             write("m f=1 1"),
             query("measurement=m&as_of=now%2B1h", 400, code="as_of_in_future"),
             query("measurement=m&as_of=2200-01-01T00:00:00Z", 400, code="as_of_in_future")),
    scenario("as_of before the history floor is 410 with the earliest time",
             write("m f=1 1"),
             query("measurement=m&as_of=now-91d", 410, code="before_history"),
             query("measurement=m&as_of=now-89d&epoch=ns", rows=[])),
    scenario("an explicit as_of repeats to the byte",
             write("\n".join(f"m,host={h} f={n} {n}" for h in "abc" for n in range(50))), mark("then"),
             call(lambda run: repeat(run))),
]


def check_versions(run, answer):
    import json
    body = json.loads(answer.text())
    columns = body["series"][0]["columns"]
    place = columns.index("f")
    got = [row[place] for row in body["series"][0]["rows"]]
    if got != [1, 2] or "known_from" not in columns or "known_to" not in columns:
        run.fail(f"wanted 1, 2 with known_from and known_to, got {columns} {body['series'][0]['rows']}")
    first, last = columns.index("known_from"), columns.index("known_to")
    rows = body["series"][0]["rows"]
    for row, after in zip(rows, rows[1:]):
        if row[last] != after[first]:
            run.fail(f"a version's known_to is not the next one's known_from: {rows}")
    if rows[-1][last] is None:
        run.fail(f"the last version was retracted and has no end: {rows}")


def repeat(run):
    import json
    path = "/v1/query?measurement=m&as_of=$then"
    def series():
        return json.dumps(json.loads(run.request("GET", path).text())["series"])
    first = series()
    for n in range(5):
        run.request("POST", "/v1/points", 204, body=f"m,host=a f={n + 100} {n}\nm,host=d f=1 {n}",
                    headers={"Content-Type": "text/plain"})
        if n == 2:
            run.request("POST", "/v1/admin/flush", 200)
        if series() != first:
            run.fail(f"as_of answered differently after correction {n}")
