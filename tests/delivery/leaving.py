"""Cases of tests/delivery/run about members that come and go and about their clocks: nothing that was acknowledged is lost by it but what
somebody gave up, in so many words."""
import glob
import http.client
import json
import os
import random
import re
import subprocess
import threading
import time

from members import Cluster, rows_of, values
from outbox import QUIET, check, within
from scripted_mongo import ScriptedMongo
from server import Server, clean_environment

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Member(Server):
    @property
    def pid(self):
        return self.process.pid  # env becomes it


class Speaking(Cluster):
    """Nodes that ask one another how they are."""

    def __init__(self, ground, peers, registry=None):
        super().__init__(ground, peers, registry)
        self.secret = ground.path("cluster.secret")
        with open(os.open(self.secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write("a-secret-of-the-cluster-%032x\n" % random.getrandbits(128))

    def made(self, name, wrapper=(), flags=()):
        server = Member(self.ground.program, self.ground.path(name), [*QUIET, "--registry", self.registry, "--peer-listen", "127.0.0.1:0",
                                                                     "--peer-secret-file", self.secret, *flags], wrapper=wrapper)
        self.ground.servers.append(server)
        return server

    def node(self, name, wrapper=()):
        return self.made(name, wrapper).start()


def records(cluster):
    return {item["name"]: item for item in json.loads(cluster.weir("member", "list", "--json"))["members"]}


def member(cluster, node, number):
    return [item for item in json.loads(cluster.ask(node, "GET", "/v1/members"))["members"] if item["number"] == number][0]


def ready(node, name):
    answer = node.request("GET", "/readyz")
    return answer.status, [check_ for check_ in json.loads(answer.text())["checks"] if check_["name"] == name][0]


class Writer(threading.Thread):
    """Rows of its own to one node after the other; a node that refuses a row with 503 is asked no more for that row."""

    def __init__(self, cluster, nodes, number, stopping):
        super().__init__()
        self.cluster, self.nodes, self.number, self.stopping = cluster, nodes, number, stopping
        self.acknowledged, self.refused, self.trouble = {}, [], []

    def run(self):
        t = 0
        while not self.stopping.wait(0.002):
            t += 1
            try:
                self.step(t)
            except Exception as error:
                self.trouble.append(f"{type(error).__name__}: {error}")
                return

    def step(self, t):
        for at in range(len(self.nodes)):
            node = self.nodes[(t + at) % len(self.nodes)]
            try:
                answer = node.request("POST", "/v1/points", f"v,k=w{self.number} f={t} {t}\n".encode(), self.cluster.headers, seconds=60)
            except (OSError, http.client.HTTPException):  # it is stopped
                continue
            if answer.status == 204:
                self.acknowledged[t] = float(t)
                return
            check(answer.status == 503 and "retry-after" in answer.headers, f"{answer.status}: {answer.text()[:300]}")
            self.refused.append((node, json.loads(answer.text())["code"], answer.text()))
        raise AssertionError(f"no node took it: {self.refused[-1][2]}")


class Patient(Writer):
    """As an agent, it tries again what all nodes refused: when a clock is put right, both may be judged ahead until they have asked again."""

    def step(self, t):
        deadline = time.monotonic() + 10
        while t not in self.acknowledged and not self.stopping.is_set():
            try:
                super().step(t)
            except AssertionError:
                check(all(code == "clock_skew" for _, code, _ in self.refused[-len(self.nodes):]) and time.monotonic() < deadline, f"{self.refused[-1]}")
                time.sleep(0.05)


def begin_writers(cluster, nodes, count=3, kind=Writer):
    stopping = threading.Event()
    writers = [kind(cluster, nodes, number, stopping) for number in range(count)]
    for writer in writers:
        writer.start()
    return stopping, writers


def end_writers(stopping, writers):
    stopping.set()
    for writer in writers:
        writer.join()
    check(not any(writer.trouble for writer in writers), f"{[writer.trouble for writer in writers]}")
    check(all(len(writer.acknowledged) > 20 for writer in writers), f"{[len(writer.acknowledged) for writer in writers]} rows were written")


def expect_all(cluster, node, writers):
    moment = cluster.json(node, "measurement=v&limit=1")["as_of"]
    for writer in writers:
        have = values(cluster, node, moment, f"k%3Dw{writer.number}")
        lost = sorted(set(writer.acknowledged.items()) - set(have.items()))
        check(not lost and set(have) == set(writer.acknowledged), f"{node.address}: of {len(writer.acknowledged)} rows {len(lost)} are not there: "
              f"{lost[:5]}, {len(have)} are\n{node.log_tail()}")


def names(cluster, node, number):
    return any(f"member {number}" in text for text in cluster.json(node, "measurement=v&limit=1").get("missing", []))


class Reader(threading.Thread):
    """No answer is short without saying so: what was acknowledged before it was asked for is in it."""

    def __init__(self, cluster, node, writer, stopping):
        super().__init__()
        self.cluster, self.node, self.writer, self.stopping, self.trouble, self.whole, self.partial = cluster, node, writer, stopping, [], 0, 0

    def run(self):
        while not self.stopping.wait(0.01):
            before = dict(self.writer.acknowledged)
            try:
                answer = self.cluster.json(self.node, f"measurement=v&match=k%3Dw{self.writer.number}&epoch=ns")
            except Exception as error:
                self.trouble.append(f"{type(error).__name__}: {error}")
                return
            if answer["partial"]:
                self.partial += 1
                continue
            self.whole += 1
            have = {row[0] for series in answer["series"] for row in series["rows"]}
            if not have >= set(before):
                self.trouble.append(f"{len(set(before) - have)} of {len(before)} rows are not in an answer that says it is whole: {sorted(set(before) - have)[:5]}")
                return


def drain_among_members_that_speak(ground):
    return drain_loses_nothing(ground, Speaking)


def drain_loses_nothing(ground, kind=Cluster):
    """A node leaves while it is written to and its shard is away for a while: who writes is sent to another one, all is delivered, nobody
    misses it, and no answer is short without saying so."""
    with ScriptedMongo(role="primary") as north:
        cluster = kind(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        time.sleep(0.5)  # without asking one another they know of each other 0.2 s later
        stopping, writers = begin_writers(cluster, [one, two])
        reader = Reader(cluster, one, writers[0], stopping)
        reader.start()
        try:
            time.sleep(1)
            north.fail("insert", "error", 10107, times=-1)
            cluster.weir("member", "drain", "2")
            within(5, lambda: ready(two, "member")[0] == 503, "it takes nothing any more")
            told = ready(two, "member")[1]
            check(told["state"] == "draining" and told["code"] == "not_a_member" and "is draining there" in told["detail"], f"{told}")
            item = within(10, lambda: "waits_for" in member(cluster, two, 2) and member(cluster, two, 2), "it tells what it waits for")
            within(10, lambda: "shard north does not have all of tenant acme" in member(cluster, two, 2)["waits_for"], f"{item}")
            check(records(cluster)["2"]["state"] == "draining" and records(cluster)["2"]["by"], f"{records(cluster)}")
            cluster.weir("member", "drain", "2")  # once more is no other thing
            two.stop()  # it goes on where it was
            north.faults.clear()
            two.start(ready=False)
            within(60, lambda: records(cluster)["2"]["state"] == "drained", f"it has left: {two.log_tail()}")
            time.sleep(0.5)
        finally:
            stopping.set()
            reader.join()
        end_writers(stopping, writers)
        check(not reader.trouble, f"{reader.trouble}\n{one.log_tail()}")
        refused = [entry for writer in writers for entry in writer.refused]
        check(refused and all(code == "not_a_member" and node is two for node, code, _ in refused), f"{[entry[1:] for entry in refused[:3]]}")
        within(30, lambda: not names(cluster, one, 2), f"nobody waits for it: {cluster.json(one, 'measurement=v&limit=1').get('missing')}")
        expect_all(cluster, one, writers)
        check(cluster.ask(two, "GET", "/v1/query?measurement=v&limit=1"), "it answers")
        two.stop()
        expect_all(cluster, one, writers)
        cluster.delivered(one)
        three = cluster.node("three")
        within(30, lambda: len(values(cluster, three, cluster.json(three, "measurement=v&limit=1")["as_of"], "k%3Dw0")) == len(writers[0].acknowledged),
               "an empty disk has all")
        expect_all(cluster, three, writers)
        check(subprocess.run([ground.program, "member", "forget", "2", "--registry", cluster.registry], capture_output=True, check=False,
                             env=clean_environment()).returncode == 1, "there is nothing to forget")
        return f"{sum(len(writer.acknowledged) for writer in writers)} rows, {len(refused)} refusals; {reader.whole} answers were whole, {reader.partial} partial"


def what_is_forgotten_comes_back_as_new(ground):
    """A node dies with its disk; it is given up, and answers are whole.  Then it is back: it takes and delivers nothing, and its rows come
    in by export and import."""
    with ScriptedMongo(role="primary") as north:
        cluster = Cluster(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        cluster.write(one, "v,k=a f=1 1")
        cluster.write(two, "v,k=a f=2 2")
        cluster.settled([one, two])
        cluster.write(two, "v,k=a f=3 3")  # which it never delivers
        said = subprocess.run([ground.program, "member", "forget", "2", "--registry", cluster.registry], capture_output=True, text=True, check=False,
                              env=clean_environment())
        check(said.returncode == 1 and "is alive" in said.stderr and "drain it" in said.stderr, f"{said}")
        check(one.request("POST", "/v1/members/2/forget", None, cluster.headers).status == 409, "nor by a request")
        check(one.request("POST", "/v1/members/9/forget", None, cluster.headers).status == 404, "there is no 9")
        two.kill()
        os.rename(two.data, two.data + "-away")
        cluster.write(one, "v,k=a f=4 4")
        within(10, lambda: names(cluster, one, 2), "it is named")
        within(10, lambda: not member(cluster, one, 2)["alive"], "it is dead")
        item = json.loads(cluster.ask(one, "POST", "/v1/members/2/forget"))
        check(item["state"] == "lost" and item["by"].startswith("token ") and item["at"], f"{item}")
        check(json.loads(cluster.ask(one, "POST", "/v1/members/2/forget"))["at"] == item["at"], "once is enough")
        within(10, lambda: not names(cluster, one, 2), f"it is named no more: {cluster.json(one, 'measurement=v').get('missing')}")
        moment = cluster.json(one, "measurement=v&limit=1")["as_of"]
        before = cluster.json(one, "measurement=v&as_of=" + moment)
        check(before["final"] and not before["partial"] and values(cluster, one, moment) == {1: 1, 2: 2, 4: 4}, f"{before}")
        os.rename(two.data + "-away", two.data)
        two.start(ready=False)
        within(10, lambda: "is lost there" in ready(two, "member")[1].get("detail", ""), f"{ready(two, 'member')}")
        refused = cluster.ask(two, "POST", "/v1/points", "v,k=a f=5 5\n", want=(503,))
        check('"not_a_member"' in refused and "is lost there" in refused, refused)
        check("it takes and delivers nothing" in two.log_text(), "the log says so")
        listed = len(north.documents("weir_acme", "manifests"))
        cluster.ask(two, "POST", "/v1/admin/flush", "")
        time.sleep(2.5)
        check(len(north.documents("weir_acme", "manifests")) == listed, "it delivered something")
        check(cluster.json(one, "measurement=v&as_of=" + moment) == before, "what was final is another now")
        check(records(cluster)["2"]["state"] == "lost" and records(cluster)["2"]["alive"], f"{records(cluster)}")
        own, out = values(cluster, two, cluster.json(two, "measurement=v&limit=1")["as_of"]), ground.path("out.lp")
        check(own[3] == 3, f"it has what it had: {own}")
        token = ground.path("token")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(cluster.headers["Authorization"].split()[1])
        for words in (("export", "--url", "http://%s:%d" % two.address, "--token-file", token, "--out", out, "--allow-partial"),
                      ("import", "--url", "http://%s:%d" % one.address, "--token-file", token, out)):
            done = subprocess.run([ground.program, *words], capture_output=True, text=True, timeout=60, env=clean_environment(), check=False)
            check(done.returncode in (0, 3), f"{words[0]}: {done.returncode} {done.stderr}")
        have = values(cluster, one, cluster.json(one, "measurement=v&limit=1")["as_of"])
        check(have == {1: 1, 2: 2, 3: 3, 4: 4}, f"{have}")


class Clock:
    """The wall clock of a node, which may be moved while it runs."""

    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, seconds):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"{seconds:+}\n")
        os.rename(self.path + ".new", self.path)

    def wrapper(self):
        return ["env", "LD_PRELOAD=" + glob.glob(LIBRARY)[0], "FAKETIME_TIMESTAMP_FILE=" + self.path, "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_FORCE_MONOTONIC_FIX=0"]


def only_the_clock_that_is_ahead_stops(ground):
    """Two clocks 30 s apart, at the start and while both run: the node that is ahead refuses writes, reads go on, nothing that was
    acknowledged is lost, versions keep the order in which they were written."""
    check(glob.glob(LIBRARY), "libfaketime is not installed")
    with ScriptedMongo(role="primary") as north:
        cluster, clock = Speaking(ground, {"north": north}), Clock(ground.path("clock"))
        one, two = cluster.node("one"), cluster.made("two", clock.wrapper())
        clock.set(30)
        two.start(ready=False)
        refused, version, written = 0, 0, []

        def write(node):
            nonlocal version, refused
            answer = node.request("POST", "/v1/points", f"v,k=a f={version + 1} 1\n".encode(), cluster.headers)
            if answer.status == 204:
                version += 1
                written.append(float(version))
                return True
            check(answer.status == 503 and json.loads(answer.text())["code"] in ("clock_skew", "not_ready"), f"{answer.status} {answer.text()}")
            refused += 1
            return False

        for _ in range(20):  # from its first moment on
            check(not write(two), "it takes a write, 30 s ahead")
            check(write(one), "who is not ahead refuses one")
            time.sleep(0.1)
        answer = two.request("POST", "/v1/points", b"v f=1 1\n", cluster.headers)
        check('"clock_skew"' in answer.text() and "ahead of those of other members" in answer.text(), answer.text())
        check(cluster.ask(two, "GET", "/v1/query?measurement=v&limit=1"), "it answers")
        check(ready(one, "member")[0] == 200, "the other one is well")
        check(28000 < -member(cluster, one, 2)["clock_behind_ms"] < 32000, f"{member(cluster, one, 2)}")
        time.sleep(0.6)  # who was asked gives no times below what it answered at, a quarter of a second ahead
        for turn in range(2 if not ground.long else 10):
            clock.set(0)
            within(10, lambda: write(two), "clocks agree, and it writes")
            for _ in range(10):
                write(one), write(two)
            clock.set(30)  # while it runs: no moment's write has a stamp of the future
            for _ in range(10):
                check(not write(two), "it takes a write, 30 s ahead")
                check(write(one), "who is not ahead refuses one")
            clock.set(-30)  # behind: the other one is ahead of it, and of two that one stops
            time.sleep(0.1)
            within(10, lambda: not write(one), "who is ahead stops")
            time.sleep(1.2)  # the other one has heard of its last stamp
            within(10, lambda: write(two), "who is not goes on")
            clock.set(0)
            within(10, lambda: write(one), "both write")
        cluster.delivered(one), cluster.delivered(two)
        for node in (one, two):
            text = within(30, lambda: len(text := cluster.ask(node, "GET", "/v1/query?measurement=v&versions=all&epoch=ns")) and
                          len(json.loads(text)["series"][0]["rows"]) == len(written) and text, "all versions are read\n" + node.log_tail())
            answer = json.loads(text)["series"][0]
            rows = sorted(answer["rows"], key=lambda row: row[answer["columns"].index("known_from")])
            have = [row[answer["columns"].index("f")] for row in rows]
            check(have == written, f"{node.address}: {len(written)} versions were written, and {len(have)} are there: "
                  f"{[pair for pair in zip(have, written) if pair[0] != pair[1]][:5]}")
            last = json.loads(cluster.ask(node, "GET", "/v1/query?measurement=v&epoch=ns"))["series"][0]["rows"][0][-1]
            check(last == written[-1], f"{node.address}: the newest is {last}, and was to be {written[-1]}")
        return f"{len(written)} versions, {refused} refusals"


class Asker(Reader):
    """A reader that keeps what said it was final."""

    def __init__(self, cluster, node, writer, stopping):
        super().__init__(cluster, node, writer, stopping)
        self.question, self.final = f"/v1/query?measurement=v&match=k%3Dw{writer.number}&epoch=ns&as_of=", {}

    def run(self):
        while not self.stopping.wait(0.05) and not self.trouble:
            try:
                self.look()
            except Exception as error:
                self.trouble.append(f"{self.node.address}: {type(error).__name__}: {error}")

    def look(self):
        before = dict(self.writer.acknowledged)
        answer = self.cluster.json(self.node, f"measurement=v&match=k%3Dw{self.writer.number}&epoch=ns")
        self.partial, self.whole = self.partial + answer["partial"], self.whole + (not answer["partial"])
        have = {row[0] for series in answer["series"] for row in series["rows"]}
        if not answer["partial"] and not have >= set(before):
            self.trouble.append(f"{self.node.address}: {sorted(set(before) - have)[:5]} of {len(before)} rows are not in an answer that says it is whole, "
                                f"as of {answer['as_of']}")
        text = self.cluster.ask(self.node, "GET", self.question + answer["as_of"])
        if json.loads(text)["final"]:
            self.final[answer["as_of"]] = text


def two_clocks_apart_under_load(ground):
    """30 s ahead, 30 s behind, and back, while both nodes are written to and read: nothing is lost or doubled, no answer is short without
    saying so, and what was final is said again to the byte."""
    check(glob.glob(LIBRARY), "libfaketime is not installed")
    with ScriptedMongo(role="primary") as north:
        cluster, clock = Speaking(ground, {"north": north}), Clock(ground.path("clock"))
        one, two = cluster.node("one"), cluster.made("two", clock.wrapper()).start()
        stopping, writers = begin_writers(cluster, [one, two], kind=Patient)
        askers = [Asker(cluster, node, writer, stopping) for node in (one, two) for writer in writers[:2]]
        for asker in askers:
            asker.start()
        try:
            for _ in range(1 if not ground.long else 10):
                for seconds in (30, 0, -30, 0):
                    clock.set(seconds)
                    time.sleep(2.5)
            time.sleep(1)
        finally:
            stopping.set()
            for asker in askers:
                asker.join()
        end_writers(stopping, writers)
        check(not any(asker.trouble for asker in askers), f"{[asker.trouble for asker in askers]}\n{two.log_tail()}")
        kept = [(asker, moment, text) for asker in askers for moment, text in asker.final.items()]
        check(len(kept) > 20, f"{len(kept)} answers were final")
        for node in (one, two):
            cluster.delivered(node)
        for node in (one, two):
            within(30, lambda: not names(cluster, node, 1) and not names(cluster, node, 2), "all is told")
            expect_all(cluster, node, writers)
            for asker, moment, text in kept:
                again = cluster.ask(node, "GET", asker.question + moment)
                check(again == text, f"{node.address} says another thing as of {moment} than {asker.node.address} did when it was final: {again[:300]}\n{text[:300]}")
        for writer in writers:
            series = cluster.json(one, f"measurement=v&match=k%3Dw{writer.number}&versions=all&epoch=ns")["series"][0]
            check(len(series["rows"]) == len(writer.acknowledged), f"{len(writer.acknowledged)} rows were written once each, and {len(series['rows'])} versions are there")
        return (f"{sum(len(writer.acknowledged) for writer in writers)} rows, {sum(len(writer.refused) for writer in writers)} refusals; "
                f"{sum(asker.whole for asker in askers)} answers were whole, {sum(asker.partial for asker in askers)} partial, {len(kept)} final")


def who_joins_is_known_to_all(ground):
    """A node takes its first write when every other one that is alive has said that it knows it; one that is dead keeps nobody waiting."""
    with ScriptedMongo(role="primary") as north:
        cluster = Speaking(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        stopping, writers = begin_writers(cluster, [one, two])
        began = time.monotonic()
        three = cluster.made("three").start(ready=False)
        first = within(20, lambda: three.request("POST", "/v1/points", b"v,k=c f=1 1\n", cluster.headers).status == 204, "it writes")
        took = time.monotonic() - began
        for node in (one, two):
            missing = cluster.json(node, "measurement=v&limit=1").get("missing", [])
            check(cluster.json(node, "measurement=v&match=k%3Dc").get("series") or any("member 3" in text for text in missing),
                  f"its row is neither there nor is it named: {missing}")
        end_writers(stopping, writers)
        check(first and records(cluster)["3"]["state"] == "active", f"{records(cluster)}")
        for node, number in ((one, 2), (one, 3), (two, 3), (three, 1)):
            item = within(5, lambda: (item := member(cluster, node, number)).get("health") == "ready" and item, "it is well")
            check(abs(item["clock_behind_ms"]) < 250 and item["answered_seconds_ago"] < 5, f"{item}")
        check(member(cluster, one, 1)["health"] == "ready", "so is this one")
        token = ground.path("token")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(cluster.headers["Authorization"].split()[1])
        words = ("member", "list", "--url", "http://%s:%d" % one.address, "--token-file", token)
        listed = json.loads(cluster.weir(*words, "--json"))["members"]
        check([item["health"] for item in listed] == ["ready"] * 3 and all("backlog_bytes" in item for item in listed), f"{listed}")
        check("backlog_bytes" in cluster.weir(*words) and cluster.weir(*words).count("ready") == 3, "as a table")
        # One does not answer: it is paused, and in the registry it is alive.
        two.signal(19)
        four = cluster.made("four").start(ready=False)
        time.sleep(4)
        answer = four.request("POST", "/v1/points", b"v,k=d f=1 1\n", cluster.headers)
        check(answer.status == 503 and json.loads(answer.text())["code"] == "not_ready" and "member 2, which is alive" in answer.text(), answer.text())
        check(records(cluster)["4"]["state"] == "joining" and ready(four, "member")[0] == 503, f"{records(cluster)['4']}")
        check(member(cluster, one, 2)["health"] == "unreachable", f"{member(cluster, one, 2)}")
        check('weir_peer_up{member="2"} 0' in cluster.ask(one, "GET", "/metrics"), "counted")
        two.signal(18)
        within(20, lambda: four.request("POST", "/v1/points", b"v,k=d f=1 1\n", cluster.headers).status == 204, f"it joins\n{four.log_tail()}")
        two.kill()
        within(20, lambda: not records(cluster)["2"]["alive"], "it is dead")
        five = cluster.made("five").start(ready=False)
        within(20, lambda: five.request("POST", "/v1/points", b"v,k=e f=1 1\n", cluster.headers).status == 204, f"it joins\n{five.log_tail()}")
        began = time.monotonic()
        one.kill()
        one.start()
        again = time.monotonic() - began
        check(ready(one, "member")[1]["status"] == "ok", "a later start asks for clocks alone")
        return f"a third node takes writes {took:.1f} s after its start, one that starts again {again:.1f} s"


def a_registry_is_lost_while_all_are_down(ground):
    """Numbers are given to others, one member does not come back: nothing that was delivered is unread, lost or doubled at a node that
    never saw it, and what it had not delivered is missed by name."""
    with ScriptedMongo(role="primary") as north:
        cluster = Speaking(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        written = {}
        for node, first in ((one, 1), (two, 101)):
            cluster.write(node, *(f"v,k=a f={t} {t}" for t in range(first, first + 50)))
            written.update({t: float(t) for t in range(first, first + 50)})
        time.sleep(1)  # it is in the registry's copies on the disks
        for node in (one, two):
            cluster.ask(node, "POST", "/v1/admin/flush", "")
            within(30, lambda: 'weir_delivery_packs_total{shard="north"} 1' in cluster.ask(node, "GET", "/metrics"), "it is delivered")
            node.stop()
        os.rename(cluster.registry, cluster.registry + "-lost")
        cluster.add_shard("north", north)
        cluster.weir("tenant", "add", "acme", "--shard", "north")
        cluster.headers = {"Authorization": "Bearer " + cluster.weir("token", "add", "acme", "--scopes", "read,write,admin,operator").strip()}
        three = cluster.node("three")  # which gets a number that was one's
        check(records(cluster)["1"]["listen"] == "%s:%d" % three.address, f"{records(cluster)}")
        cluster.write(three, *(f"v,k=a f={t} {t}" for t in range(201, 251)))
        written.update({t: float(t) for t in range(201, 251)})
        one.start()
        within(20, lambda: len(records(cluster)) == 3, f"who was there before is there again: {records(cluster)}\n{one.log_tail()}")
        for node in (one, three):
            within(20, lambda: values(cluster, node, cluster.json(node, "measurement=v&limit=1")["as_of"]) == written, f"all rows are read\n{node.log_tail()}")
            rows = cluster.json(node, "measurement=v&versions=all&epoch=ns")["series"][0]["rows"]
            check(len(rows) == len(written), f"{len(written)} rows were written, and {len(rows)} versions are there")
            within(10, lambda: names(cluster, node, 2), "two is missed, as it may have more")
        two.start()
        within(20, lambda: not names(cluster, one, 2) and not names(cluster, three, 2), "it is back, and asked")
        check(len({item["incarnation"] for item in records(cluster).values()}) == 3 == len(records(cluster)), f"{records(cluster)}")


class Bytes:
    """Of an entry of a chain, docs/formats/mongo.md."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


def body_of(document):
    return bytes(document["b"])


def listed(north, incarnation):
    """Names of all documents that the chain lists now."""
    packs, entries = {}, north.documents("weir_acme", "manifests")
    for at in range(sum(name.startswith(incarnation + "/") for name in entries)):
        entry = Bytes(body_of(entries[f"{incarnation}/{at}"]))
        check(entry.take(4) == b"WCHN" and entry.number(4) == 1 and entry.take(16).hex() == incarnation and entry.number(8) == at, "an entry")
        if entry.number(1) == 1:
            packs.clear()
        entry.take(8)
        entry.take(entry.uvarint())
        adds = {}
        for _ in range(entry.uvarint()):
            pack = Bytes(entry.take(entry.uvarint()))
            pack.take(2)
            number = pack.number(8)
            adds[number] = (pack.take(16).hex(), entry.number(4))
        for _ in range(entry.uvarint()):
            packs.pop(entry.number(8))
            entry.take(16)
        packs.update(adds)
    return [f"{owner}/{number:016x}/{part}" for number, (owner, parts) in packs.items() for part in range(parts)]


def with_canary(north, names, canary):
    documents = north.documents("weir_acme", "packs")
    return [name for name in names if canary in body_of(documents[name])]


def what_a_member_left_is_erased(ground):
    """A member leaves with everything delivered; what is erased afterwards, at another one, goes from the packs that its chain lists, and
    nothing else does, for a node with an empty disk and for a restore as well."""
    canary = "canary-%032x" % random.getrandbits(128)
    with ScriptedMongo(role="primary") as north:
        cluster = Cluster(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        cluster.write(one, "v,k=a f=1 1")
        cluster.write(two, *(f'v,k=a f={t},s="{canary}-{t}" {t}' for t in range(10, 30)), *(f"v,k=b f={t} {t}" for t in range(50)))
        cluster.delivered(two)
        cluster.write(two, *(f'v,k=a f={t + 1000},s="{canary}-again-{t}" {t}' for t in range(10, 20)), "v,k=b f=1000 40")
        cluster.ask(two, "POST", "/v1/admin/compact", "")  # a pair with history
        cluster.write(two, *(f'v,k=a f={t},s="{canary}" {t}' for t in range(30, 40)))  # and a plain one
        cluster.delivered(two)
        incarnation = records(cluster)["2"]["incarnation"]
        cluster.weir("member", "drain", "2")
        within(60, lambda: records(cluster)["2"]["state"] == "drained", f"it has left: {two.log_tail()}")
        check(with_canary(north, listed(north, incarnation), canary.encode()), "it is not found where it is")
        two.stop()
        within(30, lambda: not names(cluster, one, 2) and len(values(cluster, one, cluster.json(one, "measurement=v&limit=1")["as_of"])) == 31,
               f"all is read: {one.log_tail()}")
        # What the answer says is not of interest here: it may not wait for as long.
        cluster.ask(one, "DELETE", "/v1/points?measurement=v&match=k%3Da&start=1970-01-01T00:00:00.00000001Z&erase=true", want=(200, 500, 503))
        moment = cluster.json(one, "measurement=v&limit=1")["as_of"]
        questions = [f"/v1/query?measurement=v&fields=f&{more}&as_of={moment}" for more in ("match=k%3Db&format=ndjson&versions=all", "format=csv")]

        def answers(node):
            return [rows_of(cluster.ask(node, "GET", question)) for question in questions]

        before = answers(one)
        check("1000" in before[0] and "canary" not in before[1], "the answer")
        within(150, lambda: not with_canary(north, listed(north, incarnation), canary.encode()), f"it is erased: {one.log_tail()}")
        cluster.delivered(one)  # what it has of its own
        three = cluster.node("three")
        for node in (one, three):
            within(30, lambda: answers(node) == before, f"{node.address}: {node.log_tail()}")
        check("weir_caretaker_packs_total{" in cluster.ask(one, "GET", "/metrics"), "it is counted")
        for words in (("restore", "--registry", cluster.registry, "--incarnation", incarnation, "--quiet"), ("verify",)):
            done = subprocess.run([ground.program, *words, "--data", ground.path("four")], capture_output=True, text=True, timeout=60,
                                  env=clean_environment(), check=False)
            check(done.returncode == 0, f"{words[0]}: {done.returncode} {done.stdout} {done.stderr}")
        four = cluster.node("four")  # it names packs of the member that left in a chain of its own
        cluster.write(four, "v,k=c f=1 1")
        cluster.delivered(four)
        for node in (one, four):
            within(30, lambda: answers(node) == before, f"{node.address}: {node.log_tail()}")
        return f"{len(listed(north, incarnation))} documents are listed"


CASES = [what_a_member_left_is_erased, drain_loses_nothing, a_registry_is_lost_while_all_are_down, drain_among_members_that_speak, what_is_forgotten_comes_back_as_new, only_the_clock_that_is_ahead_stops, two_clocks_apart_under_load,
         who_joins_is_known_to_all]
