"""Writes of a tenant with a shard: those that wait for it, and those that it holds up.  The shard is a peer that speaks MongoDB's
protocol; with real databases, and with those who kill them: tests/delivery."""
import threading
import time

from limits import LIMITS
from scripted_mongo import ScriptedMongo
from steps import Any, call, scenario
from tenants import bearer, tenant, tenants_file, token

ALL = bearer("sall")
LIMITS |= {"outbox_bytes_max", "shard_ack_ms_max", "shard_acks_max"}


def within(run, seconds, what, text):
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            run.fail(f"not within {seconds} s: {text}")
            return
        time.sleep(0.02)


class Shard:
    """A peer, and the tenant `sharded` whose shard it is, with these limits; `plain` has none."""

    def __init__(self, run):
        self.run, self.peer = run, ScriptedMongo(role="primary")
        self.limit()

    def limit(self, **limits):
        text = tenants_file([tenant("sharded", token("sall"), limits=limits), tenant("plain", token("pall"))])
        text = text.replace("  sharded:\n", "  sharded:\n    shard: north\n")
        self.run.server.write_file("tenants.yaml", f"shards: {{north: {{uri: \"{self.peer.uri}\"}}}}\n" + text)
        self.run.server.signal(1)
        within(self.run, 10, lambda: self.run.server.request("GET", "/v1/measurements", headers=ALL).status == 200, "the reload")
        time.sleep(0.2)

    def post(self, body, want=204, query="", headers=ALL, **rest):
        return self.run.request("POST", "/v1/points" + query, want, body=body, headers=headers, **rest)

    def waits(self):
        for line in self.run.server.request("GET", "/metrics", headers=ALL).text().split("\n"):
            if line.startswith('weir_outbox_bytes{tenant="sharded"}'):
                return int(float(line.split()[-1]))
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.peer.close()


def acknowledged(run):
    with Shard(run) as shard:
        shard.post("m f=0 0", 400, "?ack=shard", bearer("pall"), code="bad_parameter", contains="it has none")
        shard.post("m f=0 0", 400, "?ack=disk", code="bad_parameter", contains="ack=shard")
        shard.post("m f=1 1", query="?ack=shard")
        if not shard.peer.documents("weir_sharded", "manifests"):
            run.fail("it was acknowledged, and the shard has nothing")
        shard.post("m f=2 2\nm f=x 3", 200, "?ack=shard&on_error=skip", json={"accepted": 1, "rejected": 1})
        shard.post("m f=x 4", 400, "?ack=shard", code="invalid_points")
        shard.post("", query="?ack=shard")
        shard.peer.fail("insert", "lost", where="sharded")
        shard.post("m f=5 5", query="?ack=shard")
        run.request("GET", "/v1/query?measurement=m&epoch=ns", headers=ALL, rows=[[1, 1.0], [2, 2.0], [5, 5.0]])


def patience(run):
    """One millisecond less than the shard needs, and enough."""
    with Shard(run) as shard:
        shard.post("m f=0 0", query="?ack=shard")
        shard.limit(shard_ack_ms_max=300)
        shard.peer.fail("insert", "slow", 0.6, times=-1)
        key = {**ALL, "Idempotency-Key": "k"}
        shard.post("m f=1 1\nm f=x 2", 504, "?ack=shard&on_error=skip", key, code="not_delivered",
                   json={"stored": True, "accepted": 1, "rejected": 1, "errors": Any(list), "detail": lambda text: "300 ms (shard_ack_ms_max)" in text})
        run.request("GET", "/v1/query?measurement=m&epoch=ns", headers=ALL, rows=[[0, 0.0], [1, 1.0]])
        shard.limit(shard_ack_ms_max=20000)
        shard.post("m f=1 1\nm f=x 2", 200, "?ack=shard&on_error=skip", key, headers_out={"Idempotency-Replayed": "true"}, json={"accepted": 1})
        run.request("GET", "/v1/query?measurement=m&versions=all&epoch=ns", headers=ALL, json={"series": lambda all: len(all[0]["rows"]) == 2})


