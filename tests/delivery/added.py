"""A case of tests/delivery/run: a tenant gets another shard while it is written to through two nodes.  Nobody who writes notices, and
every row that was acknowledged is read afterwards, once, from either node and from one whose disk is empty."""
import http.client
import json
import random
import threading
import time

from asking import Asking
from leaving import Speaking, member
from members import Cluster, values
from outbox import check, within
from proxy import Proxy
from scripted_mongo import ScriptedMongo

# Points a second and seconds of each part: before, while the shard comes and is filled, after.
SHORT, LONG = (5000, 2.5), (50000, 20)
WRITERS, LINES, HOSTS = 4, 250, 7
# As in a server that has some to do: packs are made, and merged, all the time.
BUSY = ["--limit-generation-bytes-max", "4194304", "--limit-generation-age-ms-max", "500", "--limit-compact-packs-max", "4"]
PAGE = 250000


def value(writer, t):
    return (t * 7919 + writer * 104729) % 1000003


class Busy(Asking):
    def node(self, name):
        return Cluster.node(self, name, [*BUSY, "--peer-listen", "127.0.0.1:0", "--peer-secret-file", self.secret("secret")])


class Paced(threading.Thread):
    """Requests that come due at fixed times.  How long each took counts from when it is sent: a machine that cannot do as much is behind, and
    that says nothing about shards."""

    def __init__(self, cluster, node, number, rate, stopping):
        super().__init__()
        self.cluster, self.node, self.number, self.gap, self.stopping = cluster, node, number, LINES / rate, stopping
        self.sent, self.took, self.trouble = 0, [], []

    def body(self):
        return "".join(f"load,writer={self.number},host=h{t % HOSTS} i={value(self.number, t)}i {t}\n" for t in range(self.sent, self.sent + LINES))

    def run(self):
        connection, due = http.client.HTTPConnection(*self.node.address, timeout=60), time.monotonic()
        try:
            while not self.stopping.is_set():
                body = self.body()
                self.stopping.wait(max(0, due - time.monotonic()))
                begun = time.monotonic()
                connection.request("POST", "/v1/points", body, self.cluster.headers)
                answer = connection.getresponse()
                said = answer.read()
                self.took.append((begun, time.monotonic() - begun))
                due += self.gap
                if answer.status != 204:
                    self.trouble.append(f"{answer.status}: {said[:300]}")
                    return
                self.sent += LINES
        except (OSError, http.client.HTTPException) as error:
            self.trouble.append(f"{type(error).__name__}: {error}")


class Asker(threading.Thread):
    """What an answer that says that it is whole has said, it must say for ever, at either node."""

    def __init__(self, cluster, nodes, stopping):
        super().__init__()
        self.cluster, self.nodes, self.stopping, self.kept, self.trouble, self.count = cluster, nodes, stopping, {}, [], 0

    question = "measurement=load&agg=count,sum,min,max&fields=i&group_by=writer"

    def run(self):
        moments, chance = [], random.Random(1)
        try:
            while not self.stopping.wait(0.1):
                node = chance.choice(self.nodes)
                moments.append(self.cluster.json(node, "measurement=load&limit=1&order=desc")["as_of"])
                moment, self.count = chance.choice(moments[-50:]), self.count + 1
                answer = self.cluster.json(node, f"{self.question}&as_of={moment}")
                if not answer["partial"]:
                    self.kept.setdefault(moment, answer["series"])
        except Exception as error:
            self.trouble.append(f"{type(error).__name__}: {error}")

    def check_again(self, nodes):
        for moment, series in self.kept.items():
            for node in nodes:
                again = self.cluster.json(node, f"{self.question}&as_of={moment}")
                check(again["series"] == series and not again["partial"], f"{node.address}: as of {moment}: {again} was {series}")


