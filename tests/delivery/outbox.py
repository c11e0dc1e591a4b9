"""Cases of tests/delivery/run about what a tenant's shard lacks: how much that may be, and those who wait until it is there
(ack=shard).  With a database that may be killed, and with a peer that fails as it is told."""
import concurrent.futures
import json
import signal
import threading
import time

from checking import check, until
from scripted_mongo import ScriptedMongo
from server import Server

# Nothing is sealed but when somebody asks or waits for it.
QUIET = ["--limit-generation-age-ms-max", "3600000"]


def within(seconds, what, text):
    """What it gave in the end, which is not False or None."""
    return until(seconds, text, what)


def limited(ground, path, **limits):
    """Writes limits of acme into the tenants file."""
    with open(path, encoding="ascii") as file:
        lines = [line for line in file.read().split("\n") if not line.startswith("    limits:")]
    at = lines.index("  acme:")
    if limits:
        lines.insert(at + 1, "    limits: {" + ", ".join(f"{name}: {value}" for name, value in limits.items()) + "}")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines))


def serve(ground, name, tenants, flags=()):
    server = Server(ground.program, ground.path(name), [*QUIET, *flags, "--tenants", tenants])
    ground.servers.append(server)
    return server.start()


def post(ground, server, body, tenant="acme", query="", headers=None, path="/v1/points"):
    """(status, problem or what else stands in the body, headers)"""
    answer = server.request("POST", path + query, body.encode(), {**ground.tokens[tenant].headers, **(headers or {})}, seconds=90)
    try:
        said = json.loads(answer.body) if answer.body else {}
    except ValueError:
        said = {"text": answer.text()}
    return answer.status, said, {name.lower(): value for name, value in answer.headers.items()}


def reload_until(ground, server, works, text):
    server.signal(signal.SIGHUP)
    return within(10, works, text)


def rows_of(ground, server, measurement, tenant="acme"):
    text = ground.ask(server, tenant, "GET", f"/v1/query?measurement={measurement}&agg=count&fields=f&format=csv").decode().strip()
    return int(text.split("\n")[-1].split(",")[-1]) if "\n" in text else 0


def outbox_bytes(ground, server):
    for line in ground.ask(server, "acme", "GET", "/metrics").decode().split("\n"):
        if line.startswith('weir_outbox_bytes{tenant="acme"}'):
            return int(float(line.split()[-1]))
    return 0


# --- how much may wait ---

def what_waits_is_bounded_and_comes_in_again(ground):
    """At outbox_bytes_max - 1, at it and above; who has no shard does not meet it, and nothing that was taken is lost."""
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants)
    ground.proxies["north"].set("refuses")
    noise = "".join(f"v,k=a f={ground.chance.random()},g={ground.chance.random()} {t}\n" for t in range(3000))
    ground.ask(server, "acme", "POST", "/v1/points", noise)
    ground.flush(server)
    waits = within(10, lambda: outbox_bytes(ground, server), "the gauge tells what waits")
    check(waits > 1024, f"{waits} bytes are too few to be a limit")
    sent = 0
    for limit, status in ((waits + 1, 204), (waits, 204), (waits - 1, 503)):
        limited(ground, tenants, outbox_bytes_max=limit)
        server.signal(signal.SIGHUP)
        time.sleep(0.3)
        got, said, headers = post(ground, server, f"w f={limit} {limit}\n")
        check(got == status, f"{waits} bytes wait, the limit is {limit}: {got} {said}")
        sent += got == 204
    check(said["code"] == "outbox_full" and str(waits) in said["detail"] and str(limit) in said["detail"], f"{said}")
    check(1 <= int(headers["retry-after"]) <= 60, f"Retry-After: {headers['retry-after']}")
    check(post(ground, server, "w f=1 1\n", path="/write")[0] == 503, "/write is taken")
    check(post(ground, server, "w f=1 1\n", query="?ack=shard")[1].get("code") == "outbox_full", "ack=shard is taken")
    check(post(ground, server, "w f=1 1\n", tenant="other")[0] == 204, "a tenant without a shard is refused")
    check(rows_of(ground, server, "v") == 3000 and rows_of(ground, server, "w") == sent, "reads do not go on")
    ground.ask(server, "acme", "DELETE", "/v1/points?measurement=v&start=1970-01-01T00:00:00Z&end=1970-01-01T00:00:00.00000001Z")
    refused = ground.ask(server, "acme", "GET", "/metrics").decode()
    check('weir_points_refused_total{tenant="acme",reason="outbox_full"}' in refused, "it is not counted")
    ground.proxies["north"].set("passes")
    begun = time.monotonic()
    within(60, lambda: post(ground, server, "w f=5 5\n")[0] == 204, "writes are taken again")
    took = time.monotonic() - begun
    ground.drained(server)
    check(outbox_bytes(ground, server) == 0, "something is still said to wait")
    check(rows_of(ground, server, "v") == 2990 and rows_of(ground, server, "w") == sent + 1, "rows are missing")
    ground.restore("restored", tenants)
    restored = ground.server("restored", ground.tenants("none.yaml"))
    check(rows_of(ground, restored, "v") == 2990 and rows_of(ground, restored, "w") == sent + 1, "rows are missing at the shard")
    return f"taken again {took:.1f} s after the shard was back"


