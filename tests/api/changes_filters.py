"""where= of GET /v1/changes and GET /v1/live: what differs between two answers with the same condition."""
import json
import random

from changes import changes, compare, mark, moments, table
from live import Stream, put, want
from steps import call, get, params, request, scenario, stable, write
from deletes import delete

CONDITIONS = [{"where": "f>1"}, {"where": ["f>1", "g<3"]}, {"where": "f>1", "fields": "g"}, {"where": "g!=2", "match": "host=a"},
              {"where": "f<=2", "start": 50, "end": 120, "order": "desc"}]


def random_moments(seed):
    def go(run):
        times, chance, rows = moments(run, seed), random.Random(seed), 0
        pairs = [(times[0], times[-1]), (times[-2], times[-1])] + [tuple(sorted(chance.sample(times, 2))) for _ in range(4)]
        for state in ("head and packs", "sealed", "compacted", "restarted"):
            if state == "sealed":
                run.request("POST", "/v1/admin/flush", 200)
            elif state == "compacted":
                run.request("POST", "/v1/admin/compact", 200)
            elif state == "restarted":
                run.do_restart(None)
            for asked in CONDITIONS:
                for since, as_of in pairs:
                    rows += compare(run, since, as_of, **asked)
        if rows < 300:
            run.fail(f"there is next to nothing to compare: {rows} rows")
    return call(go)


def copy_is_kept(run):
    """Of rows above 30 alone, by events that are resumed now and then: no other row is ever told."""
    chance, copy, id, path = random.Random(9), {}, None, "/v1/live?measurement=m&epoch=ns&since=0&where=f%3E30"
    put(run, "m,host=end f=100 100")
    stream = Stream(run, path)
    for turn in range(30):
        if chance.random() < 0.2:
            run.request("DELETE", "/v1/points", 204, params=params(measurement="m", start=turn % 20, end=turn % 20 + 5))
        put(run, "\n".join(f"m,host={chance.choice('ab')} f={chance.randrange(60)} {chance.randrange(20)}" for _ in range(4)))
        put(run, f"m,host=end f={turn + 101} 100")
        if turn == 15:
            run.request("POST", "/v1/admin/compact", 200)
        while copy.get((100, "end"), {}).get("f") != turn + 101:
            event = stream.event()
            for row in event["data"]:
                key = row.pop("time"), row.pop("host")
                change, _ = row.pop("change"), row.pop("known_from")
                if (key in copy) == (change == "added") or (change != "removed" and row["f"] <= 30):
                    run.fail(f"{key} is {change} to {row}, and the copy has {copy.get(key)}")
                copy.pop(key, None)
                if change != "removed":
                    copy[key] = row
            id = event.get("id", id)
        if copy != table(run, where="f>30"):
            run.fail(f"turn {turn}: the copy is {copy}, the rows are {table(run, where='f>30')}")
        if chance.random() < 0.3:
            stream.close()
            stream = Stream(run, path, {"Last-Event-ID": id})
    stream.close()


def alarms(run):
    """What a row below the condition does is no event; leaving it and coming back is."""
    put(run, "m,host=a f=95 1\nm,host=b f=10 1")
    stream = Stream(run, "/v1/live?measurement=m&epoch=ns&where=f%3E90")
    stream.next()
    put(run, "m,host=b f=11 1\nm,host=b f=12 2")
    put(run, "m,host=a f=50 1")
    want(run, stream.rows()[0], [(1, "a", "removed", None)])
    put(run, "m,host=b f=91 1\nm,host=b f=90 2")
    want(run, stream.rows()[0], [(1, "b", "added", 91.0)])
    run.request("DELETE", "/v1/points", 204, params=params(measurement="m", match="host=b"))  # of time 2 there is nothing to take back
    want(run, stream.rows()[0], [(1, "b", "removed", None)])
    stream.close()


SCENARIOS = [
    scenario("a row that passes is told, one that does not any more is removed, others are not told",
             write('m,host=a f=95,s="x" 1\nm,host=a f=10,s="x" 2\nm,host=a f=99,s="y" 3\nm,host=a f=99 4'), mark("first"),
             write('m,host=a f=50 1\nm,host=a f=92 2\nm,host=a s="x" 3\nm,host=a f=1 9'), delete("measurement=m&start=4&end=5"), mark("second"),
             stable(changes("measurement=m&epoch=ns&format=csv&fields=f&where=f%3E90", since="first", contains=[
                        "time,change,known_from,host,f\n1,removed,", ",a,\n2,added,", ",a,92.0\n4,removed,"]),
                    # Merged field by field: the condition is on one version's field, what is told is another's.
                    changes("measurement=m&epoch=ns&fields=f&where=s%3Dx", since="first", contains=['[1,"changed",', '[2,"changed",', '[3,"added",', ',99.0]]}']),
                    changes("measurement=m&epoch=ns&where=f%3E90&where=s%3Dx", since="first", contains=['[1,"removed",', '[2,"added",', '[3,"added",']),
                    changes("measurement=m&epoch=ns&where=f%3E1000", since="first", rows=[]),
                    changes("measurement=m&epoch=ns&where=f%3E90", since="second", rows=[]))),
    scenario("what differs is what two answers with the condition show", random_moments(3), random_moments(4)),
    scenario("a copy of the rows above a value is kept by events", call(copy_is_kept)),
    scenario("a reader of high values hears of these alone", call(alarms)),
    scenario("a cursor is of its condition",
             write("m f=1 1"), mark("first"), write("m f=2 1\nm f=3 2"),
             changes("measurement=m&epoch=ns&limit=1&where=f%3E1", since="first", save={"next": "next"}, contains='[1,"added"'),
             get("/v1/changes?measurement=m&epoch=ns&limit=1&since=$first&where=f%3E1&cursor=$next", contains='[2,"added"', json={"next": None}),
             get("/v1/changes?measurement=m&epoch=ns&limit=1&since=$first&where=f%3E2&cursor=$next", 400, code="bad_cursor")),
    scenario("conditions that make no sense, and what is for one moment alone",
             write('m f=1,s="a" 1'), mark("first"),
             *(get(f"/v1/{path}measurement=m&{text}", 400, code=code, contains=part)
               for path in ("changes?since=now&", "live?")
               for text, code, part in (("where=f", "bad_parameter", "where"), ("where=f%3Dx", "bad_parameter", "want a number"),
                                        ("where=s%3E1", "bad_parameter", "holds strings"), ("let=a%3Df*2", "not_supported", "GET /v1/query"),
                                        ("top=3,f", "not_supported", "GET /v1/query"), ("bottom=3,f", "not_supported", "GET /v1/query"))),
             changes("measurement=m&since=now&" + "&".join(["where=f%3E1"] * 65), want=400, code="bad_parameter", contains="at most 64"),
             changes("measurement=m&epoch=ns&where=none%3E1&since=0", json={"series": []})),
]