def rows(cluster, node, writer, moment, versions):
    """{time: value} of all its rows, by pages of times; and how many there were."""
    have, count, first = {}, 0, 0
    while True:
        text = cluster.ask(node, "GET", f"/v1/query?measurement=load&match=writer%3D{writer.number}&fields=i&format=csv&epoch=ns{versions}"
                           f"&start={stamp(first)}&end={stamp(first + PAGE)}&as_of={moment}").strip().split("\n")
        head = text[0].split(",")
        time_at, i_at = head.index("time") if "time" in head else 0, head.index("i") if "i" in head else 0
        for line in text[1:]:
            cells = line.split(",")
            have[int(cells[time_at])] = int(cells[i_at])
        count, first = count + len(text) - 1, first + PAGE
        if first > writer.sent:
            return have, count


def stamp(ns):
    return "1970-01-01T00:00:00.%09dZ" % ns


def check_all(cluster, node, writers, moment, who):
    for writer in writers:
        for versions in ("", "&versions=all"):
            have, count = rows(cluster, node, writer, moment, versions)
            check(count == writer.sent, f"{who}: {count} rows{versions} of writer {writer.number}, {writer.sent} were acknowledged\n{node.log_tail()}")
            wrong = [t for t in range(writer.sent) if have.get(t) != value(writer.number, t)]
            check(not wrong, f"{who}: {len(wrong)} rows of writer {writer.number} are missing or other ones, the first at {wrong[:3]}")


