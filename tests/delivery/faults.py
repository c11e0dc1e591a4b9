"""Cases of tests/delivery/run about everything that fails beside nodes that are written to and asked: their ZooKeeper, their sessions with it,
the databases behind their shards, a member and its disk.  Real servers; oracle.py tells what must hold.  Each kind comes as often as
--outages says, in an order of chance, and each time it has to be noticed, and to be over, before the next one."""
import json
import os
import re
import signal
import time
import traceback

from leaving import Speaking
from leaving import Member as Process
from mongo_server import MongoServer
from oracle import Oracle
from outbox import check, within
from proxy import Proxy
from zookeeper_server import NODE_EXISTS, Relay, Wire, ZooKeeperError, ZooKeeperServer

TREE = "/faults"
# Where outages are short, sessions are; then a node that is paused for some seconds is none any more.
SESSION_MS, SESSION_MS_LONG = 2000, 20000
# As in a server that has some to do: packs are made, and merged, all the time.
BUSY = ["--limit-generation-bytes-max", "4194304", "--limit-generation-age-ms-max", "1000", "--limit-compact-packs-max", "4"]
NOWHERE = ("127.0.0.1", 1)
RIGHT_AGAIN = 90  # seconds, on a machine with other work
OLD_ROWS = 50  # of each node


class Node(Process):
    """Its port is nobody's while it is away: another process may get it."""

    number = 0

    def end(self, how):
        how(self)
        self.address = NOWHERE

    def metric(self, name):
        answer = self.request("GET", "/metrics", None, self.headers)
        check(answer.status == 200, f"/metrics gave {answer.status}")
        return sum(float(line.rsplit(" ", 1)[1]) for line in answer.text().split("\n") if re.match(rf"{name}[ {{]", line))

    def state(self, name):
        answer = self.request("GET", "/readyz")
        return answer.status, next(item for item in json.loads(answer.text())["checks"] if item["name"] == name)


