"""Cases of tests/delivery/run about nodes that ask one another: what any of them acknowledged is in an answer of each at once, with the
shard stopped too; who does not answer is named, soon, and an answer is never short without that."""
import difflib
import json
import os
import re
import random
import signal
import socket
import threading
import time

from leaving import Clock, Member
from members import Cluster, Writer, rows_of, same, values
from outbox import QUIET, check, within
from scripted_mongo import ScriptedMongo

SECRET = "a-secret-of-the-members-of-this-test-123"
SLOW = 2.0  # peer_ms_max
# Besides the time that a member is given: a machine that has other things to do.
PATIENCE = 3.0


class Asking(Cluster):
    """Nodes that listen for one another."""

    def secret(self, name, text=SECRET):
        with open(os.open(self.ground.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text + "\n")
        return self.ground.path(name)

    def node(self, name, *flags, secret=SECRET, wrapper=()):
        server = Member(self.ground.program, self.ground.path(name), [*QUIET, "--registry", self.registry, "--peer-listen", "127.0.0.1:0",
                                                                      "--peer-secret-file", self.secret(name + ".secret", secret), *flags],
                        wrapper=wrapper)
        self.ground.servers.append(server)
        return server.start()

    def met(self, nodes):
        """Each knows of all others, and has an answer of each."""
        for node in nodes:
            self.write(node, "end f=1")
        for node in nodes:
            within(30, lambda: not self.json(node, "measurement=end&limit=1").get("missing", []), f"{node.address} has answers of all: "
                   f"{self.json(node, 'measurement=end&limit=1')}\n" + node.log_tail())

    def settled(self, nodes):
        """All is delivered, and each has stored something above an S at which all have told everything: it is final."""
        for node in nodes:
            self.write(node, "end f=1")
        moment = min(self.json(node, "measurement=end&limit=1")["as_of"] for node in nodes)
        for node in nodes:
            self.write(node, "end f=2")
            self.delivered(node)
        for node in nodes:
            within(30, lambda: self.whole(node, moment), f"{node.address} knows of all: {self.json(node, 'measurement=end&as_of=' + moment)}\n"
                   + node.log_tail())
        return moment

    def kept(self, node, question):
        """An answer that says that it is complete, in seconds."""
        begun = time.monotonic()
        answer = self.json(node, question)
        check(not answer["partial"] and not answer.get("missing", []), f"{question}: {answer.get('missing')}\n{node.log_tail()}")
        return answer, time.monotonic() - begun


def state_of(node):
    """As the kernel has it: the signal is taken by a thread that has to run for it."""
    with open(f"/proc/{node.pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]


def asked_by(cluster, node):
    return int(re.search(r"^weir_peers_asked_total (\d+)", cluster.ask(node, "GET", "/metrics"), re.M).group(1))


def rows(answer):
    return {row[0]: row[1:] for series in answer["series"] for row in series["rows"]}


def what_any_acknowledged_is_in_every_answer(ground):
    """Two nodes, and a shard that takes nothing: rows, corrections and deletions of each are in the other's next answer, of every kind."""
    with ScriptedMongo(role="primary") as north:
        cluster, chance, want = Asking(ground, {"north": north}), ground.chance, {}
        nodes = [cluster.node("one"), cluster.node("two")]
        cluster.met(nodes)
        north.fail("insert", "cut", times=-1)
        for turn in range(60):
            writer, reader = chance.sample(nodes, 2)
            at = chance.randrange(200)
            if turn % 10 == 9:
                cluster.ask(writer, "DELETE", f"/v1/points?measurement=v&match=k%3Da&start=1970-01-01T00:00:00.000000{at:03}Z"
                            f"&end=1970-01-01T00:00:00.000000{at + 20:03}Z")
                want = {t: row for t, row in want.items() if not at <= t < at + 20}
            else:
                cluster.write(writer, *(f"v,k=a f={turn * 1000 + t} {t}" for t in range(at, at + 20)))
                want.update({t: turn * 1000 + t for t in range(at, at + 20)})
            answer, _ = cluster.kept(reader, "measurement=v&match=k%3Da&fields=f&epoch=ns")
            have = {t: row[0] for t, row in rows(answer).items()}
            check(have == want, f"turn {turn}: {sorted(have.items() ^ want.items())[:10]}")
        one, two = nodes
        cluster.write(one, "only,place=here f=1,g=2i 5")
        check(len(rows(cluster.kept(two, "measurement=only&match=place%3Dhere&epoch=ns")[0])) == 1, "a measurement nobody else had")
        cluster.write(one, "left f=1 5", "left f=2 6")
        cluster.write(two, "right f=10 5", "right f=20 6")
        document = {"selections": {"l": {"measurement": "left"}, "r": {"measurement": "right"}}, "format": "json", "epoch": "ns"}
        for node in nodes:
            answer = node.request("POST", "/v1/query", json.dumps(document).encode(), {**cluster.headers, "Content-Type": "application/json"})
            joined = json.loads(answer.text())
            check(not joined.get("missing") and len(rows(joined)) == 2, f"a join: {joined}")
            stats = cluster.ask(node, "GET", "/v1/stats?measurement=left&format=csv")
            check(",2," in stats, f"statistics: {stats}")
            changed = json.loads(cluster.ask(node, "GET", "/v1/changes?measurement=left&since=0&epoch=ns"))
            check(not changed.get("missing") and len(changed["series"][0]["rows"]) == 2, f"changes: {changed}")
        cluster.write(one, "new,t=x n=1i 1")
        names = json.loads(cluster.ask(two, "GET", "/v1/measurements"))["items"]
        check("new" in names, f"measurements: {names}")
        cluster.write(one, "new,t=y m=1i 1")
        fields = json.loads(cluster.ask(two, "GET", "/v1/fields?measurement=new"))["items"]
        check([field["field"] for field in fields] == ["m", "n"], f"fields: {fields}")
        tags = json.loads(cluster.ask(two, "GET", "/v1/tags/t/values?measurement=new"))["items"]
        check(tags == ["x", "y"], f"tags: {tags}")
        north.faults.clear()
        moment = cluster.settled(nodes)
        same(cluster, nodes, moment)
        have = values(cluster, two, moment)
        check(have == want, f"delivered: {sorted(have.items() ^ want.items())[:10]}")
        cluster.write(one, "kinds f=1,n=1i 1")
        cluster.write(two, 'kinds f="text",n=2i 2')  # before it has heard of the other's
        answer = cluster.json(one, "measurement=kinds&epoch=ns")
        told = 'field "f" of measurement "kinds" holds string values there and others here: they are left out'
        check("member 2: " + told in answer.get("missing", []) and rows(answer) == {1: [1.0, 1], 2: [None, 2]}, f"another kind: {answer}")
        return f"{len(want)} rows"


def answers_are_whole_while_packs_are_delivered(ground):
    """What is listed between the view and the reply is in neither: answers under delivery are whole all the same, or say that they are
    not, and an S repeats."""
    with ScriptedMongo(role="primary") as north:
        cluster, total, partial = Asking(ground, {"north": north}), 0, 0
        nodes = [cluster.node("one"), cluster.node("two")]
        cluster.met(nodes)
        moments = []
        for turn in range(80):
            writer, reader = nodes if turn % 2 else nodes[::-1]
            cluster.write(writer, *(f"v,k=a f={t} {t}" for t in range(total, total + 10)))
            total += 10
            if turn % 3 == 0:
                cluster.ask(writer, "POST", "/v1/admin/flush", "")
            answer = cluster.json(reader, "measurement=v&agg=count&fields=f&epoch=ns")
            count = next(iter(rows(answer).values()), [0])[0]
            check(count == total or answer["partial"], f"turn {turn}: {count} of {total} rows, and nothing is said to be missing\n{reader.log_tail()}")
            partial += answer["partial"]
            if not answer["partial"]:
                moments.append((answer["as_of"], total))
        check(partial <= 20, f"{partial} of 80 answers were partial")
        for moment, count in moments[:: max(1, len(moments) // 10)]:
            for node in nodes:
                answer = cluster.json(node, f"measurement=v&agg=count&fields=f&as_of={moment}")
                check(answer["partial"] or next(iter(rows(answer).values()))[0] == count, f"as of {moment}: {answer}, and not {count}")
        return f"{partial} of 80 partial"


def what_was_called_complete_is_what_was_there(ground):
    """Two nodes write, correct, delete, seal, compact and deliver at once, while their shard fails now and then.  What an answer that
    lacked nothing said of its S is said of it for ever, by both: by what they ask each other for, and when all is delivered."""
    with ScriptedMongo(role="primary") as north:
        cluster, stopping, kept, asked = Asking(ground, {"north": north}), threading.Event(), [], 0
        nodes = [cluster.node("one"), cluster.node("two")]
        cluster.met(nodes)
        for node in nodes:
            cluster.write(node, *(f"v,k={k} f=0,i=0 0" for k in "abc"))  # columns stand in all answers from now on
        writers = [Writer(cluster, node, random.Random(ground.chance.random()), stopping) for node in nodes]
        for writer in writers:
            writer.start()
        try:
            deadline = time.monotonic() + (30 if ground.long else 6)
            while time.monotonic() < deadline:
                node, command, fault = ground.chance.choice(nodes), ground.chance.choice(("find", "insert")), ground.chance.choice(("cut", "lost", "error"))
                if ground.chance.randrange(40) == 0:
                    north.fail(command, fault, 10107 if fault == "error" else None, times=ground.chance.randrange(1, 4))
                question = ground.chance.choice(("measurement=v&format=ndjson&versions=all", "measurement=v&format=ndjson",
                                                 "measurement=v&format=ndjson&every=10ns&agg=sum,count,min,max,last"))
                text, asked = cluster.ask(node, "GET", "/v1/query?" + question), asked + 1
                end = json.loads(text.strip().split("\n")[-1])["_end"]
                if not end["partial"]:
                    kept.append((question, end["as_of"], rows_of(text)))
                if kept and ground.chance.randrange(3) == 0:
                    again(cluster, ground.chance.choice(nodes), *ground.chance.choice(kept))
        finally:
            stopping.set()
            for writer in writers:
                writer.join()
        check(not any(writer.trouble for writer in writers), f"{[writer.trouble for writer in writers]}")
        north.faults.clear()
        same(cluster, nodes, cluster.settled(nodes))
        for question, moment, text in kept:
            for node in nodes:
                again(cluster, node, question, moment, text)
        check(len(kept) >= asked // 2, f"{len(kept)} answers of {asked} were complete")
        return f"{len(kept)} complete answers of {asked}, {sum(writer.count for writer in writers)} requests"


def again(cluster, node, question, moment, text):
    """Partial it may be by now, as while a shard fails."""
    have = cluster.ask(node, "GET", f"/v1/query?{question}&as_of={moment}")
    if json.loads(have.strip().split("\n")[-1])["_end"]["partial"]:
        return
    check(rows_of(have) == text, f"{node.address}: {question}&as_of={moment}: "
          + "\n".join(list(difflib.unified_diff(text.split("\n"), rows_of(have).split("\n"), "before", "later", n=0))[:20]))


def who_does_not_answer_is_named(ground):
    """Of three nodes one is killed, comes back, is paused, and goes on; another shows a wrong secret."""
    with ScriptedMongo(role="primary") as north:
        cluster = Asking(ground, {"north": north})
        one, two, three = nodes = [cluster.node("one"), cluster.node("two", "--limit-peer-ms-max", "500"), cluster.node("three")]
        cluster.met(nodes)
        north.fail("insert", "cut", times=-1)
        for number, node in enumerate(nodes):
            cluster.write(node, *(f"v,k=a f={t} {t}" for t in range(number * 10, number * 10 + 10)))
        question = "measurement=v&agg=count&fields=f"
        count = lambda answer: next(iter(rows(answer).values()), [0])[0]  # noqa: E731
        for node in nodes:
            check(count(cluster.kept(node, question)[0]) == 30, "three nodes")

        def lacks(node, member, least):
            begun = time.monotonic()
            answer = cluster.json(node, question)
            took = time.monotonic() - begun
            check(took < SLOW + PATIENCE, f"it took {took:.1f} s")
            check(any(re.match(f"member {member}[ :]", text) for text in answer.get("missing", [])), f"member {member} is not named: {answer}")
            check(count(answer) >= least, f"{answer}")
            check(node.request("GET", f"/v1/query?{question}&strict=true", None, cluster.headers).status == 503, "strict=true takes it")
            return took

        three.kill()
        took = [lacks(node, 3, 20) for node in (one, two)]
        three.start()
        for node in (one, two):
            within(30, lambda: not cluster.json(node, question).get("missing", []), "it is back\n" + node.log_tail())
            check(count(cluster.kept(node, question)[0]) == 30, "three nodes again")
        three.signal(signal.SIGSTOP)
        within(30, lambda: state_of(three) == "T", "it stands still")
        try:
            took += [lacks(node, 3, 20) for node in (one, one, two)]
            check(SLOW <= took[2] and 0.5 <= took[4] < 0.5 + PATIENCE / 2, f"peer_ms_max: {took[2]:.1f} and {took[4]:.1f} s")
            for _ in range(8 if not ground.long else 60):  # of all that follow none waits, however long it stands still
                took.append(lacks(one, 3, 20))
                time.sleep(0.5)
            check(sorted(took[5:])[-2] < SLOW / 2 and max([took[3], *took[5:]]) < SLOW, f"later questions waited, too: {took[3]:.1f}, {took[5:]} s")
        finally:
            three.signal(signal.SIGCONT)
        for node in (one, two):
            within(5, lambda: not cluster.json(node, question).get("missing", []), "it goes on\n" + node.log_tail())
            check(count(cluster.kept(node, question)[0]) == 30, "three nodes again")
        check(three.stop() == 0, "a server did not end well\n" + three.log_tail())
        cluster.secret("three.secret", "another-secret-that-nobody-else-here-knows")
        three.start()
        lacks(one, 3, 20)
        lacks(three, 1, 10)
        within(30, lambda: any("does not take this node's secret" in text for text in cluster.json(one, question).get("missing", [])), "the secret is named")
        cluster.secret("three.secret")
        three.signal(signal.SIGHUP)
        for node in nodes:
            within(30, lambda: not cluster.json(node, question).get("missing", []), "all know the secret\n" + node.log_tail())
        for node in nodes:
            check(SECRET not in node.log_tail() and node.stop() == 0, "a server did not end well\n" + node.log_tail())
        return f"named after {', '.join(f'{s:.2f}' for s in took)} s"


def clocks_that_differ_hide_no_write(ground):
    """A clock 0.2 s ahead of the other passes as the same.  Who asked there moved its ingest times on; what is written there then is in the
    next answer of the other node all the same."""
    with ScriptedMongo(role="primary") as north:
        cluster, clock, moved = Asking(ground, {"north": north}), Clock(ground.path("clock")), 0
        clock.set(0.2)
        one, two = cluster.node("one"), cluster.node("two", wrapper=clock.wrapper())
        cluster.met([one, two])
        north.fail("insert", "cut", times=-1)
        begun = [asked_by(cluster, node) for node in (one, two)]
        for turn in range(1, 41):
            writer, reader = (two, one) if turn % 4 else (one, two)
            cluster.json(writer, "measurement=v&limit=1")
            cluster.write(writer, f"v,k=a f={turn} {turn}")
            answer = cluster.json(reader, "measurement=v&fields=f&epoch=ns")
            have = sorted(rows(answer))
            check(have == list(range(1, turn + 1)) or answer["partial"], f"turn {turn}: {have} are there, and nothing is said to be missing")
            moved += have == list(range(1, turn + 1))
        check(moved >= 35, f"{moved} of 40 answers were complete")
        asked = [asked_by(cluster, node) - before for node, before in zip((one, two), begun)]
        check(sum(asked) <= 90, f"80 questions asked {asked} times: S of who is behind is chosen too low, and put right again and again")
        return f"{moved} of 40 complete, asked {sum(asked)} times for 80"


def a_list_keeps_nothing_of_what_it_has_read(ground):
    """Measurements that one node has and another learns all at once have more rows than the other's queries may have in memory: some at a
    time they are known all the same."""
    with ScriptedMongo(role="primary") as north:
        cluster = Asking(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two", "--limit-queries-bytes-max", str(24 << 20))
        cluster.met([one, two])
        north.fail("insert", "cut", times=-1)
        for number in range(64):
            cluster.write(one, *(f'm{number:02},k=a f="{ground.chance.randbytes(4000).hex()}" {t}' for t in range(100)))
        answer = two.request("GET", "/v1/measurements", None, cluster.headers, seconds=60)
        check(answer.status == 200 and not answer.headers.get("weir-partial"), f"{answer.status} {answer.headers}\n{two.log_tail()}")
        names = [item for item in json.loads(answer.text())["items"] if item.startswith("m")]
        check(len(names) == 64, f"{len(names)}: {names}")
        used = int(re.search(r"^weir_peers_bytes_total (\d+)", cluster.ask(two, "GET", "/metrics"), re.M).group(1))
        check(used > 12 << 20, f"{used} bytes were read: too few to tell")
        for number in range(64):
            cluster.write(one, *(f'n{number:02},k=a f="{ground.chance.randbytes(4000).hex()}" {t}' for t in range(100)))
        before = asked_by(cluster, two)
        one.signal(signal.SIGSTOP)  # so that it takes as long as it takes to see that the client has left
        with socket.create_connection(two.address) as left:
            left.sendall(("GET /v1/measurements HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"{name}: {value}\r\n" for name, value in cluster.headers.items())
                          + "\r\n").encode())
            time.sleep(0.1)
        time.sleep(1)
        one.signal(signal.SIGCONT)
        time.sleep(3)
        rest = asked_by(cluster, two) - before
        check(0 < rest < 65, f"{rest} of 65 requests went out for a client that had left")
        return f"{used} bytes; {rest} of 65 requests for a client that left"


def what_is_final_outlives_all_nodes(ground):
    """What an answer that was final said is said again when all nodes were killed and the clock of the asked one was set back; where that
    could have been otherwise, it was not called final."""
    with ScriptedMongo(role="primary") as north:
        cluster, clock, told = Asking(ground, {"north": north}), Clock(ground.path("clock")), []
        one, two = cluster.node("one"), cluster.node("two", wrapper=clock.wrapper())
        cluster.met([one, two])
        north.fail("insert", "cut", times=-1)
        for settled in (False, True):
            cluster.write(one, "v,k=a f=1 1")
            moment = cluster.json(one, "measurement=v&limit=1")["as_of"]
            for node in (one, two) if settled else (one,):
                cluster.write(node, f"v,k=a f=2 {node is two:d}2")
            answer = cluster.json(one, f"measurement=v&versions=all&epoch=ns&as_of={moment}")
            check(not answer["partial"], f"{answer}")
            check(answer["final"] == settled, f"final is {answer['final']}, and the other node has {'' if settled else 'not '}stored something since")
            two.kill(), one.kill()
            clock.set(-20)
            two.start()
            within(20, lambda: two.request("POST", "/v1/points", f"v,k=a f=3 {settled:d}3\n".encode(), cluster.headers).status == 204, "it writes")
            clock.set(0)
            one.start()
            within(30, lambda: not cluster.json(one, "measurement=v&limit=1").get("missing", []), "both are back\n" + one.log_tail())
            again = cluster.json(one, f"measurement=v&versions=all&epoch=ns&as_of={moment}")
            check(not answer["final"] or again["series"] == answer["series"], f"{answer}, and later {again}")
            told.append(again["series"] == answer["series"])
        return f"as before: {told}"


CASES = [clocks_that_differ_hide_no_write, a_list_keeps_nothing_of_what_it_has_read, what_is_final_outlives_all_nodes, what_was_called_complete_is_what_was_there, what_any_acknowledged_is_in_every_answer, answers_are_whole_while_packs_are_delivered, who_does_not_answer_is_named]