def p99_ms(writers, first, last):
    took = sorted(seconds for writer in writers for begun, seconds in writer.took if first <= begun < last)
    return took[len(took) * 99 // 100] * 1000 if took else 0


def packs_at(cluster, node, shard):
    text = cluster.ask(node, "GET", "/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.split("\n") if line.startswith(f'weir_delivery_packs_total{{shard="{shard}"}}'))


def joined(cluster, name, moment):
    """A node with an empty disk, once it knows what the two who wrote have told.  Those who never had a row are named for ever."""
    node = cluster.node(name)

    def knows():
        told.append(cluster.json(node, "measurement=load&limit=1&as_of=" + moment).get("missing", []))
        return all(text.startswith(("member 3", "member 4")) for text in told[-1])
    told, deadline = [], time.monotonic() + 120
    while not knows():
        check(time.monotonic() < deadline, f"an empty disk does not serve all rows: {told[-1]}\n" + node.log_tail())
        time.sleep(0.02)
    return node


def a_shard_is_added_under_load(ground):
    rate, part = LONG if ground.long else SHORT
    cluster = Busy(ground, {"north": ground.database("north")})
    nodes = [cluster.node("one"), cluster.node("two")]
    cluster.settled(nodes)  # they know of each other
    stopping = threading.Event()
    writers = [Paced(cluster, nodes[n % 2], n, rate / WRITERS, stopping) for n in range(WRITERS)]
    asker = Asker(cluster, nodes, stopping)
    for thread in (*writers, asker):
        thread.start()
    try:
        time.sleep(part)
        begun = time.monotonic()
        cluster.add_shard("south", ground.database("south"))
        cluster.weir("tenant", "set", "acme", "--shard", "south")
        for node in nodes:
            within(60, lambda: packs_at(cluster, node, "south") > 0, "packs go to the shard that was added\n" + node.log_tail())
        time.sleep(max(0, part - (time.monotonic() - begun)))
        ended = time.monotonic()
        time.sleep(part / 2)
    finally:
        stopping.set()
        for thread in (*writers, asker):
            thread.join()
    for thread in (*writers, asker):
        check(not thread.trouble, f"{type(thread).__name__}: {thread.trouble[:2]}")
    sent = sum(writer.sent for writer in writers)
    check(sent > rate * part * 2.5 * 0.5, f"{sent} rows are no {rate} a second: nothing was tried")
    moment = cluster.settled(nodes)
    for node, who in zip(nodes, ("the first node", "the second one")):
        check_all(cluster, node, writers, moment, who)
    asker.check_again(nodes)
    empty = [joined(cluster, "three", moment)]
    check_all(cluster, empty[0], writers, moment, "a node whose disk was empty")
    ground.databases["north"].kill()  # of which the other one has all by now
    empty.append(joined(cluster, "four", moment))
    check_all(cluster, empty[1], writers, moment, "a node whose disk was empty, without the first shard")
    check(json.loads(cluster.weir("tenant", "show", "acme", "--json"))["shards"] == ["north", "south"], "it has both shards")
    before, beside = p99_ms(writers, 0, begun), p99_ms(writers, begun, ended)
    # On a machine with other work, where nobody may wait for a shard all the same; the figure itself is for a quiet one (bench/cluster).
    check(beside <= 2 * before + 500, f"p99 of an ack is {beside:.1f} ms while the shard comes and {before:.1f} ms before")
    for node in (*nodes, *empty):
        check(node.stop() == 0, "a server did not end well\n" + node.log_tail())
    return f"{sent} rows, {rate} a second; p99 {before:.1f} ms before, {beside:.1f} ms while the shard came; {len(asker.kept)} whole answers of {asker.count}"


class Behind:
    """A database behind a proxy."""

    def __init__(self, peer):
        self.proxy = Proxy(peer.address)
        self.uri = "mongodb://127.0.0.1:%d/" % self.proxy.address[1]


def metric(cluster, node, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in cluster.ask(node, "GET", "/metrics").split("\n") if line.startswith(name))


def a_shard_that_is_added_is_dead(ground):
    """Writes go on up to what may wait, which what the other shard has is no part of; then they are refused, which heals with the shard.
    Answers are whole, and it is told where operators look."""
    with ScriptedMongo(role="primary") as north, ScriptedMongo(role="primary") as south:
        cluster, behind = Speaking(ground, {"north": north}), Behind(south)
        one, two = cluster.node("one"), cluster.node("two")
        chance, written = random.Random(3), {}

        def noise(node, first):
            lines = [(first + t, chance.random()) for t in range(2000)]
            cluster.write(node, *(f"v,k=a f={f} {t}" for t, f in lines))
            cluster.ask(node, "POST", "/v1/admin/flush", "")
            written.update(lines)

        def now(node):
            return values(cluster, node, cluster.json(node, "measurement=v&limit=1")["as_of"])

        def refused(node):
            answer = node.request("POST", "/v1/points", b"v,k=b f=1 1\n", cluster.headers)
            said = answer.status == 503 and json.loads(answer.text())
            check(answer.status == 204 or said["code"] == "outbox_full" and 1 <= int(answer.headers["retry-after"]) <= 60, f"{answer.status} {answer.text()}")
            return answer.status == 503

        noise(one, 1), noise(two, 10001)
        for node in (one, two):
            within(30, lambda: packs_at(cluster, node, "north") > 0, "it is delivered\n" + node.log_tail())
        behind.proxy.set("refuses")
        cluster.add_shard("south", behind)
        cluster.weir("tenant", "set", "acme", "--shard", "south", "--limit", "outbox_bytes_max=10000")
        for node in (one, two):
            within(10, lambda: metric(cluster, node, 'weir_outbox_bytes{tenant="acme"}') > 10000, "all of it is to go there")
        time.sleep(1.2)  # and another look
        for node, first in ((one, 20001), (two, 30001)):
            check(not refused(node), "a write is refused for what the other shard has")
            noise(node, first)
            within(10, lambda: refused(node), "no more than the quota comes in")
        for node, other in ((one, 2), (two, 1)):
            check(now(node) == written, f"{node.address} has other rows")
            check(not cluster.json(node, "measurement=v&limit=1").get("missing"), "an answer is not whole")
            within(10, lambda: member(cluster, node, other).get("backlog_bytes", 0) > 10000, f"{member(cluster, node, other)}")
            check(metric(cluster, node, 'weir_delivery_failures_total{shard="south"}') > 0, "failures are counted")
            check("south" in node.log_text() and str(behind.proxy.address[1]) in node.log_text(), "the log says which shard, and where")
        behind.proxy.set("passes")
        for node in (one, two):
            within(60, lambda: not refused(node), "writes are taken again\n" + node.log_tail())
        cluster.delivered(one), cluster.delivered(two)
        north.__exit__()  # of which the other one has all by now
        three = cluster.node("three")
        within(60, lambda: now(three) == written, "an empty disk serves all of it\n" + three.log_tail())
        behind.proxy.close()


CASES = [a_shard_is_added_under_load, a_shard_that_is_added_is_dead]