def what_was_there_before_the_shard_refuses_nothing(ground):
    """A tenant with more than its quota gets its first shard, which is dead: its writes go on, and no more than the quota comes in."""
    def noise(first):
        ground.ask(server, "acme", "POST", "/v1/points", "".join(f"v,k=a f={ground.chance.random()},g={ground.chance.random()} {first + t}\n" for t in range(3000)))
        ground.flush(server)
        time.sleep(1.1)  # the next look
    ground.tenants(acme="north")  # which makes the database
    ground.proxies["north"].set("refuses")
    tenants = ground.tenants()
    server = serve(ground, "source", tenants)
    noise(0)
    ground.tenants(acme="north")
    limited(ground, tenants, outbox_bytes_max=20000)
    old = reload_until(ground, server, lambda: outbox_bytes(ground, server), "the gauge tells what waits")
    check(old > 40000, f"{old} bytes are too few to be above the limit")
    time.sleep(1.1)
    check(post(ground, server, "w f=1 1\n")[0] == 204, "a write is refused for what was there before")
    noise(3000)
    status, said, _ = post(ground, server, "w f=2 2\n")
    check(status == 503 and said["code"] == "outbox_full", f"{status} {said}")
    check(outbox_bytes(ground, server) > 1.5 * old, "the gauge tells less than all")
    ground.proxies["north"].set("passes")
    within(60, lambda: post(ground, server, "w f=3 3\n")[0] == 204, "writes are taken again")
    ground.flush(server)
    ground.drained(server)
    check(outbox_bytes(ground, server) == 0, "something is still said to wait")
    ground.proxies["north"].set("refuses")
    noise(6000)
    check(post(ground, server, "w f=4 4\n")[0] == 503, "the shard has had all, and nothing counts")
    ground.proxies["north"].set("passes")
    ground.drained(server)


def a_load_that_a_shard_cannot_follow_is_slowed_down(ground):
    """The outbox goes up to its quota and stays about there; who waits as he is told comes in in the end."""
    tenants = ground.tenants(acme="north")
    limited(ground, tenants, outbox_bytes_max=300000)
    server = ground.server("source", tenants)  # seals each MiB, and each second
    ground.proxies["north"].set("slow", delay=0.1)
    stop, sent, refused, most = time.monotonic() + 12, 0, 0, 0
    while time.monotonic() < stop:
        body = "".join(f"v,k=a f={ground.chance.random()},g={ground.chance.random()} {sent + t}\n" for t in range(2000))
        status, said, headers = post(ground, server, body)
        check(status in (204, 503), f"{status} {said}")
        check(status == 204 or said["code"] == "outbox_full", f"{said}")
        sent += 2000 * (status == 204)
        refused += status == 503
        most = max(most, outbox_bytes(ground, server))
        if status == 503:
            check(1 <= int(headers["retry-after"]) <= 60, "Retry-After")
            time.sleep(0.2)
    check(refused > 0, f"{sent} rows were all taken")
    check(most < 300000 + 5 * (1 << 20), f"{most} bytes waited")  # and what is sealed until the next look; all of it were 20 MB and more
    ground.proxies["north"].set("passes")
    ground.drained(server)
    check(rows_of(ground, server, "v") == sent, f"{rows_of(ground, server, 'v')} rows of {sent}")
    return f"{sent} rows, {refused} refusals, at most {most} bytes waited"


# --- who waits ---

def what_a_shard_acknowledged_outlives_the_machine(ground):
    """Many who wait at once: each 204 is a row that the shard has, and they share packs."""
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants)
    writers, rounds = 24, 4
    done, lock = [], threading.Lock()

    def write(writer):
        for n in range(rounds):
            began = time.monotonic()
            status, said, _ = post(ground, server, f"v,k=w{writer} f={n} {n}\n", query="?ack=shard")
            check(status == 204, f"{status} {said}")
            with lock:
                done.append(time.monotonic() - began)
    with concurrent.futures.ThreadPoolExecutor(writers) as pool:
        for future in [pool.submit(write, writer) for writer in range(writers)]:
            future.result()
    packs = ground.metric(server, "weir_delivery_packs_total", "north")
    server.kill()
    ground.restore("restored", tenants)
    restored = ground.server("restored", ground.tenants("none.yaml"))
    check(rows_of(ground, restored, "v") == writers * rounds, f"{rows_of(ground, restored, 'v')} rows of {writers * rounds}")
    check(packs <= writers, f"{packs} packs for {writers * rounds} requests, {writers} at a time")
    done.sort()
    return f"{writers * rounds} requests in {packs:.0f} packs, {done[len(done) // 2] * 1000:.0f} ms in the median, {done[-1] * 1000:.0f} at the most"