def until(node, seconds, what, text):
    """Looks less often than within(), so that it is no load; what is told of the node is how it is in the end."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            told = [node.state("registry"), node.state("member"), node.request("GET", "/v1/query?measurement=v&limit=1", None, node.headers).text()]
            raise AssertionError(f"not within {seconds} s: {node.address}, member {node.number}: {text}; {told}\n{node.log_tail(40)}")
        time.sleep(0.1)


class Behind:
    """A database behind a proxy."""

    def __init__(self, build):
        self.server = MongoServer(build, own=True).start()
        self.proxy = Proxy(self.server.address)
        self.uri = "mongodb://%s:%d/" % self.proxy.address

    def close(self):
        self.proxy.close()
        self.server.close()


class Everything(Speaking):
    """A ZooKeeper, two databases of one tenant, and nodes each of which reaches ZooKeeper by a relay of its own."""

    def __init__(self, ground):
        self.zookeeper = self.oracle = None
        self.relays, self.shards, self.nodes, self.trail = {}, {}, [], []
        try:
            self.session_ms = SESSION_MS_LONG if ground.long else SESSION_MS
            self.zookeeper = ZooKeeperServer(ground.build, session_ms_max=self.session_ms).start()
            self.shards = {name: Behind(ground.build) for name in ("north", "south")}
            super().__init__(ground, self.shards, f"zookeeper://{self.zookeeper.hosts}{TREE}")
        except BaseException:
            self.close()
            raise

    def node(self, name):
        self.relays[name] = relay = Relay(self.zookeeper.address)
        node = Node(self.ground.program, self.ground.path(name), [*BUSY, "--registry", f"zookeeper://{relay.hosts}{TREE}", "--peer-listen", "127.0.0.1:0",
                                                                 "--peer-secret-file", self.secret])
        node.relay, node.headers = relay, self.headers
        self.ground.servers.append(node)
        node.start()
        node.number = node.state("member")[1]["number"]
        return node

    def begin(self, count):
        """What was delivered to one shard is read there, while all that follows goes to another one."""
        self.nodes += [self.node(f"node{n}") for n in range(count)]
        for node in self.nodes:
            self.write(node, *(f"old,k=n{node.number} i={t}i {t}" for t in range(OLD_ROWS)))
        for node in self.nodes:
            self.delivered(node)
        self.weir("tenant", "set", "acme", "--shard", "south")
        for node in self.nodes:
            self.write(node, f"v,k=first i=0i {node.number}")
            until(node, 30, lambda: node.metric("weir_registry_copy_stale") == 0, "the registry is on the disk")
        self.wait_until_right()
        self.oracle = Oracle(self, self.nodes, self.ground.chance)

    def right(self, node):
        status, registry = node.state("registry")
        if status != 200 or registry["state"] != "connected" or registry.get("missing"):
            return False
        answer = node.request("GET", "/v1/query?measurement=v&limit=1", None, self.headers, seconds=60)
        return answer.status == 200 and not json.loads(answer.text())["partial"]

    def wait_until_right(self):
        begun = time.monotonic()
        for node in self.nodes:
            until(node, RIGHT_AGAIN, lambda: self.right(node), "it is right again")
        return time.monotonic() - begun

    def suffer(self, kinds):
        """What was told of it in the end."""
        turns, healing = [kind for kind in kinds for _ in range(self.ground.outages)], 0
        self.ground.chance.shuffle(turns)
        for kind in turns:
            seconds, begun = self.ground.length(), time.monotonic()
            self.trail.append(f"{kind.__name__} {seconds:.1f} s at {time.strftime('%H:%M:%S')}")
            kind(self, seconds)
            healing = max(healing, self.wait_until_right())
            check(not self.oracle.trouble(), "\n".join(self.oracle.trouble()[:4]))
            self.trail[-1] += f" and right {time.monotonic() - begun:.1f} s after its begin"
            time.sleep(self.ground.chance.random() / 2)
        told = self.oracle.end(lambda: self.node("empty"))
        for node in self.ground.servers:
            count = sum(len(series["rows"]) for series in self.oracle.whole(node, "measurement=old")["series"])
            check(count == OLD_ROWS * len(self.nodes), f"{node.address} has {count} rows of the shard that packs went to before")
        return f"{len(turns)} faults, right again {healing:.1f} s after each or sooner; {told}"

    def close(self):
        if self.oracle:
            self.oracle.stop()
        for each in (*self.relays.values(), *self.shards.values(), self.zookeeper):
            if each:
                each.close()

    def any_node(self):
        return self.ground.chance.choice(self.nodes)

    def alive(self, node):
        listed = json.loads(self.weir("member", "list", "--json"))["members"]
        return next((item["alive"] for item in listed if item["name"] == str(node.number)), False)


# --- the registry ---

def zookeeper_killed(all_, seconds):
    all_.zookeeper.kill()
    for node in all_.nodes:
        until(node, 30, lambda: node.state("registry")[1]["state"] != "connected", "it is told that ZooKeeper is away")
    time.sleep(seconds)
    all_.zookeeper.start()


def zookeeper_stopped(all_, seconds):
    """SIGSTOP, for longer than a session lives."""
    all_.zookeeper.pause()
    time.sleep(seconds)
    for node in all_.nodes:
        until(node, all_.session_ms / 1000 + 30, lambda: node.state("registry")[1]["state"] != "connected", "it is told that ZooKeeper is silent")
    all_.zookeeper.go_on()


def session_expired(all_, seconds):
    nodes = all_.ground.chance.sample(all_.nodes, all_.ground.chance.randrange(1, len(all_.nodes) + 1))
    before = [node.metric("weir_registry_sessions_total") for node in nodes]
    for node in nodes:
        node.relay.refusing = True
        Wire(all_.zookeeper.address, session=node.relay.session).end()
        node.relay.cut()
    time.sleep(seconds)
    for node in nodes:
        node.relay.refusing = False
    for node, sessions in zip(nodes, before):
        until(node, 30, lambda: node.metric("weir_registry_sessions_total") > sessions, "it has another session")


def node_paused(all_, seconds):
    """Past its session."""
    node = all_.any_node()
    before = node.metric("weir_registry_sessions_total")
    node.signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
        deadline = time.monotonic() + 60
        while all_.alive(node):
            check(time.monotonic() < deadline, "its session is not over after 60 s")
            time.sleep(0.2)
    finally:
        node.signal(signal.SIGCONT)
    until(node, 30, lambda: node.metric("weir_registry_sessions_total") > before, "it has another session")


def tree_wiped(all_, seconds):
    """Members put their own records again; of the others the operator has a copy."""
    records = by_hand(all_, lambda wire: {path: wire.get(path)[0] for kind in ("tenants", "shards")
                                          for path in (f"{TREE}/{kind}/{name}" for name in wire.children(f"{TREE}/{kind}"))})
    check(len(records) == 3, f"{records.keys()}")
    by_hand(all_, lambda wire: wire.wipe(TREE))
    for node in all_.nodes:
        until(node, 10, lambda: node.state("registry")[1].get("missing", 0) > 0, "it is told that records are gone")
    time.sleep(seconds)
    for path in (TREE, TREE + "/tenants", TREE + "/shards", *records):
        by_hand(all_, lambda wire: make(wire, path, records.get(path, b"")))
    for node in all_.nodes:
        until(node, 30, lambda: all_.alive(node), "it is in the registry again")


def by_hand(all_, do):
    """Until it is done: on a busy machine a session that is this short may be over in the middle."""
    for _ in range(20):
        try:
            with Wire(all_.zookeeper.address) as wire:
                return do(wire)
        except OSError:
            pass
    raise AssertionError("ZooKeeper cannot be spoken to")


def make(wire, path, text):
    try:
        wire.create(path, text)
    except ZooKeeperError as error:
        if error.code != NODE_EXISTS:
            raise
        if text:
            wire.set(path, text)


def zookeeper_absent_at_start(all_, seconds):
    """A node that was there before serves with what it saw last."""
    node = all_.any_node()
    until(node, 30, lambda: node.metric("weir_registry_copy_stale") == 0, "the registry is on the disk")
    node.end(all_.ground.chance.choice((Node.kill, Node.stop)))
    all_.zookeeper.kill()
    time.sleep(seconds)
    node.start(ready=False)
    until(node, 30, lambda: node.request("POST", "/v1/points", b"v,k=absent i=1i 1\n", all_.headers).status == 204, "it takes writes")
    until(node, 30, lambda: node.request("GET", "/v1/query?measurement=v&limit=1", None, all_.headers).status == 200, "it answers")
    all_.zookeeper.start()


# --- databases ---

def failing(all_, seconds, begin, end, effect=None):
    """Of the shard that packs go to; the other one, which has been read, may go with it."""
    names = all_.ground.chance.choice((("south",), ("south", "north")))
    shards = [all_.shards[name] for name in names]
    before = sum(node.metric("weir_delivery_failures_total") for node in all_.nodes)

    def noticed():
        return any(node.metric("weir_delivery_lag_seconds") > 1 for node in all_.nodes) or sum(
            node.metric("weir_delivery_failures_total") for node in all_.nodes) > before
    for shard in shards:
        begin(shard)
    time.sleep(seconds)
    within(30, effect or noticed, "somebody notices that packs do not arrive")
    for shard in shards:
        end(shard)
    packs = [node.metric("weir_delivery_packs_total") for node in all_.nodes]
    for node, count in zip(all_.nodes, packs):
        until(node, RIGHT_AGAIN, lambda: node.metric("weir_delivery_packs_total") > count, "packs arrive again")


def passes(shard):
    shard.proxy.set("passes")


def database_killed(all_, seconds):
    failing(all_, seconds, lambda shard: shard.server.kill(), lambda shard: shard.server.start())


def database_refused(all_, seconds):
    failing(all_, seconds, lambda shard: shard.proxy.set("refuses"), passes)


def database_silent(all_, seconds):
    failing(all_, seconds, lambda shard: shard.proxy.set("silent"), passes)


def database_slow(all_, seconds):
    """2 s a reply."""
    failing(all_, seconds, lambda shard: shard.proxy.set("slow", delay=2), passes)


def database_forgetful(all_, seconds):
    """It does what it is asked, and of each three replies one is lost."""
    proxy = all_.shards["south"].proxy
    before = proxy.lost
    failing(all_, seconds, lambda shard: shard.proxy.set("forgetful", every=3), passes, lambda: proxy.lost > before)


def database_and_zookeeper_killed(all_, seconds):
    all_.zookeeper.kill()
    try:
        database_killed(all_, seconds)
    finally:
        all_.zookeeper.start()


# --- a member and its disk ---

def member_killed(all_, seconds):
    """Its data directory is kept away; what it alone has is missed by its name."""
    node = all_.any_node()
    node.end(Node.kill)
    os.rename(node.data, node.data + "-away")
    for other in all_.nodes:
        if other is not node:
            until(other, 10, lambda: f"member {node.number}" in str(all_.json(other, "measurement=v&limit=1").get("missing")),
                  f"it names member {node.number}, which is away")
    time.sleep(seconds)
    os.rename(node.data + "-away", node.data)
    node.start(ready=False)


def member_killed_and_database_refused(all_, seconds):
    shard = all_.shards["south"]
    shard.proxy.set("refuses")
    time.sleep(1.2)  # so that it has what nobody else has
    try:
        member_killed(all_, seconds)
    finally:
        shard.proxy.set("passes")


def several_members_killed(all_, seconds):
    """All of them at times."""
    nodes = all_.ground.chance.sample(all_.nodes, all_.ground.chance.randrange(2, len(all_.nodes) + 1))
    for node in nodes:
        node.end(Node.kill)
    time.sleep(seconds)
    for node in nodes:
        node.start(ready=False)


def suffering(ground, count, *kinds):
    all_ = Everything(ground)
    try:
        all_.begin(count)
        told = all_.suffer(kinds)
        for node in ground.servers:
            check(node.stop() == 0, "a server did not end well\n" + node.log_tail())
        return told
    except Exception as error:
        trouble = [text for text in all_.oracle.trouble() if text not in str(error)][:4] if all_.oracle else []
        lines = [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        raise AssertionError("\n".join([*all_.trail[-6:], *trouble, f"{type(error).__name__} at {', '.join(lines[-4:])}: {error}"])) from None
    finally:
        all_.close()


def faults_of_the_registry_under_load(ground):
    return suffering(ground, 2, zookeeper_killed, zookeeper_stopped, session_expired, tree_wiped, zookeeper_absent_at_start)


def faults_of_databases_under_load(ground):
    return suffering(ground, 2, database_killed, database_refused, database_silent, database_slow, database_forgetful)


def faults_of_members_under_load(ground):
    return suffering(ground, 3, member_killed, member_killed_and_database_refused, several_members_killed, node_paused, database_and_zookeeper_killed)


CASES = [faults_of_the_registry_under_load, faults_of_databases_under_load, faults_of_members_under_load]
