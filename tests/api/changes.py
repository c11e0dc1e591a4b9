"""GET /v1/changes: what differs between two moments, against two answers as of them; pages, deletions, compaction."""
import json
import random
import time
from datetime import datetime, timezone

from deletes import delete
from steps import Saved, call, get, params, query, restart, scenario, stable, write
from tenants import bearer, tenant, token


def changes(text="measurement=m&epoch=ns", since=None, want=200, **rest):
    return get("/v1/changes?" + text, want, params=params(**({"since": Saved(since)} if since else {})), **rest)


def mark(name):
    return query("measurement=m", save={name: "as_of"})


def table(run, **asked):
    """(time, host) -> values, as of a moment."""
    answer = run.request("GET", "/v1/query", 200, params=params(measurement="m", epoch="ns", shape="rows", **asked))
    return {(row.pop("time"), row.pop("host")): row for row in json.loads(answer.text())["rows"]}


def told(run, since, as_of, **asked):
    """(time, host) -> (change, values), put together from pages; what known_from says is looked up."""
    found, cursor = {}, None
    while True:
        answer = run.request("GET", "/v1/changes", 200, params=params(
            measurement="m", epoch="ns", shape="rows", since=since, as_of=as_of, limit=37, **({"cursor": cursor} if cursor else {}), **asked))
        body = json.loads(answer.text())
        for row in body["rows"]:
            key = row.pop("time"), row.pop("host")
            if key in found:
                run.fail(f"{key} is told twice")
            found[key] = row.pop("change"), row.pop("known_from"), row
        cursor = body["next"]
        if not cursor:
            return found


def compare(run, since, as_of, erased=(), **asked):
    before, now, found = table(run, as_of=since, **asked), table(run, as_of=as_of, **asked), told(run, since, as_of, **asked)
    want = {}
    for key in before.keys() | now.keys():
        if before.get(key) != now.get(key):
            change = "added" if key not in before else "removed" if key not in now else "changed"
            want[key] = change, now.get(key) or dict.fromkeys(before[key])
    got = {key: (change, values) for key, (change, _, values) in found.items() if key not in erased}
    if got != want:
        wrong = [key for key in got.keys() | want.keys() if got.get(key) != want.get(key)][:5]
        run.fail(f"changes since {since} as of {as_of} {asked}: " + "; ".join(f"{key}: got {got.get(key)}, wanted {want.get(key)}" for key in wrong))
    # What holds from known_from on did not hold a moment before.
    for key, (_, known_from, _) in random.Random(1).sample(sorted(found.items(), key=str), min(3, len(found))):
        row = {**asked, "start": key[0], "end": key[0] + 1}
        at, was = table(run, as_of=known_from, **row), table(run, as_of=known_from - 1, **row)
        if key not in erased and (at.get(key) != now.get(key) or was.get(key) == now.get(key)):
            run.fail(f"{key} is as it is from {known_from} on? {was.get(key)}, then {at.get(key)}, now {now.get(key)}")
    return len(want)


def moment(run):
    """S as an integer."""
    text = json.loads(run.request("GET", "/v1/query", 200, params=params(measurement="m", limit=1)).text())["as_of"].rstrip("Z")
    whole, _, part = text.partition(".")
    return int(datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp()) * 10**9 + int((part + "0" * 9)[:9] or 0)


def moments(run, seed):
    """Writes, corrects, retracts and deletes at random; the moments between."""
    chance, times = random.Random(seed), []
    for _ in range(12):
        for _ in range(chance.randrange(1, 4)):
            lines = []
            for _ in range(chance.randrange(1, 40)):
                fields = {name: chance.choice([None, 1, 2, 3]) for name in chance.sample(["f", "g"], chance.randrange(1, 3))}
                lines.append({"measurement": "m", "tags": {"host": chance.choice("abc")}, "time": chance.randrange(200), "fields": fields})
            run.request("POST", "/v1/points", 204, body=json.dumps(lines), headers={"Content-Type": "application/json"})
        if chance.random() < 0.4:
            first = chance.randrange(200)
            run.request("DELETE", "/v1/points", 204, params=params(measurement="m", start=first, end=first + chance.randrange(1, 40), **chance.choice(
                [{}, {"fields": "f"}, {"match": "host=a"}])))
        if chance.random() < 0.3:
            run.request("POST", "/v1/admin/flush", 200)
        if chance.random() < 0.15:
            run.request("POST", "/v1/admin/compact", 200)
        times.append(moment(run))
    return times