def patience_ends_and_can_be_had_again(ground):
    """The points are here all the same, and said to be; the key goes on waiting and stores nothing."""
    tenants = ground.tenants(acme="north")
    limited(ground, tenants, shard_ack_ms_max=700)
    server = serve(ground, "source", tenants)
    check(post(ground, server, "v f=0 0\n", query="?ack=shard")[0] == 204, "a shard that is well")
    check(post(ground, server, "v f=0 0\n", tenant="other", query="?ack=shard")[1]["code"] == "bad_parameter", "no shard")
    ground.proxies["north"].set("refuses")
    began = time.monotonic()
    status, said, _ = post(ground, server, "v f=1 1\n", query="?ack=shard", headers={"Idempotency-Key": "a"})
    took = time.monotonic() - began
    check(status == 504 and said["code"] == "not_delivered" and said["stored"] is True, f"{status} {said}")
    check("on disk here" in said["detail"] and "700 ms" in said["detail"], said["detail"])
    check(0.69 < took < 2.5, f"it took {took:.2f} s")
    check(rows_of(ground, server, "v") == 2, "it is not visible")
    status, said, _ = post(ground, server, "v f=2 2\nv f=x 3\n", query="?ack=shard&on_error=skip")
    check(status == 504 and said["stored"] and said["accepted"] == 1 and said["rejected"] == 1 and said["errors"][0]["line"] == 2, f"{said}")
    status, said, _ = post(ground, server, "v f=1 1\n", query="?ack=shard", headers={"Idempotency-Key": "a"})
    check(status == 504, f"a repeat: {status} {said}")
    status, _, headers = post(ground, server, "v f=1 1\n", headers={"Idempotency-Key": "a"})
    check(status == 204 and headers["idempotency-replayed"] == "true", "ack=wal of what is here")
    check(post(ground, server, "v f=7 1\n", query="?ack=shard", headers={"Idempotency-Key": "a"})[0] == 422, "another body")
    ground.proxies["north"].set("passes")
    limited(ground, tenants)
    server.signal(signal.SIGHUP)
    time.sleep(0.3)
    status, said, headers = post(ground, server, "v f=1 1\n", query="?ack=shard", headers={"Idempotency-Key": "a"})
    check(status == 204 and headers["idempotency-replayed"] == "true", f"{status} {said}")
    check(rows_of(ground, server, "v") == 3, "it was stored twice")
    versions = ground.ask(server, "acme", "GET", "/v1/query?measurement=v&versions=all&format=ndjson").decode().strip().split("\n")
    check(len(versions) == 4, f"{versions}")  # and the end's line
    status, said, _ = post(ground, server, "v f=4 4\nv f=x 5\n", query="?ack=shard&on_error=skip")
    check(status == 200 and said["accepted"] == 1, f"{status} {said}")
    check(post(ground, server, "\n", query="?ack=shard")[0] == 204, "nothing to store, nothing to wait for")
    return f"504 after {took:.2f} s"


def so_many_wait_and_no_more(ground):
    """shard_acks_max - 1, that many, and one more; whoever is refused has stored nothing, and a stop lets them go."""
    tenants = ground.tenants(acme="north")
    limited(ground, tenants, shard_acks_max=3)
    server = serve(ground, "source", tenants)
    ground.proxies["north"].set("refuses")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(post, ground, server, f"v f=1 {n}\n", "acme", "?ack=shard") for n in range(3)]

        def all_wait():
            return 'weir_shard_acks_waiting{tenant="acme"} 3' in ground.ask(server, "acme", "GET", "/metrics").decode() \
                and rows_of(ground, server, "v") == 3
        within(10, all_wait, "three wait")
        status, said, headers = post(ground, server, "v f=1 9\n", query="?ack=shard")
        check(status == 429 and said["code"] == "too_many_shard_acks" and int(headers["retry-after"]) >= 1, f"{status} {said}")
        check(post(ground, server, "v f=1 8\n")[0] == 204, "ack=wal")
        check(rows_of(ground, server, "v") == 4, "what was refused was stored")
        began = time.monotonic()
        check(server.stop(20) == 0, server.log_tail())
        took = time.monotonic() - began
        for future in waiting:
            status, said, _ = future.result()
            check(status == 503 and said["code"] == "shutting_down" and said["stored"], f"{status} {said}")
    check(took < 8, f"the stop took {took:.1f} s")
    ground.proxies["north"].set("passes")
    server.start()
    check(rows_of(ground, server, "v") == 4, "rows are missing")
    ground.drained(server)


