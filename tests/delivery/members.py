"""Cases of tests/delivery/run about several nodes of one registry: what each delivered to a tenant's shard is read by all, as if one
had it; what of a member is not known is told."""
import difflib
import json
import os
import random
import re
import subprocess
import threading
import time

from outbox import QUIET, check, within
from scripted_mongo import ScriptedMongo
from server import Server, clean_environment


class Cluster:
    """A registry, in files where none is named, a peer for each shard, nodes that enter themselves."""

    def __init__(self, ground, peers, registry=None):
        self.ground, self.registry = ground, registry or ground.path("registry")
        for name, peer in peers.items():
            self.add_shard(name, peer)
        self.weir("tenant", "add", "acme", "--shard", next(iter(peers)))
        token = self.weir("token", "add", "acme", "--scopes", "read,write,admin,operator").strip()
        self.headers = {"Authorization": "Bearer " + token}

    def weir(self, *words):
        done = subprocess.run([self.ground.program, *words, "--registry", self.registry], capture_output=True, text=True, timeout=60,
                              env=clean_environment(), check=False)
        check(done.returncode == 0, f"weir {' '.join(words)}: exit {done.returncode}: {done.stderr[-600:]}")
        return done.stdout

    def add_shard(self, name, peer):
        with open(os.open(self.ground.path(name + ".uri"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(f"{peer.uri}?{self.ground.patience}")
        self.weir("shard", "add", name, "--uri-file", self.ground.path(name + ".uri"))

    def node(self, name, flags=tuple(QUIET)):
        server = Server(self.ground.program, self.ground.path(name), [*flags, "--registry", self.registry])
        self.ground.servers.append(server)
        return server.start()

    def ask(self, node, method, path, body=None, want=(200, 204)):
        answer = node.request(method, path, body and body.encode(), self.headers, seconds=60)
        check(answer.status in want, f"{method} {path} gave {answer.status}: {answer.text()[:400]}")
        return answer.text()

    def json(self, node, question):
        return json.loads(self.ask(node, "GET", "/v1/query?" + question))

    def write(self, node, *lines):
        self.ask(node, "POST", "/v1/points", "".join(line + "\n" for line in lines))

    def delivered(self, node):
        self.ask(node, "POST", "/v1/admin/flush", "")
        within(60, lambda: re.search(r'^weir_delivery_lag_packs\{[^}]*\} 0$', self.ask(node, "GET", "/metrics"), re.M), "it is delivered")

    def settled(self, nodes):
        """Delivers what there is, and waits until all nodes know of it; an S at which all have told everything."""
        moments = []
        for node in nodes:
            self.write(node, "end f=1")
            moments.append(self.json(node, "measurement=end&limit=1&order=desc")["as_of"])
        for node in nodes:
            self.delivered(node)
        moment = min(moments)
        for node in nodes:
            within(30, lambda: self.whole(node, moment), f"{node.address} knows of all: {self.json(node, 'measurement=end&as_of=' + moment)}\n"
                   + node.log_tail())
        return moment

    def whole(self, node, moment):
        answer = self.json(node, "measurement=end&as_of=" + moment)
        return not answer.get("missing") and answer["final"]


QUESTIONS = ("measurement=v&format=csv", "measurement=v&format=ndjson&versions=all", "measurement=v&format=csv&every=10ns&agg=sum,count,min,max,last",
             "measurement=v&format=csv&every=1us&agg=mean,count&group_by=k", "measurement=v&format=ndjson&order=desc&limit=20",
             "measurement=v&format=csv&match=k%3Da&start=1970-01-01T00:00:00.00000003Z")
LISTS = ("/v1/measurements", "/v1/series?measurement=v", "/v1/fields?measurement=v", "/v1/tags/k/values?measurement=v")


def rows_of(text):
    return "".join(line + "\n" for line in text.split("\n") if '"_end"' not in line)


def same(cluster, nodes, moment, whole=True):
    """All nodes say the same, byte for byte; whole=False: but for how whole they say that it is."""
    size = 0
    for question in QUESTIONS:
        texts = [cluster.ask(node, "GET", f"/v1/query?{question}&as_of={moment}") for node in nodes]
        texts = texts if whole else [rows_of(text) for text in texts]
        for text in texts[1:]:
            check(text == texts[0], f"{question}: " + "\n".join(list(difflib.unified_diff(texts[0].split("\n"), text.split("\n"), "one", "other", n=0))[:20]))
        size += len(texts[0])
    for path in LISTS:
        lists = [json.loads(cluster.ask(node, "GET", path)) for node in nodes]
        check(all(one == lists[0] for one in lists), f"{path}: {lists}")
    check(size > 500, f"{size} bytes were compared")
    return size


def values(cluster, node, moment, series="k%3Da"):
    lines = cluster.ask(node, "GET", f"/v1/query?measurement=v&match={series}&format=csv&epoch=ns&as_of={moment}").strip().split("\n")
    head = lines[0].split(",")
    cells = [line.split(",") for line in lines[1:]]
    return {int(row[head.index("time")]): float(row[head.index("f")]) for row in cells if row[head.index("f")]}


def two_members_answer_as_one(ground):
    """Rows, corrections and deletions of each reach all that the other has, in the order of their ingest times; one that is dead is
    named, and a node with an empty disk has everything that was delivered."""
    with ScriptedMongo(role="primary") as north:
        cluster = Cluster(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        cluster.write(one, *(f"v,k=a f={t},i={t}i {t}" for t in range(50)))
        cluster.write(two, *(f"v,k=a f={t},i={t}i {t}" for t in range(50, 100)), *(f"v,k=b f={t} {t}" for t in range(30)))
        cluster.write(two, "v,k=a f=1007 7", "v,k=a i=-8i 8")  # of rows of the other
        cluster.write(one, "v,k=a f=1060 60")
        cluster.ask(one, "DELETE", "/v1/points?measurement=v&match=k%3Da&start=1970-01-01T00:00:00.00000007Z&end=1970-01-01T00:00:00.00000008Z")
        cluster.write(two, "v,k=a f=2075 75")  # after it was deleted
        cluster.delivered(one)
        cluster.ask(two, "POST", "/v1/admin/compact", "")
        cluster.ask(two, "DELETE", "/v1/points?measurement=v&match=k%3Da&start=1970-01-01T00:00:00.00000001Z&end=1970-01-01T00:00:00.00000002Z")
        cluster.ask(one, "POST", "/v1/admin/compact", "")
        moment = cluster.settled([one, two])
        same(cluster, [one, two], moment)
        want = {t: t for t in range(100) if not 70 <= t < 80 and not 10 <= t < 20}
        want.update({7: 1007, 60: 1060, 75: 2075})
        for node in (one, two):
            have = values(cluster, node, moment)
            check(have == want, f"{node.address}: {sorted(have.items() ^ want.items())}")
        # What a member that died had not delivered is missing, and said to be.
        cluster.write(two, "v,k=a f=9 200")
        two.kill()
        cluster.write(one, "v,k=a f=8 201")
        answer = cluster.json(one, "measurement=v&match=k%3Da")
        check(any("member 2 has told up to" in text for text in answer["missing"]), f"member 2 is not named: {answer['missing']}")
        check(cluster.ask(one, "GET", "/v1/query?measurement=v&strict=true", want=(503, 422, 409, 500)), "strict")
        moment_of_two = moment
        three = cluster.node("three")
        within(30, lambda: values(cluster, three, moment_of_two) == want, "an empty disk serves all rows\n" + three.log_tail())
        size = same(cluster, [one, three], moment_of_two, whole=False)
        listed = len(north.documents("weir_acme", "manifests"))
        two.start()
        cluster.write(three, "v,k=c f=1 1")
        moment = cluster.settled([one, two, three])
        same(cluster, [one, two, three], moment)
        check(values(cluster, three, moment)[200] == 9, "what the dead one had is there")
        for node in (one, two, three):
            check(node.stop() == 0, "a server did not end well\n" + node.log_tail())
        return f"{size} bytes the same, {listed} entries"


def blocks_of_others_are_read_at_their_shard(ground):
    """Of a large pack a node has what plans need; a shard that is down is a 503 for what is there alone, and no wrong answer."""
    with ScriptedMongo(role="primary") as north:
        cluster, chance = Cluster(ground, {"north": north}), random.Random(7)
        one, two = cluster.node("one"), cluster.node("two")
        for body in range(3):
            cluster.write(one, *(f"v,k=h{line % 20} i={chance.getrandbits(62)}i,j={chance.getrandbits(62)}i {body * 10000 + line}" for line in range(10000)))
        cluster.ask(one, "POST", "/v1/admin/compact", "")
        moment = cluster.settled([one, two])
        size = same(cluster, [one, two], moment)
        kept = sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(ground.path("two/guests")) for name in names)
        two.kill()
        two.flags += ["--limit-column-cache-bytes-max", "0"]
        two.start()
        within(30, lambda: cluster.whole(two, moment), "it knows of all again\n" + two.log_tail())
        north.fail("find", "cut", times=-1, where="packs")
        text = cluster.ask(two, "GET", f"/v1/query?measurement=v&format=csv&agg=sum&every=1ms&as_of={moment}", want=(503,))
        check("north" in text, f"the shard is not named: {text[:400]}")
        north.faults.clear()
        within(60, lambda: two.request("GET", f"/v1/query?{QUESTIONS[2]}&as_of={moment}", None, cluster.headers).status == 200, "the shard is back")
        same(cluster, [one, two], moment)
        return f"{size} bytes the same, {kept} bytes kept"


def a_tenant_that_gets_another_shard_is_read_at_both(ground):
    """While it moves answers are never short without saying so, and in the end a node with an empty disk has all."""
    with ScriptedMongo(role="primary") as north, ScriptedMongo(role="primary") as south:
        cluster = Cluster(ground, {"north": north, "south": south})
        one, two = cluster.node("one"), cluster.node("two")
        cluster.write(one, *(f"v,k=a f={t} {t}" for t in range(100)))
        cluster.write(two, *(f"v,k=b f={t} {t}" for t in range(100)))
        moment = cluster.settled([one, two])
        want = [values(cluster, one, moment, series) for series in ("k%3Da", "k%3Db")]
        check([len(rows) for rows in want] == [100, 100], f"{want}")
        cluster.weir("tenant", "set", "acme", "--shard", "south")
        for n in range(40):  # one moves before the other
            for node in (one, two):
                have = [values(cluster, node, moment, series) for series in ("k%3Da", "k%3Db")]
                check(have == want, f"look {n}: {node.address} has {[len(rows) for rows in have]} rows\n{node.log_tail()}")
        cluster.write(one, "v,k=a f=7 7")
        moment = cluster.settled([one, two])
        check(len(south.documents("weir_acme", "manifests")) >= 2, "nothing went to the other shard")
        size = same(cluster, [one, two], moment)
        three = cluster.node("three")
        within(30, lambda: len(values(cluster, three, moment)) == 100 and values(cluster, three, moment)[7] == 7, "an empty disk serves all rows\n" + three.log_tail())
        same(cluster, [one, three], moment, whole=False)
        return f"{size} bytes the same"


def a_field_of_two_kinds_is_no_wrong_value(ground):
    """Each member took another kind of values in one field, before either knew of the other: each answers with its own, and says so."""
    with ScriptedMongo(role="primary") as north:
        cluster = Cluster(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        cluster.write(one, *(f"v,k=a f={t}.5,n={t}i {t}" for t in range(10)))
        cluster.write(two, *(f'v,k=a f="text",n={t}i {t}' for t in range(10, 20)))
        for node in (one, two):
            cluster.delivered(node)
        for node, kind in ((one, "string"), (two, "number")):
            told = f'field "f" of measurement "v" holds {kind} values there'
            within(30, lambda: any(told in text for text in cluster.json(node, "measurement=v").get("missing", [])), f"it is told: {told}\n"
                   + json.dumps(cluster.json(node, "measurement=v&limit=1")))
        numbers = cluster.ask(one, "GET", "/v1/query?measurement=v&agg=count,sum&fields=f,n&format=csv").strip().split("\n")
        check(numbers[1].split(",")[1:] == ["10", "50.0", "20", "190"] or numbers[1].split(",")[1:] == ["10", "20", "50.0", "190"], f"{numbers}")
        texts = cluster.ask(two, "GET", "/v1/query?measurement=v&fields=f&format=csv").strip().split("\n")
        check(len(texts) == 11 and all(line.endswith("text") for line in texts[1:]), f"{texts}")
        check(one.request("GET", "/v1/query?measurement=v&strict=true", None, cluster.headers).status == 503, "strict=true takes it")
        refused = cluster.ask(two, "POST", "/v1/points", "v,k=a f=1 1\n", want=(400,))
        check("string" in refused, f"{refused}")


class Writer(threading.Thread):
    """Rows, corrections of what the other wrote, deletions; sealed and compacted all the time."""

    def __init__(self, cluster, node, chance, stopping):
        super().__init__()
        self.cluster, self.node, self.chance, self.stopping, self.trouble, self.count = cluster, node, chance, stopping, [], 0

    def run(self):
        while not self.stopping.wait(0.01):
            try:
                self.step()
            except Exception as error:
                self.trouble.append(f"{type(error).__name__}: {error}")
                return

    def step(self):
        self.count += 1
        kind, at = self.chance.randrange(20), self.chance.randrange(2000)
        if kind == 0:
            self.cluster.ask(self.node, "POST", "/v1/admin/compact", "")
        elif kind < 4:
            self.cluster.ask(self.node, "POST", "/v1/admin/flush", "")
        elif kind == 4:
            self.cluster.ask(self.node, "DELETE", f"/v1/points?measurement=v&match=k%3D{self.chance.choice('abc')}&start=1970-01-01T00:00:00.00000{at:04}Z"
                             f"&end=1970-01-01T00:00:00.00000{at + 20:04}Z")
        else:
            self.cluster.write(self.node, *(f"v,k={self.chance.choice('abc')} {self.chance.choice(('f', 'i'))}={self.chance.randrange(1000)} {t}"
                                            for t in range(at, at + 20)))


def what_says_final_is_final(ground):
    """Two nodes write, correct and delete at once while their shard fails now and then: an answer that says that it is whole and final is
    the same later, from either node, and in the end both say the same."""
    with ScriptedMongo(role="primary") as north:
        cluster, stopping, kept = Cluster(ground, {"north": north}), threading.Event(), {}
        nodes = [cluster.node("one"), cluster.node("two")]
        for node in nodes:
            cluster.write(node, *(f"v,k={k} f=0,i=0 0" for k in "abc"))  # columns stand in all answers from now on
        cluster.settled(nodes)  # they know of each other
        writers = [Writer(cluster, node, random.Random(ground.chance.random()), stopping) for node in nodes]
        for writer in writers:
            writer.start()
        try:
            moments, deadline = [], time.monotonic() + 8
            while time.monotonic() < deadline:
                node, command, fault = ground.chance.choice(nodes), ground.chance.choice(("find", "insert")), ground.chance.choice(("cut", "lost", "error"))
                if ground.chance.randrange(60) == 0:
                    north.fail(command, fault, 10107 if fault == "error" else None, times=ground.chance.randrange(1, 4))
                moments.append(cluster.json(node, "measurement=v&limit=1")["as_of"])
                moment, question = ground.chance.choice(moments), ground.chance.choice(QUESTIONS[:4])
                state = cluster.json(node, f"measurement=v&limit=1&as_of={moment}")
                if state["final"] and not state["partial"]:
                    kept.setdefault((moment, question), cluster.ask(node, "GET", f"/v1/query?{question}&as_of={moment}"))
                time.sleep(0.02)
        finally:
            stopping.set()
            for writer in writers:
                writer.join()
        check(not any(writer.trouble for writer in writers), f"{[writer.trouble for writer in writers]}")
        north.faults.clear()
        same(cluster, nodes, cluster.settled(nodes))
        for (moment, question), text in kept.items():
            for node in nodes:
                again = cluster.ask(node, "GET", f"/v1/query?{question}&as_of={moment}")
                check(again == text, f"{node.address}: {question}&as_of={moment}: "
                      + "\n".join(list(difflib.unified_diff(text.split("\n"), again.split("\n"), "before", "later", n=0))[:20]))
        check(len(kept) >= 5, f"{len(kept)} answers were final")
        return f"{len(kept)} final answers of {len(moments)} moments, {sum(writer.count for writer in writers)} requests"


CASES = [what_says_final_is_final, a_field_of_two_kinds_is_no_wrong_value, a_tenant_that_gets_another_shard_is_read_at_both, two_members_answer_as_one, blocks_of_others_are_read_at_their_shard]
