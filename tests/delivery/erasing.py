"""Cases of tests/delivery/run about what is erased through one node of several: 200 says that it is gone from the files of all of them,
and of what they have at their shard no pack that counts has it; else the answer names who has not done it, and the same request again
ends it."""
import base64
import concurrent.futures
import json
import os
import signal
import threading
import time

from asking import Asking, state_of
from leaving import Clock
from outbox import check, within
from scripted_mongo import ScriptedMongo

SELECTION = "measurement=v&match=k%3Da&fields=s"
LARGE = 12000  # rows beside, of 8 bytes: a pack that is kept as a stub, and what is read of it as parts


def noise(chance, size):
    return base64.b64encode(chance.randbytes(size * 3 // 4)).decode()


def found(node, secret):
    """Files of its data directory that have the bytes."""
    files = []
    for folder, _, names in os.walk(node.data):
        for name in names:
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    if secret.encode() in file.read():
                        files.append(os.path.relpath(path, node.data))
            except FileNotFoundError:
                pass
    return files


def erase(cluster, node):
    """Status, what it says, and how long it took."""
    begun = time.monotonic()
    answer = node.request("DELETE", f"/v1/points?{SELECTION}&erase=true", None, cluster.headers, seconds=90)
    check(answer.status == 200 or "retry-after" in {name.lower() for name in answer.headers}, f"{answer.status} {answer.text()}")
    return answer.status, json.loads(answer.text()), time.monotonic() - begun


def unfinished(cluster, node, *words):
    """It is told, and all words stand in one item."""
    status, said, took = erase(cluster, node)
    check(status == 503 and said["code"] == "erase_unfinished", f"{status} {said}\n{node.log_tail()}")
    check(any(all(word in item for word in words) for item in said["unfinished"]), f"{words} are not in {said}")
    check(words[0] in said["detail"], f"{said}")
    return said, took


def write(cluster, node, number, secret, count, chance):
    """Of the node: a row that has it, another version of the same, and rows beside without texts, among which it is stored as it is."""
    at = number * 100000
    cluster.write(node, f'v,k=a s="old {secret}",g=0 {at}')
    cluster.write(node, f'v,k=a s="{secret}",g={number} {at}',
                  *(f"v,k=b f={chance.random()} {at + t}" for t in range(1, count)))


def read(cluster, node):
    return cluster.ask(node, "GET", "/v1/query?measurement=v&format=ndjson&versions=all")


def keeps(cluster, node, secret):
    """Where it has what the other delivered."""
    check(read(cluster, node).count(secret) == 4, "both have the rows of both")
    return {path.split("/")[0] for path in found(node, secret)} & {"guests", "parts"}


def gone(cluster, nodes, secret, rows):
    """At once, and after a restart of all."""
    for node in nodes:
        check(not found(node, secret), f"{node.data} has it in {found(node, secret)}")
    for node in nodes:
        text = read(cluster, node)
        check(secret not in text and text.count('"k":"b"') == rows, f"{text.count(chr(34) + 'k' + chr(34))} rows, wanted {rows}: {text[:600]}")


def what_is_erased_is_in_no_file_of_any_node(ground):
    """Rows of both in heads, in small packs and in large ones, delivered or not, with what each keeps of the other's packs."""
    told, rows = [], 0
    with ScriptedMongo(role="primary") as north:
        cluster, chance = Asking(ground, {"north": north}), ground.chance
        nodes = [cluster.node("one"), cluster.node("two")]
        cluster.met(nodes)
        for turn, (count, delivered) in enumerate(((5, False), (5, True), (LARGE, True))):
            secret, moment = noise(chance, 32), None
            for number, node in enumerate(nodes, 1):
                write(cluster, node, 4 * turn + number, secret, count, chance)
            rows += 2 * (count - 1)
            if delivered:
                moment = cluster.settled(nodes)
                for node in nodes:
                    told += sorted(within(30, lambda: keeps(cluster, node, secret), f"{node.data} keeps nothing of the other: {found(node, secret)}"))
                for number, node in enumerate(nodes, 3):  # and some that only the heads have
                    write(cluster, node, 4 * turn + number, secret, 2, chance)
                rows += 2
            for node in nodes:
                check(found(node, secret), f"{node.data} does not have it to begin with")
            status, said, took = erase(cluster, nodes[turn % 2])
            check(status == 200 and said == {"erased": True}, f"{status} {said}\n{nodes[0].log_tail()}\n{nodes[1].log_tail()}")
            told.append(f"{took:.1f} s")
            gone(cluster, nodes, secret, rows)
            for node in nodes:
                if delivered:
                    text = cluster.ask(node, "GET", f"/v1/query?measurement=v&format=ndjson&as_of={moment}")
                    check(secret not in text, "as of before it is there")
                check(node.stop() == 0, "a server did not end well\n" + node.log_tail())
                node.start()
            cluster.met(nodes)
            gone(cluster, nodes, secret, rows)
        lines = [line for line in nodes[1].log_text().split("\n") if "erase, for a member" in line]
        check(any("gone from the disk" in line and '"member":"1"' in line for line in lines), f"the log of the other: {lines}")
    return ", ".join(told)


def an_erasure_names_who_has_not_done_it(ground):
    """A node that is stopped, then paused; a shard that takes nothing; a node that never got rows of the tenant."""
    with ScriptedMongo(role="primary") as north:
        cluster, secret, took = Asking(ground, {"north": north}), noise(ground.chance, 32), []
        limit = ("--limit-erase-ms-max", "3000")
        one, two = nodes = [cluster.node("one", *limit), cluster.node("two", *limit)]
        write(cluster, one, 1, secret, 3, ground.chance)
        cluster.delivered(one)
        within(30, lambda: erase(cluster, one)[0] == 200, "the other has nothing of the tenant\n" + one.log_tail() + two.log_tail())
        gone(cluster, nodes, secret, 2)
        cluster.met(nodes)
        for number, node in enumerate(nodes, 2):
            write(cluster, node, number, secret, 3, ground.chance)
        cluster.settled(nodes)
        within(30, lambda: keeps(cluster, one, secret), "it has packs of the other")

        two.kill()
        within(30, lambda: erase(cluster, one)[1].get("unfinished") == ["member 2: it is not alive"], "it is known to be dead\n" + one.log_tail())
        check(secret not in read(cluster, one), "it is hidden from answers")
        check(found(two, secret), "nobody erases at a node that is stopped")
        check(not [path for path in found(one, secret) if path.split("/")[0] not in ("guests", "parts")], f"of its own: {found(one, secret)}")
        two.start()
        within(60, lambda: erase(cluster, one)[0] == 200, "it is back\n" + one.log_tail() + two.log_tail())
        gone(cluster, nodes, secret, 6)

        write(cluster, two, 4, secret, 3, ground.chance)
        two.signal(signal.SIGSTOP)
        within(30, lambda: state_of(two) == "T", "it stands still")
        try:
            _, seconds = unfinished(cluster, one, "member 2: it did not answer within 3000 ms (erase_ms_max)")
            check(3 <= seconds < 6, f"it took {seconds:.1f} s")
            took.append(seconds)
        finally:
            two.signal(signal.SIGCONT)
        within(60, lambda: erase(cluster, one)[0] == 200, "it goes on\n" + one.log_tail() + two.log_tail())
        gone(cluster, nodes, secret, 8)

        write(cluster, two, 5, secret, 3, ground.chance)
        cluster.settled(nodes)
        north.fail("insert", "cut", times=-1)
        said, seconds = unfinished(cluster, one, "member 2: ", "shard north")
        check(2 < seconds < 6, f"it took {seconds:.1f} s: {said}")
        took.append(seconds)
        north.faults.clear()
        within(60, lambda: erase(cluster, one)[0] == 200, "the shard is back\n" + one.log_tail() + two.log_tail())
        gone(cluster, nodes, secret, 10)
        return f"told after {', '.join(f'{s:.1f}' for s in took)} s"


def two_nodes_erase_the_same_at_once(ground):
    """Each asks the other while it is asked, several at a time; nobody waits for ever, and nothing of it is left."""
    with ScriptedMongo(role="primary") as north:
        cluster, longest = Asking(ground, {"north": north}), 0
        nodes = [cluster.node("one"), cluster.node("two")]
        cluster.met(nodes)
        for turn in range(3):
            secret = noise(ground.chance, 32)
            for number, node in enumerate(nodes, 1):
                write(cluster, node, 2 * turn + number, secret, 3, ground.chance)
            if turn > 0:
                cluster.settled(nodes)
            barrier = threading.Barrier(8)

            def one(node):
                barrier.wait()
                return erase(cluster, node)

            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for status, said, took in pool.map(one, nodes * 4):
                    check(status == 200, f"{status} {said}\n" + nodes[0].log_tail() + nodes[1].log_tail())
                    longest = max(longest, took)
            gone(cluster, nodes, secret, 4 * (turn + 1))
        return f"{longest:.1f} s at the most"


def a_tenant_without_a_shard_is_erased_everywhere_too(ground):
    """And what is written next stays, be the clock of the other node 0.2 s ahead: its deletion has a later ingest time than the client's."""
    with ScriptedMongo(role="primary") as north:
        cluster, clock, took = Asking(ground, {"north": north}), Clock(ground.path("clock")), []
        clock.set(0.2)
        one, two = nodes = [cluster.node("one"), cluster.node("two", wrapper=clock.wrapper())]
        cluster.met(nodes)
        cluster.weir("tenant", "add", "bare")
        cluster.headers = {"Authorization": "Bearer " + cluster.weir("token", "add", "bare", "--scopes", "read,write,admin").strip()}
        for node in nodes:
            within(10, lambda: node.request("GET", "/v1/measurements", None, cluster.headers).status == 200, "the tenant is known")
        for turn in range(8):
            secret = noise(ground.chance, 32)
            for number, node in enumerate(nodes, 1):
                write(cluster, node, number, secret, 2, ground.chance)
            status, said, seconds = erase(cluster, one)
            check(status == 200, f"{status} {said}\n{one.log_tail()}\n{two.log_tail()}")
            took.append(seconds)
            cluster.write(one, f'v,k=a s="kept {turn}" {turn}')
            text = cluster.ask(one, "GET", "/v1/query?measurement=v&match=k%3Da&format=csv")
            check(f"kept {turn}" in text, f"what was written after the 200 is not there: {text}")
            for node in nodes:
                check(not found(node, secret), f"{node.data} has it in {found(node, secret)}")
        return f"{max(took):.2f} s at the most"


CASES = [what_is_erased_is_in_no_file_of_any_node, an_erasure_names_who_has_not_done_it, two_nodes_erase_the_same_at_once,
         a_tenant_without_a_shard_is_erased_everywhere_too]