def places(run):
    """shard_acks_max - 1, that many, one more."""
    with Shard(run) as shard:
        shard.limit(shard_acks_max=2, shard_ack_ms_max=5000)
        shard.post("m f=0 0", query="?ack=shard")
        shard.peer.fail("insert", "slow", 1.5, times=2)
        threads = [threading.Thread(target=shard.post, args=(f"m f=1 {n}", 204, "?ack=shard")) for n in (1, 2)]
        for thread in threads:
            thread.start()
        within(run, 5, lambda: 'weir_shard_acks_waiting{tenant="sharded"} 2' in run.server.request("GET", "/metrics", headers=ALL).text(), "two wait")
        shard.post("m f=1 9", 429, "?ack=shard", code="too_many_shard_acks", headers_out={"Retry-After": Any(str)})
        shard.post("m f=1 8")
        for thread in threads:
            thread.join()
        shard.post("m f=1 3", query="?ack=shard")
        run.request("GET", "/v1/query?measurement=m&epoch=ns", headers=ALL, rows=[[0, 0.0], [1, 1.0], [2, 1.0], [3, 1.0], [8, 1.0]])


def quota(run):
    """One byte less than waits, as many, one more; what is refused by all ways in is not stored."""
    with Shard(run) as shard:
        shard.peer.fail("insert", "cut", times=-1)
        shard.post("\n".join(f"m,host=h{n % 50} f={n * 7919 % 104729}.{n},g={n * n} {n}" for n in range(2000)))
        run.request("POST", "/v1/admin/flush", headers=ALL)
        within(run, 10, lambda: shard.waits() > 1024, "something waits")
        waits = shard.waits()
        for limit, want in ((waits + 1, 204), (waits, 204), (waits - 1, 503)):
            shard.limit(outbox_bytes_max=limit)
            shard.post("w f=1 1", want, **({"code": "outbox_full", "contains": f"packs of {waits} bytes wait"} if want == 503 else {}))
        shard.post("w f=1 2", 503, "?ack=shard", code="outbox_full", headers_out={"Retry-After": Any(str)})
        for path in ("/write?db=x", "/api/v2/write?bucket=x", "/api/v3/write_lp?db=x"):
            answer = run.server.request("POST", path, b"w f=1 3", ALL)
            if answer.status != 503 or "outbox_bytes_max" not in answer.text():
                run.fail(f"{path}: {answer.status} {answer.text()}")
        shard.post("w f=1 1", headers=bearer("pall"))
        run.request("DELETE", "/v1/points?measurement=m&start=0&end=10&epoch=ns", 400, headers=ALL, code="unknown_parameter")
        run.request("DELETE", "/v1/points?measurement=m&end=1970-01-01T00:00:00.00000001Z", 204, headers=ALL)
        run.request("GET", "/v1/query?measurement=w&epoch=ns", headers=ALL, rows=[[1, 1.0]])
        shard.peer.faults.clear()
        within(run, 60, lambda: run.server.request("POST", "/v1/points", b"w f=2 2", ALL).status == 204, "writes are taken again")
        run.request("GET", "/v1/query?measurement=m&agg=count&fields=f&epoch=ns", headers=ALL, json={"series": lambda all: all[0]["rows"][0][1] == 1990})


SCENARIOS = [
    scenario(name, call(function), flags=["--limit-generation-age-ms-max", "3600000"],
             tenants=[tenant("sharded", token("sall")), tenant("plain", token("pall"))])
    for name, function in (("ack=shard answers when the shard has it", acknowledged), ("shard_ack_ms_max: who waits is told in the end", patience),
                           ("shard_acks_max: so many wait and no more", places), ("outbox_bytes_max: so much waits and no more", quota))]
