"""Cases of tests/delivery/run about packs whose files are no longer on this machine (local_packs_bytes_max): what is asked of them
is read at their shard, and is what it was; a shard that is down is a 503 that names it, and nothing else fails."""
import json
import os
import random
import shutil
import signal
import statistics
import threading
import time

from outbox import check, post, scripted, within
from mongo_server import Wire
from scripted_mongo import ScriptedMongo
from server import Server

QUIET = ["--limit-generation-age-ms-max", "3600000", "--limit-generation-bytes-max", str(64 << 20)]
# Nothing decoded is kept: what is asked twice is read twice.
BARE = ["--limit-column-cache-bytes-max", "0"]
LINES = 20000


def serve(ground, name, tenants, local, flags=()):
    server = Server(ground.program, ground.path(name), [*QUIET, *BARE, *flags, "--tenants", tenants, "--limit-local-packs-bytes-max", str(local)])
    ground.servers.append(server)
    return server.start()


def fill(ground, server, tenant="acme", bodies=10, hosts=20, seed=1):
    """Rows that no packing makes small: some MB of packs, compacted."""
    chance = random.Random(seed)
    for body in range(bodies):
        ground.ask(server, tenant, "POST", "/v1/points",
                   "".join(f"noise,host=h{line % hosts} i={chance.getrandbits(62)}i,j={chance.getrandbits(62)}i {body * LINES + line}\n" for line in range(LINES)))
    ground.ask(server, tenant, "POST", "/v1/admin/compact", "")


def gauge(ground, server, name):
    text = ground.ask(server, "acme", "GET", "/metrics").decode()
    return sum(float(line.split()[-1]) for line in text.split("\n") if line.startswith((name + " ", name + "{")))


def gone(ground, server, local):
    """Waits until as much has gone as shall; how many packs are away."""
    ground.drained(server)
    within(60, lambda: gauge(ground, server, "weir_packs_local_bytes") <= local and gauge(ground, server, "weir_packs_away") > 0,
           "packs go\n" + server.log_tail())
    return gauge(ground, server, "weir_packs_away")


def questions(hosts=20):
    yield "measurement=noise&format=csv&every=100us&agg=sum,count,min,max,last"
    yield "measurement=noise&format=csv&every=1d&agg=count,mean&group_by=host"
    for host in range(0, hosts, 7):
        yield f"measurement=noise&match=host%3Dh{host}&format=ndjson"
    yield "measurement=noise&match=host%3Dh3&format=csv&versions=all&start=1970-01-01T00:00:00.0001Z&end=1970-01-01T00:00:00.00015Z"


def answers(ground, server, moment, tenant="acme"):
    return [ground.ask(server, tenant, "GET", f"/v1/query?{question}&as_of={moment}") for question in questions()]


def ask(ground, server, question, tenant="acme", seconds=90):
    """(status, problem or text, headers, seconds that it took)"""
    begun = time.monotonic()
    answer = server.request("GET", "/v1/query?" + question, None, ground.tokens[tenant].headers, seconds=seconds)
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = {"text": answer.text()}
    return answer.status, said, {name.lower(): value for name, value in answer.headers.items()}, time.monotonic() - begun


def refused(ground, server, question, shard="north"):
    """Answered with 503 that says where the rows are and when to come again; how long that took."""
    status, said, headers, took = ask(ground, server, question)
    check(status == 503 and said["code"] == "shard_unavailable", f"{question}: {status} {str(said)[:300]}")
    check(f"shard {shard}" in said["detail"] and "1970-01-01" in said["detail"], said["detail"])
    check(1 <= int(headers["retry-after"]) <= 30, f"Retry-After {headers.get('retry-after')}")
    return took


COLD = "measurement=noise&match=host%3Dh5&format=csv"


