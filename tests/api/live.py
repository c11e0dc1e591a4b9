"""GET /v1/live: events as they are committed, resumed, slow readers, leavers, limits, the stop."""
import http.client
import json
import os
import random
import socket
import threading
import time

from changes import table
from deletes import delete
from steps import call, get, hangup, params, request, scenario, write
from tenants import bearer, tenant, tenants_file, token

NUMBER = frozenset()


class Stream:
    """A reader of one event stream."""

    def __init__(self, run, path="/v1/live?measurement=m&epoch=ns", headers=None, receive=None):
        self.run = run
        self.connection = http.client.HTTPConnection(*run.server.address, timeout=20)
        self.connection.connect()
        if receive:
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.connection.request("GET", path, headers=headers or {})
        self.answer = self.connection.getresponse()
        with run.lock:
            run.seen.add(("GET", "/v1/live", self.answer.status, None))
        if self.answer.status != 200:
            self.problem = json.loads(self.answer.read())
        elif self.answer.headers["content-type"] != "text/event-stream":
            run.fail(f"content type {self.answer.headers['content-type']}")

    def next(self):
        """The lines up to the next empty one as {"id": …, "event": …, "data": […], "comment": …}; None at the end."""
        found = {"data": []}
        while True:
            line = self.answer.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if not line:
                return found
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                found["data"].append(json.loads(value))
            else:
                found[name or "comment"] = value

    def event(self):
        """The next one that is an event."""
        while True:
            found = self.next()
            if found is None or found["data"]:
                return found

    def rows(self):
        event = self.event()
        if event is None or event.get("event") != "rows":
            self.run.fail(f"wanted rows, got {event}")
        return [(row["time"], row.get("host"), row["change"], row["f"]) for row in event["data"]], event.get("id")

    def close(self):
        self.answer.close()
        self.connection.close()


def put(run, text, **rest):
    run.request("POST", "/v1/points", 204, body=text, headers={"Content-Type": "text/plain", **rest})


def want(run, got, rows):
    if sorted(got, key=str) != sorted(rows, key=str):
        run.fail(f"wanted {rows}, got {got}")