def a_shard_that_is_taken_away_is_not_waited_for(ground):
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants)
    ground.proxies["north"].set("refuses")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, ground, server, "v f=1 1\n", "acme", "?ack=shard")
        within(10, lambda: rows_of(ground, server, "v") == 1, "it is stored")
        ground.tenants()  # no shards
        server.signal(signal.SIGHUP)
        status, said, _ = waiting.result()
    check(status == 504 and said["stored"] and "no shard any more" in said["detail"], f"{status} {said}")


# --- a peer that fails as told ---

def scripted(ground, peer, tenant="acme"):
    with open(ground.path("peer.yaml"), "w", encoding="ascii") as file:
        file.write(f"shards: {{north: {{uri: \"{peer.uri}?{ground.patience}\"}}}}\ntenants:\n  {tenant}:\n    shard: north\n"
                   f"    tokens:\n      {ground.tokens[tenant].line}\n")
    return ground.path("peer.yaml")


def what_no_majority_has_is_not_acknowledged(ground):
    """Lost answers, concerns that timed out, names that do not read back: 204 comes when all is there, and not before."""
    told = []
    for kind, value, command in (("lost", None, "insert"), ("concern", 64, "insert"), ("absent", None, "find"), ("error", 10107, "insert"),
                                 ("cut", None, "find"), ("slow", 0.4, "insert")):
        with ScriptedMongo(role="primary") as peer:
            server = serve(ground, f"source-{kind}-{command}", scripted(ground, peer))
            check(post(ground, server, "v f=0 0\n", query="?ack=shard")[0] == 204, "a peer that is well")
            fault = peer.fail(command, kind, value, times=2)
            began = time.monotonic()
            status, said, _ = post(ground, server, "v f=1 1\n", query="?ack=shard")
            took = time.monotonic() - began
            check(status == 204, f"{kind}: {status} {said}")
            check(fault.met == 2, f"{kind}: the fault was met {fault.met} times")
            listed = len(peer.documents("weir_acme", "manifests"))
            check(listed >= 2, f"{kind}: {listed} entries, and it was acknowledged")
            told.append(f"{kind} {took:.1f} s")
            server.stop()
    return ", ".join(told)


def what_is_not_ours_is_not_waited_for(ground):
    """Delivery of the tenant has ended: who waits is told at once, and the points are here."""
    with ScriptedMongo(role="primary") as peer:
        server = serve(ground, "source", scripted(ground, peer))
        check(post(ground, server, "v f=0 0\n", query="?ack=shard")[0] == 204, "a peer that is well")
        peer.fail("find", "other_hash", times=-1, where="packs")
        began = time.monotonic()
        for n in (1, 2):
            status, said, _ = post(ground, server, f"v f=1 {n}\n", query="?ack=shard")
            check(status == 504 and said["stored"] and "has ended" in said["detail"], f"{status} {said}")
        check(time.monotonic() - began < 10, "it took long")
        check(rows_of(ground, server, "v") == 3, "rows are missing")


def small_packs_go_together(ground):
    """A backlog of many small packs is a few calls, and one entry."""
    with ScriptedMongo(role="primary") as peer:
        server = serve(ground, "source", scripted(ground, peer), ["--limit-compact-packs-max", "1000"])
        peer.fail("insert", "cut", times=-1)
        for n in range(100):
            ground.ask(server, "acme", "POST", "/v1/points", f"v,k=k{n} f=1 {n}\n")
            ground.flush(server)
        peer.faults.clear()
        peer.seen.clear()
        ground.drained(server)
        inserts, finds = len(peer.commands("insert")), len(peer.commands("find"))
        check(len(peer.documents("weir_acme", "packs")) >= 200, "packs are missing")
        check(inserts <= 10 and finds <= 20, f"{inserts} inserts and {finds} finds for 100 packs")
        return f"100 packs in {inserts} inserts and {finds} finds"


CASES = [what_waits_is_bounded_and_comes_in_again, what_was_there_before_the_shard_refuses_nothing,
         a_load_that_a_shard_cannot_follow_is_slowed_down,
         what_a_shard_acknowledged_outlives_the_machine, patience_ends_and_can_be_had_again, so_many_wait_and_no_more,
         a_shard_that_is_taken_away_is_not_waited_for, what_no_majority_has_is_not_acknowledged, what_is_not_ours_is_not_waited_for,
         small_packs_go_together]