def packs_that_went_are_read_at_their_shard(ground):
    """Equal to what it was, byte for byte, also after kill -9; the database is killed: 503, all else goes on; back: equal."""
    tenants = ground.tenants(acme="north", other="south")
    server = serve(ground, "source", tenants, 1)
    fill(ground, server)
    fill(ground, server, "other", bodies=1)
    away = gone(ground, server, 1)
    moment = json.loads(ground.ask(server, "acme", "GET", "/v1/query?measurement=noise&limit=1"))["as_of"]
    ground.restore("whole", tenants)
    whole = ground.server("whole", ground.tenants("none.yaml"))
    want = answers(ground, whole, moment)
    check(sum(map(len, want)) > 1000000, "the answers are small")
    check(answers(ground, server, moment) == want, "what is read at the shard is another answer")
    brought = gauge(ground, server, "weir_parts_brought_total")
    check(brought > 0, "nothing was read at the shard")

    ground.databases["north"].kill()
    status, said, _ = post(ground, server, "late f=1 1\n")
    check(status == 204, f"a write: {status} {said}")
    first = refused(ground, server, COLD)
    times = [refused(ground, server, question) for question in (*questions(), COLD, COLD + "&versions=all")]
    check(max(times[1:]) < 3, f"who asks a shard that is known to be down waits {max(times[1:]):.1f} s")
    status, said, _, took = ask(ground, server, "measurement=late&format=csv")
    check(status == 200 and took < 2, f"what is here: {status} after {took:.1f} s")
    status, said, _, took = ask(ground, server, COLD, "other")
    check(status == 200 and took < 3, f"another tenant's shard: {status} after {took:.1f} s: {str(said)[:300]}")
    server.kill()  # and starts without it
    server.start()
    within(10, lambda: gauge(ground, server, "weir_packs_away") == away, "all are away after the start")
    refused(ground, server, COLD)
    ground.databases["north"].start()
    within(30, lambda: ask(ground, server, COLD)[0] == 200, "it is read again\n" + server.log_tail())
    check(answers(ground, server, moment) == want, "another answer after the shard was down")
    lines = [line for line in server.log_text().split("\n") if "parts of packs" in line]
    check(2 <= len(lines) <= 6, f"{len(lines)} lines about it in the log: {lines}")

    check(server.stop() == 0, server.log_tail())
    said = ground.weir("verify", "--data", ground.path("source"))
    check("at shards alone" in said and "0 faults" in said, said)
    said = ground.weir("backup", "--data", ground.path("source"), "--to", ground.path("backup"), want=1)
    check("local_packs_bytes_max" in said and not os.path.exists(ground.path("backup")), said)
    return f"{away:.0f} packs, {brought:.0f} parts; {first:.2f} s until the first 503, {max(times):.2f} s at most behind it"


def a_silent_shard_holds_nobody_up(ground):
    """Connections are taken and nobody answers: readers of what is there wait 5 s at the most, once; writers and other questions
    do not."""
    tenants = ground.tenants(acme="north", other="south")
    server = serve(ground, "source", tenants, 1)
    fill(ground, server, bodies=3)
    fill(ground, server, "other", bodies=1)
    gone(ground, server, 1)
    ground.ask(server, "other", "POST", "/v1/points", "here f=1 1\n")
    ground.proxies["north"].set("silent")
    stop, took, wrong = threading.Event(), [], []

    def others():
        while not stop.is_set():
            for tenant, question in (("other", "measurement=here&format=csv"), ("other", "measurement=noise&match=host%3Dh5&format=csv&limit=5")):
                status, said, _, seconds = ask(ground, server, question, tenant)
                took.append(seconds)
                if status != 200:
                    wrong.append(f"{status} {said}")
            status, said, _ = post(ground, server, "late f=1 1\n")
            if status != 204:
                wrong.append(f"{status} {said}")
    other = threading.Thread(target=others)
    other.start()
    try:
        first = refused(ground, server, COLD)
        times = [refused(ground, server, COLD) for _ in range(20)]
    finally:
        stop.set()
        other.join()
    check(not wrong, f"{len(wrong)} of the others failed: {wrong[:2]}")
    check(first < 8 and max(times) < 2, f"{first:.1f} s, then {max(times):.1f} s")
    check(max(took) < 8, f"another waited {max(took):.1f} s")
    ground.proxies["north"].set("passes")
    within(30, lambda: ask(ground, server, COLD)[0] == 200, "it is read again\n" + server.log_tail())
    ground.proxies["north"].set("silent")
    begun = time.monotonic()
    check(server.stop(30) == 0, server.log_tail())
    check(time.monotonic() - begun < 10, "a stop waits for a silent shard")
    return f"{first:.1f} s for the first, {max(times):.2f} s for those behind it, {max(took):.2f} s at most for others"


def nothing_goes_that_the_shard_lost(ground):
    """A document that was deleted there, or changed, keeps the file here."""
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants, 0)
    fill(ground, server, bodies=2)
    ground.drained(server)
    check(server.stop() == 0, server.log_tail())
    with ground.databases["north"].wire() as wire:
        lost = max(wire.find("weir_acme", "packs"), key=lambda document: len(document["b"]))
        wire.command("weir_acme", delete="packs", deletes=[{"q": {"_id": lost["_id"]}, "limit": 1}])
    server = serve(ground, "source", tenants, 1)
    within(30, lambda: "stays where it is" in server.log_text(), "it is told\n" + server.log_tail())
    time.sleep(2)
    number = lost["_id"].split("/")[1]
    check(os.path.exists(ground.path(f"source/packs/acme/{number}.pack")), "the file went")
    status, said, _, _ = ask(ground, server, COLD)
    check(status == 200, f"{status} {said}")
    with ground.databases["north"].wire() as wire:
        wire.command("weir_acme", insert="packs", documents=[lost])
    server.kill()
    server.start()
    gone(ground, server, 1)
    check(not os.path.exists(ground.path(f"source/packs/acme/{number}.pack")), "the file is there")