def until(run, what, seconds=5):
    """Waits for it; the seconds that it took."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > seconds:
            run.fail(f"it is not so after {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - began


def readers(run, name="default", headers=None):
    text = run.request("GET", "/metrics", 200, headers=headers).text()
    line = [line for line in text.split("\n") if line.startswith('weir_live_readers{tenant="' + name + '"}')]
    return int(float(line[0].split()[-1])) if line else 0


def follow(run):
    put(run, "m,host=a f=1 1")
    stream = Stream(run)
    first = stream.next()
    if not first.get("id") or first["data"]:
        run.fail(f"the stream does not begin with where it is: {first}")
    delays = []
    for n in range(5):
        put(run, f"m,host=a f={n + 2} 1\nm,host=b f={n} {n}")
        began = time.monotonic()
        rows, id = stream.rows()
        delays.append(time.monotonic() - began)
        want(run, rows, [(1, "a", "changed", n + 2.0), (n, "b", "added", float(n))])
    if min(delays) > 0.25:
        run.fail(f"events come late: {delays}")
    run.request("POST", "/v1/admin/flush", 200)
    run.request("POST", "/v1/admin/compact", 200)
    put(run, "m,host=a f=6 1")  # as it is: no event
    run.request("DELETE", "/v1/points", 204, params=params(measurement="m", match="host=b", start=0, end=2))
    want(run, stream.rows()[0], [(0, "b", "removed", None), (1, "b", "removed", None)])
    stream.close()
    # What came meanwhile is told to who comes back, once.
    put(run, "m,host=c f=1 1\nm,host=c f=2 2")
    put(run, "m,host=c f=3 2")
    for path, headers in (("/v1/live?measurement=m&epoch=ns&since=1", {"Last-Event-ID": id}),):
        stream = Stream(run, path, headers)
        want(run, stream.rows()[0], [(0, "b", "removed", None), (1, "b", "removed", None), (1, "c", "added", 1.0), (2, "c", "added", 3.0)])
        stream.close()
    stream = Stream(run, "/v1/live?measurement=m&match=host%3Dc&epoch=ns&since=0&start=2")
    want(run, stream.rows()[0], [(2, "c", "added", 3.0)])
    put(run, "m,host=a f=9 9\nm,host=c f=9 1")  # neither is asked for
    put(run, "m,host=c f=9 9")
    want(run, stream.rows()[0], [(9, "c", "added", 9.0)])
    stream.close()


def heartbeat(run):
    put(run, "m f=1 1")
    stream, began, ids = Stream(run), time.monotonic(), set()
    for _ in range(5):
        beat = stream.next()
        if beat["data"] or beat.get("comment") != beat.get("id") or "event" in beat:
            run.fail(f"this is no heartbeat: {beat}")
        ids.add(beat["id"])
    if not 0.7 < time.monotonic() - began < 10 or len(ids) != 1:
        run.fail(f"five heartbeats of 200 ms took {time.monotonic() - began} s, ids {ids}")
    put(run, "other f=1 1")  # the place to go on from moves with the watermark
    until(run, lambda: stream.next()["id"] not in ids)
    stream.close()


def slow(run):
    """It sleeps through many commits, then gets what they came to."""
    stream = Stream(run, "/v1/live?measurement=m&epoch=ns", receive=4096)
    text = "x" * 3000
    for turn in range(150):
        put(run, "\n".join(f'm,host=h{n} f={turn},s="{turn} {text}" {n}' for n in range(50)))
    put(run, 'm,host=last f=1,s="" 1')
    sent = run.metrics()["weir_live_rows_total", NUMBER]
    copy, event = {}, {}
    while (1, "last") not in copy or "id" not in event:
        event = stream.event()
        for row in event["data"]:
            copy[row["time"], row["host"]] = row["f"]
    total = run.metrics()["weir_live_rows_total", NUMBER]
    if len(copy) != 51 or any(value != 149 for (_, host), value in copy.items() if host != "last"):
        run.fail(f"the copy is {copy}")
    if total > 150 * 50 * 0.7:
        run.fail(f"{sent}, then {total} rows were sent of 7,500 that were written: they were queued")
    stream.close()


def given_up(run):
    return run.metrics()["weir_answers_given_up_total", NUMBER]


def holds_too_much(run):
    """It takes nothing of an event of one row of 8 MB, which holds the head of its moment (the row is in it: a generation takes
    16 MiB): it is cut when that is too much, long before idle_ms_max."""
    put(run, "m,host=a " + ",".join(f's{n}="{"x" * 60000}"' for n in range(130)) + " 1")
    stream = Stream(run, "/v1/live?measurement=m&epoch=ns&since=0", receive=4096)
    until(run, lambda: readers(run) == 1)
    time.sleep(0.5)  # the connection's own buffers are full
    before, began = given_up(run), time.monotonic()
    turn = 0
    while given_up(run) == before:  # the head is sealed beside it, now and then
        if time.monotonic() - began > 20:
            run.fail(f"{turn} MB went by, and the answer still holds what it held")
        turn += 1
        put(run, "\n".join(f'other,host=h{n} s="{turn} {"y" * 3000}" {n}' for n in range(300)))
    took = until(run, lambda: readers(run) == 0, 10)
    if took > 2 or time.monotonic() - began > 25:
        run.fail(f"the reader was there for {took} s after it had been given up, {time.monotonic() - began} s in all")
    stream.close()
    # Whoever comes back and reads gets it.
    stream = Stream(run, "/v1/live?measurement=m&epoch=ns&since=0")
    if len(stream.event()["data"][0]["s129"]) != 60000:
        run.fail("the row is not whole")
    stream.close()


def catch_up(run):
    for part in range(5):
        put(run, "\n".join(f"m,host=h{n % 7} f={n} {n}" for n in range(part * 10000, part * 10000 + 10000)))
    stream, seen, events = Stream(run, "/v1/live?measurement=m&epoch=ns&since=0"), set(), 0
    began = time.monotonic()
    while True:
        event = stream.event()
        events += 1
        for row in event["data"]:
            key = row["time"], row["host"]
            if key in seen:
                run.fail(f"{key} is told twice")
            seen.add(key)
        if "id" in event:
            break
    if len(seen) != 50000 or events < 10:
        run.fail(f"{len(seen)} rows in {events} events")
    if time.monotonic() - began > 20:
        run.fail(f"50,000 rows took {time.monotonic() - began} s")
    put(run, "m,host=h0 f=-1 0")
    want(run, stream.rows()[0], [(0, "h0", "changed", -1.0)])
    stream.close()


def catch_up_gives_way(run):
    """One thread for queries, and a reader that would keep it for as long as it is told what there is."""
    total = 300000
    for part in range(0, total, 50000):
        put(run, "\n".join(f"m f={n} {n}" for n in range(part, part + 50000)))
    stream, told, asked = Stream(run, "/v1/live?measurement=m&epoch=ns&since=0"), [0], threading.Event()

    def follow_all():
        while told[0] < total:
            told[0] += len(stream.event()["data"])
            if told[0] > 10000:
                asked.set()

    reader = threading.Thread(target=follow_all)
    reader.start()
    asked.wait(20)
    run.request("GET", "/v1/query", 200, params=params(measurement="m", limit=1))
    answered = told[0]
    reader.join(60)
    if not 10000 < answered < total / 2 or told[0] != total:
        run.fail(f"the query was answered when {answered} of {told[0]} rows were told")
    stream.close()


def copy_is_kept(run):
    """Reconnecting whenever it likes, with what it saw last."""
    chance, copy, id = random.Random(7), {}, None
    put(run, "m,host=a f=0 0")
    stream = Stream(run, "/v1/live?measurement=m&epoch=ns&since=0")
    for turn in range(60):
        if chance.random() < 0.2:
            run.request("DELETE", "/v1/points", 204, params=params(measurement="m", start=turn % 20, end=turn % 20 + 5))
        put(run, "\n".join(f"m,host={chance.choice('ab')} f={turn} {chance.randrange(20)}" for _ in range(4)))
        put(run, f"m,host=end f={turn + 1} 100")
        if turn == 30:
            run.request("POST", "/v1/admin/compact", 200)
        while copy.get((100, "end"), {}).get("f") != turn + 1:
            event = stream.event()
            for row in event["data"]:
                key = row.pop("time"), row.pop("host")
                change, _ = row.pop("change"), row.pop("known_from")
                copy.pop(key, None)
                if change != "removed":
                    copy[key] = row
            id = event.get("id", id)
        if copy != table(run):
            run.fail(f"turn {turn}: the copy is {copy}, the rows are {table(run)}")
        if chance.random() < 0.3:
            stream.close()
            stream = Stream(run, headers={"Last-Event-ID": id})
    stream.close()


def leavers(run):
    put(run, "m f=1 1")
    def state():
        return len(os.listdir(f"/proc/{run.server.pid}/fd"))
    before = state()
    for turn in range(3):
        streams = [Stream(run, f"/v1/live?measurement=m&epoch=ns&since={'0' if n % 2 else 'now'}") for n in range(100)]
        if readers(run) != 100:
            run.fail(f"{readers(run)} of 100 readers are counted")
        for stream in streams:
            stream.close()
        if turn == 1:
            put(run, "m f=2 1")
        took = until(run, lambda: readers(run) == 0 and state() <= before + 2)
        if took > 1.5:  # a second, and the time that asking takes
            run.fail(f"100 readers that left were there for {took} s")


def stop(run):
    put(run, "m f=1 1")
    streams = [Stream(run, f"/v1/live?measurement=m&since={n % 2}" if n % 2 == 0 else "/v1/live?measurement=m") for n in range(20)]
    for stream in streams:
        stream.next()
    began = time.monotonic()
    code = run.server.stop()
    took = time.monotonic() - began
    for stream in streams:
        while stream.next() is not None:  # raises when the last chunk is missing
            pass
        stream.close()
    if code != 0 or took > 5:
        run.fail(f"exit {code} after {took} s with 20 readers")
    run.server.start()


def too_many(run):
    headers = bearer("t")
    put(run, "m f=1 1", **headers)
    streams = []
    for n in range(3):
        streams.append(Stream(run, headers=headers))
        if streams[-1].answer.status != 200:
            run.fail(f"reader {n + 1} of 3: {streams[-1].answer.status}")
    run.request("GET", "/v1/live?measurement=m", 429, headers=headers, code="too_many_live_readers")
    other = Stream(run, headers=bearer("u"))  # has its own
    streams.pop().close()
    until(run, lambda: readers(run, "t", headers) == 2)
    streams.append(Stream(run, headers=headers))
    put(run, "m f=2 1", **headers)
    for stream in streams:
        want(run, stream.rows()[0], [(1, None, "changed", 2.0)])
    for stream in (*streams, other):
        stream.close()


def tenants_apart(run):
    put(run, "m f=1 1", **bearer("aall"))
    stream = Stream(run, "/v1/live?measurement=m&epoch=ns&since=0", bearer("bread"))
    put(run, "m f=2 1", **bearer("aall"))
    put(run, "m f=3 3", **bearer("ball"))
    want(run, stream.rows()[0], [(3, None, "added", 3.0)])
    run.saved["stream"] = stream


def taken_away(run):
    stream = run.saved["stream"]
    for n in range(100):
        put(run, f"m f={n} 4", **bearer("ball"))
        event = stream.event()
        if event["event"] == "error":
            break
    if event["event"] != "error" or event["data"][0]["code"] != "unauthorized" or stream.next() is not None:
        run.fail(f"the token is gone, and the stream goes on: {event}")


def fails_in_the_middle(run):
    stream = Stream(run)
    stream.next()
    put(run, "\n".join(f"m f=1 {n}" for n in range(5)))
    if len(stream.event()["data"]) != 5:
        run.fail("five rows are within the limit")
    put(run, "\n".join(f"m f=2 {n}" for n in range(4)))
    event = stream.event()
    if event["event"] != "error" or event["data"][0]["code"] != "query_rows_limit" or "id" in event:
        run.fail(f"wanted an error, got {event}")
    if stream.next() is not None:
        run.fail("the stream goes on after an error")


A = tenant("alpha", token("aall"), token("awrite", ["write"]), token("aadmin", ["admin"]))
SCENARIOS = [
    scenario("events come with what changed, and go on where they were", call(follow)),
    scenario("a quiet stream says that it is there", call(heartbeat), flags=["--limit-live-heartbeat-ms-max", "200ms"]),
    scenario("a slow reader gets what it came to, not each step", call(slow)),
    scenario("a slow reader of a row of megabytes is given up when it holds too much", call(holds_too_much),
             flags=["--limit-head-bytes-max", "24MiB", "--limit-generation-bytes-max", "16MiB", "--limit-line-bytes-max", "16MiB"]),
    scenario("what there was comes in pieces first", call(catch_up)),
    scenario("who is told all there is does not hold up queries", call(catch_up_gives_way), flags=["--query-threads", "1"]),
    scenario("a copy that is kept by events is the answer", call(copy_is_kept)),
    scenario("readers that leave are gone within a second", call(leavers)),
    scenario("the stop ends streams and does not wait for them", call(stop)),
    scenario("live_max readers of a tenant, and no more", call(too_many),
             tenants=[tenant("t", token("t"), limits={"live_max": 3}), tenant("u", token("u"))]),
    scenario("tenants are apart, scopes are needed, and a token that is taken away ends the stream",
             get("/v1/live?measurement=m", 401, code="unauthorized"),
             get("/v1/live?measurement=m", 403, headers=bearer("awrite"), code="forbidden"),
             get("/v1/live?measurement=m", 403, headers=bearer("aadmin"), code="forbidden"),
             call(tenants_apart), hangup("tenants.yaml", tenants_file([A, tenant("beta", token("ball"))])), call(taken_away),
             tenants=[A, tenant("beta", token("ball"), token("bread", ["read"]))]),
    scenario("a fault in the middle is an event, and the end", call(fails_in_the_middle), flags=["--limit-query-rows-max", "7"]),
    scenario("faults before the first event are answers",
             write("m f=1 1"), delete("measurement=m&start=0&end=1"),
             get("/v1/live", 400, code="missing_parameter"), get("/v1/live?measurement=m&since=x", 400, code="bad_parameter"),
             get("/v1/live?measurement=m", 400, headers={"Last-Event-ID": "x"}, code="bad_parameter"),
             get("/v1/live?measurement=m&since=1", 410, code="before_history"),
             get("/v1/live?measurement=m&since=now%2B1h", 400, code="as_of_in_future"),
             get("/v1/live?measurement=m&limit=1", 400, code="unknown_parameter"),
             request("HEAD", "/v1/live?measurement=m", 200, empty=True)),
    scenario("no reader, at a limit of none", get("/v1/live?measurement=m", 429, code="too_many_live_readers"), flags=["--limit-live-max", "0"]),
]