def random_moments(seed):
    def go(run):
        times, chance, rows = moments(run, seed), random.Random(seed), 0
        pairs = [(0, times[-1]), (times[-2], times[-1])] + [tuple(sorted(chance.sample(times, 2))) for _ in range(6)]
        for state in ("head and packs", "sealed", "compacted", "restarted"):
            if state == "sealed":
                run.request("POST", "/v1/admin/flush", 200)
            elif state == "compacted":
                run.request("POST", "/v1/admin/compact", 200)
            elif state == "restarted":
                run.do_restart(None)
            answers = {}
            for since, as_of in pairs:
                if since:
                    rows += compare(run, since, as_of)
                    rows += compare(run, since, as_of, fields="f", match="host=a")
                    rows += compare(run, since, as_of, start=50, end=120, order="desc")
                answers[since, as_of] = run.request("GET", "/v1/changes", 200, params=params(measurement="m", since=since, as_of=as_of)).text()
            if state != "head and packs" and answers != run.saved["answers"]:
                run.fail(f"{state}: the answers are others than before")
            run.saved["answers"] = answers
        if rows < 100:
            run.fail(f"there is next to nothing to compare: {rows} rows")
    return call(go)


def etag_holds(run):
    path = "/v1/changes?measurement=m&epoch=ns&since=$first&as_of=$second"
    first = run.request("GET", path, 200)
    run.request("GET", path, 304, headers={"If-None-Match": first.headers["etag"]})
    other = run.request("GET", "/v1/changes?measurement=m&epoch=ns&since=$second&as_of=$second", 200)
    plain = run.request("GET", "/v1/query?measurement=m&epoch=ns&as_of=$second", 200)
    if len({first.headers["etag"], other.headers["etag"], plain.headers["etag"]}) != 3:
        run.fail("answers to other questions have one ETag")


def follow(run):
    """The as_of of an answer is the next since: a copy is kept by what is told."""
    copy, since, chance = {}, 0, random.Random(5)
    for turn in range(20):
        run.request("POST", "/v1/points", 204, body="\n".join(f"m,host={chance.choice('ab')} f={turn} {chance.randrange(30)}" for _ in range(5)), headers={"Content-Type": "text/plain"})
        if turn % 4 == 3:
            run.request("DELETE", "/v1/points", 204, params=params(measurement="m", start=turn, end=turn + 3))
        if turn % 5 == 2:
            run.request("POST", "/v1/admin/compact", 200)
        answer = json.loads(run.request("GET", "/v1/changes", 200, params=params(measurement="m", epoch="ns", shape="rows", since=since)).text())
        for row in answer["rows"]:
            key = row.pop("time"), row.pop("host")
            change, _ = row.pop("change"), row.pop("known_from")
            if (key in copy) == (change == "added"):
                run.fail(f"{key} is {change}, and the copy has {copy.get(key)}")
            copy.pop(key, None)
            if change != "removed":
                copy[key] = row
        since = answer["as_of"]
        if copy != table(run):
            run.fail(f"turn {turn}: the copy is {copy}, the rows are {table(run)}")


def narrow_deletions(run):
    """1,200 of a few times each, of one series, of some, of all; between them lie rows that have not changed."""
    total, chance = 6000, random.Random(11)
    for first in range(0, total, 2000):
        run.request("POST", "/v1/points", 204, headers={"Content-Type": "text/plain"}, body="\n".join(
            f"m,host={host} f={n % 7},g={n} {n}" for host in "abc" for n in range(first, first + 2000)))
        run.request("POST", "/v1/admin/flush", 200)
    since, middle = moment(run), None
    for n in range(1200):
        first = n * 7919 % total
        run.request("DELETE", "/v1/points", 204, params=params(measurement="m", start=first, end=first + chance.randrange(1, 3), **chance.choice(
            [{}, {"match": "host=a"}, {"match": "host!=a"}, {"match": "host=~b|c"}, {"fields": "f"}])))
        if n == 700:
            middle = moment(run)
    run.request("POST", "/v1/points", 204, body="\n".join(f"m,host=b f=9 {n}" for n in range(0, total, 50)), headers={"Content-Type": "text/plain"})
    now = moment(run)
    for state in ("packs", "compacted"):
        if state == "compacted":
            run.request("POST", "/v1/admin/compact", 200)
        rows = 0
        for first, last in ((since, now), (since, middle), (middle, now)):
            rows += compare(run, first, last, start=1000, end=2200)
            rows += compare(run, first, last, start=3990, end=4500, order="desc", match="host!=c")
        if rows < 500:
            run.fail(f"{state}: there is next to nothing to compare: {rows} rows")