def an_erasure_brings_packs_back(ground):
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants, 1)
    fill(ground, server, bodies=2)
    gone(ground, server, 1)
    before = ground.ask(server, "acme", "GET", "/v1/query?measurement=noise&match=host%3Dh6&format=csv")

    def erased():
        answer = server.request("DELETE", "/v1/points?measurement=noise&match=host%3Dh5&erase=true", None, ground.tokens["acme"].headers, seconds=60)
        check(answer.status in (200, 204, 503), f"{answer.status} {answer.text()}")
        return answer.status != 503
    within(60, erased, "it is erased\n" + server.log_tail())
    check(gauge(ground, server, "weir_packs_came_total") > 0, "nothing came back")
    check(gauge(ground, server, "weir_tombstones") == 0, "it is not carried out")
    check(ground.ask(server, "acme", "GET", "/v1/query?measurement=noise&match=host%3Dh6&format=csv") == before, "another answer")
    gone(ground, server, 1)
    check(ground.ask(server, "acme", "GET", "/v1/query?measurement=noise&match=host%3Dh6&format=csv") == before, "another answer")
    check(b"," not in ground.ask(server, "acme", "GET", "/v1/query?measurement=noise&match=host%3Dh5&format=csv&fields=i").split(b"\n", 1)[-1], "it is there")


def a_tenant_that_moves_on_is_read_where_all_is(ground):
    """From north to south, and on to east, which is dead before it has any of it: what is away is read at south, and north may be gone."""
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants, 1)
    fill(ground, server, bodies=2)
    gone(ground, server, 1)
    want = ground.ask(server, "acme", "GET", "/v1/query?" + COLD)
    ground.tenants(acme="south", other="north")  # what is there alone has to be reached
    server.signal(signal.SIGHUP)
    within(60, lambda: ground.metric(server, "weir_delivery_packs_total", "south") > 0, "south gets it\n" + server.log_tail())
    ground.drained(server, shard="south")
    ground.databases["north"].kill()
    ground.tenants(acme="east", other="south")
    ground.proxies["east"].set("refuses")
    server.signal(signal.SIGHUP)
    within(60, lambda: ground.metric(server, "weir_delivery_failures_total", "east") > 0, "east is tried\n" + server.log_tail())
    server.kill()  # what was brought goes with it
    server.start()
    check(ground.ask(server, "acme", "GET", "/v1/query?" + COLD) == want, "another answer")
    ground.proxies["east"].set("passes")
    ground.drained(server, shard="east")
    ground.databases["south"].kill()
    server.kill()
    server.start()
    check(ground.ask(server, "acme", "GET", "/v1/query?" + COLD) == want, "another answer out of east")


def nothing_goes_once_a_copy_has_delivered(ground):
    """A data directory was copied, and the copy delivers: it deletes what it merges, so all that is in the first one stays there."""
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants, 0)
    fill(ground, server, bodies=2)
    ground.drained(server)
    check(server.stop() == 0, server.log_tail())
    shutil.copytree(ground.path("source"), ground.path("copy"))
    copy = serve(ground, "copy", tenants, 0)
    check(post(ground, copy, "late f=1 1\n")[0] == 204, "a write to the copy")
    ground.drained(copy)
    check(copy.stop() == 0, copy.log_tail())
    server = serve(ground, "source", tenants, 1)
    within(20, lambda: "is another one's" in server.log_text(), "it is told\n" + server.log_tail())
    time.sleep(2.5)  # two looks more
    check(gauge(ground, server, "weir_packs_away") == 0, "a file went")
    check(server.log_text().count("is another one's") == 1, "it is told more than once")
    check(ask(ground, server, COLD)[0] == 200, "a question")


def killed_while_packs_go_and_are_read(ground):
    """kill -9 at any moment: answers are what they were."""
    tenants = ground.tenants(acme="north")
    server = serve(ground, "source", tenants, 0)
    fill(ground, server, bodies=6)
    ground.drained(server)
    moment = json.loads(ground.ask(server, "acme", "GET", "/v1/query?measurement=noise&limit=1"))["as_of"]
    want = answers(ground, server, moment)
    check(server.stop() == 0, server.log_tail())
    for _ in range(6):
        server = serve(ground, "source", tenants, 1)
        time.sleep(0.6 * ground.chance.random())
        check(answers(ground, server, moment)[:2] == want[:2], "another answer")
        server.kill()
    server = serve(ground, "source", tenants, 1)
    gone(ground, server, 1)
    check(answers(ground, server, moment) == want, "another answer")
    return f"{gauge(ground, server, 'weir_packs_away'):.0f} packs went"


# --- the figure ---

SERIES, STEP = 60, 10  # seconds


def days_of(ground, server, days):
    """Two fields of noise every ten seconds: 16 bytes a row, 138 KB a day of a series."""
    chance = random.Random(5)
    for day in range(days):
        for first in range(0, SERIES, 12):
            rows = [f"day,host=h{host:03} i={chance.getrandbits(62)}i,j={chance.getrandbits(62)}i {(day * 86400 + second) * 1000000000}\n"
                    for host in range(first, min(first + 12, SERIES)) for second in range(0, 86400, STEP)]
            ground.ask(server, "acme", "POST", "/v1/points", "".join(rows))
    ground.ask(server, "acme", "POST", "/v1/admin/compact", "")


def timed(ground, server, host, day):
    status, said, _, took = ask(ground, server, f"measurement=day&match=host%3Dh{host:03}&format=csv&every=1h&agg=mean,max&start=1970-01-0{day + 1}T00:00:00Z&end=1970-01-0{day + 2}T00:00:00Z")
    check(status == 200, f"{status} {str(said)[:300]}")
    return took * 1000


def fastest(ground, server, picks):
    """Of each the least of three: what other programs on the machine take comes and goes."""
    return [min(took) for took in zip(*([timed(ground, server, *pick) for pick in picks] for _ in range(3)))]


def find_ms(address):
    """What the database itself takes for a part, asked by a client of a few lines."""
    took = []
    with Wire(address, seconds=60) as wire:
        parts = [document["_id"] for document in wire.find("weir_acme", "packs") if len(document["b"]) > 900000]
        for name in random.Random(3).sample(parts, min(10, len(parts))):
            begun = time.monotonic()
            wire.find("weir_acme", "packs", _id=name)
            took.append((time.monotonic() - begun) * 1000)
    return statistics.median(took)


def compare(ground, tenants, what, address, days):
    """Medians of the same days: from files, from the shard, from parts that are kept."""
    server = serve(ground, "source", tenants, 0)
    days_of(ground, server, days)
    ground.drained(server, seconds=300)
    chance = random.Random(7)
    picks = [(host, chance.randrange(days)) for host in chance.sample(range(SERIES), 40)]
    here = fastest(ground, server, picks)
    size = gauge(ground, server, "weir_packs_local_bytes")
    check(server.stop() == 0, server.log_tail())
    server = serve(ground, "source", tenants, int(size) * 3 // 4)
    within(120, lambda: gauge(ground, server, "weir_packs_away") > 0, "packs go\n" + server.log_tail())
    check(server.stop() == 0, server.log_tail())
    server = serve(ground, "source", tenants, 4 * int(size))  # so that all that is brought is kept; what went does not come back
    within(20, lambda: gauge(ground, server, "weir_packs_away") > 0, "a look")
    timed(ground, server, *picks[0])
    before, cold = gauge(ground, server, "weir_parts_brought_total"), []
    for pick in picks[1:]:
        took = timed(ground, server, *pick)
        now = gauge(ground, server, "weir_parts_brought_total")
        if now > before:
            cold.append((took, now - before))
        before = now
    check(len(cold) > 3, f"{len(cold)} reads of {len(picks)} went to the shard")
    kept = fastest(ground, server, picks)
    check(gauge(ground, server, "weir_parts_brought_total") == before, "what is kept was brought again")
    parts, own = sum(parts for _, parts in cold) / len(cold), find_ms(address)
    here, cold, kept = statistics.median(here), statistics.median(took for took, _ in cold), statistics.median(kept)
    return f"{what}: files {here:.2f} ms, shard {cold:.2f} ms ({cold - here:+.2f}, of which the database's own find of a part {own:.2f}; {parts:.1f} parts), kept {kept:.2f} ms ({kept / here:.2f}x); packs of {size / 1e6:.0f} MB", cold - here, kept / here


def a_day_of_one_series_from_the_shard(ground):
    """Informational but for what is kept: a stand-in's own speed is not a database's."""
    told, _, ratio = compare(ground, ground.tenants(acme="north"), ground.databases["north"].kind, ground.databases["north"].address, 1)
    check(ratio < 3, told)
    return told


def a_day_of_one_series_from_a_peer(ground):
    """A scripted peer that has all in memory stands for a database with an index."""
    with ScriptedMongo(role="primary") as peer:
        told, _, ratio = compare(ground, scripted(ground, peer), "scripted peer", peer.address, 2)
        check(ratio < 3, told)
        return told


CASES = [packs_that_went_are_read_at_their_shard, a_tenant_that_moves_on_is_read_where_all_is, nothing_goes_once_a_copy_has_delivered,
         a_silent_shard_holds_nobody_up, nothing_goes_that_the_shard_lost, an_erasure_brings_packs_back,
         killed_while_packs_go_and_are_read, a_day_of_one_series_from_the_shard, a_day_of_one_series_from_a_peer]