SCENARIOS = [
    scenario("added, changed and removed, each with the values of now",
             write("m,host=a f=1,g=1 1\nm,host=a f=2 2\nm,host=b f=3 3"), mark("first"),
             write("m,host=a g=5 1\nm,host=a f=4 4"), delete("measurement=m&match=host%3Db"), mark("second"),
             stable(changes(since="first", columns=["time", "change", "known_from", "f", "g"]),
                    changes("measurement=m&epoch=ns&format=ndjson&fields=g", since="first", contains=['{"time":1,"change":"changed"', '"rows":1']),
                    changes("measurement=m&epoch=ns&format=csv&match=host%3Db", since="first", contains=["time,change,known_from,host,f,g\n3,removed,", ",b,,\n"]),
                    changes("measurement=m&epoch=ns&match=host%3Da&fields=f", since="first", contains='"rows":[[4,"added",'),
                    changes(since="second", rows=[]))),
    scenario("what differs is what two answers as of two moments show", random_moments(1), random_moments(2)),
    scenario("what differs after more than a thousand narrow deletions", call(narrow_deletions)),
    scenario("a copy that is kept by changes is the answer", call(follow)),
    scenario("pages and ETags are those of a query",
             write("m f=1 1"), mark("first"), write("m f=2 1\nm f=3 2"), mark("second"), call(etag_holds),
             changes("measurement=m&epoch=ns&limit=1", since="first", save={"next": "next"}, contains='[1,"changed"'),
             get("/v1/changes?measurement=m&epoch=ns&limit=1&since=$first&cursor=$next", contains='[2,"added"', json={"next": None}),
             get("/v1/changes?measurement=m&epoch=ns&limit=1&since=$second&cursor=$next", 400, code="bad_cursor"),
             get("/v1/query?measurement=m&epoch=ns&limit=1&cursor=$next", 400, code="bad_cursor"),
             changes("measurement=m&format=csv&limit=1", since="first", headers_out={"Weir-As-Of": Saved("second")})),
    scenario("erased rows are removed until compaction has taken them",
             write("m f=1 1\nm f=2 2"), mark("first"), delete("measurement=m&start=2&end=3&erase=true", 200), mark("second"),
             query("measurement=m&epoch=ns", params=params(as_of=Saved("first")), rows=[[1, 1.0]]),
             changes(since="first", rows=[]), restart(), changes(since="first", rows=[])),
    scenario("moments that cannot be told, and parameters that are not there",
             write("m f=1 1"), mark("first"),
             changes("measurement=m&since=now-91d", want=410, code="before_history"),
             changes("measurement=m&epoch=ns&since=0", contains='[1,"added"'),
             changes("measurement=m&epoch=ns&since=1", want=410, code="before_history"),
             changes("measurement=m&since=now-89d&epoch=ns", contains='[1,"added"'),
             changes("measurement=m&since=now%2B1h", want=400, code="as_of_in_future"),
             changes("measurement=m&since=now&as_of=now-1h", want=400, code="bad_parameter"),
             changes("measurement=m", want=400, code="missing_parameter"),
             changes("since=now", want=400, code="missing_parameter"),
             changes("measurement=m&since=now&agg=mean", want=400, code="unknown_parameter"),
             changes("measurement=m&since=now&format=line_protocol", want=400, code="bad_parameter"),
             changes("measurement=none&since=now-1h", json={"series": []})),
    scenario("where nothing was committed since, the history floor is no matter",
             write("m f=1 1", headers=bearer("t")), query("measurement=m", headers=bearer("t"), save={"first": "as_of"}),
             call(lambda run: time.sleep(1.3)),
             changes("measurement=m&epoch=ns", since="first", headers=bearer("t"), rows=[]),
             write("m f=2 1", headers=bearer("t")),
             changes("measurement=m&epoch=ns", since="first", headers=bearer("t"), want=410, code="before_history"),
             tenants=[tenant("t", token("t"), history="1s")]),
    scenario("all versions that are read count for query_rows_max",
             write("m f=1 1"), write("m f=2 1"), write("m f=3 1"),
             changes("measurement=m&since=now-1d", want=422, code="query_rows_limit"), flags=["--limit-query-rows-max", "2"]),
    scenario("three versions are three rows", write("m f=1 1"), write("m f=2 1"), write("m f=3 1"),
             changes("measurement=m&since=now-1d&epoch=ns", contains='[1,"added"'), flags=["--limit-query-rows-max", "3"]),
]
