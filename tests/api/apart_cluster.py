"""Tenants are apart over a cluster, too: what apart.py asks of a server is asked here of two nodes of a registry that ask one another, with
rows of both tenants on both, delivered to a shard and not yet; once where alpha is, and once where nobody but beta is.  Promised:

- beta's answers are the same, by either node, but for times, which are the clock's;
- also when alpha's rows cannot be read at the shard, when members do not answer, and of the listener for members, which tokens do not open;
- what the members show one another is nobody's token."""
import calendar
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import tempfile
import time
import types
import urllib.parse

import apart
import server
from apart import STAMP, TYPED, World, compare
from apart_requests import ALPHA, KNOWN, Matrix, Request, operations
from scripted_mongo import ScriptedMongo
from steps import call, scenario
from tenants import bearer, secret

SECRET, WRONG = "canary-of-the-apart-cluster-0123", "another-secret-that-nobody-knows"
SHARD = "north"
MEMBER = {"Weir-Peer": "1", "Weir-Clock": "1700000000000000000", "Content-Type": "application/json"}
PEER_ROUTES = [("GET", "/peer/v1/pulse", [], None), ("GET", "/peer/v1/names", [("tenant", ALPHA)], None),
               ("POST", "/peer/v1/rows", [], json.dumps({"tenant": ALPHA, "measurement": KNOWN["measurement"], "start": 0, "end": 1 << 62}))]
READS_ASKED, WRITES_ASKED = 400, 120
# Nothing is sealed but when somebody asks for it; nobody waits long for a shard that takes nothing.
FLAGS = ["--ballast-bytes", "1MiB", "--log-level", "debug", "--limit-generation-age-ms-max", "3600000", "--limit-shard-ack-ms-max", "200ms",
         "--limit-erase-ms-max", "400ms",
         "--limit-live-heartbeat-ms-max", "100ms", "--limit-live-interval-ms-max", "10ms", "--peer-listen", "127.0.0.1:0"]


# --- a registry of files, as docs/formats/registry_files.md has it: commands make tokens that nobody can foresee ---

def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


def enter(folder, kind, name, version, document):
    os.makedirs(os.path.join(folder, kind), 0o700, exist_ok=True)
    text = json.dumps(document).encode()
    line = f"{kind} {name} {version} present {len(text)}".encode()
    with open(os.open(os.path.join(folder, kind, name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(b"weir-registry 1\n" + line + b" %08x\n" % crc32c(line + text) + text + b"\nend 1\n")


def tenant_document(tenant):
    tokens = [{"id": token["id"], "sha256": hashlib.sha256(token["text"].encode()).hexdigest(), "scopes": list(token["scopes"]),
               **({"expires": token["expires"]} if token["expires"] else {})} for token in tenant["tokens"]]
    return {"state": "active", "limits": {name: str(value) for name, value in tenant["limits"].items()}, "shards": [SHARD], "tokens": tokens}


class Cluster(World):
    """Two nodes, their registry and a shard.  `at` is who is asked: 0 or 1, or "peer 0" or "peer 1" for what they listen on for members."""

    def __init__(self, program, alone):
        self.alone, self.program, self.at = alone, program, 0
        self.mine, self.moments, self.written, self.packs = {}, {}, set(), 0
        self.scratch, self.nodes, self.doors = tempfile.mkdtemp(prefix="weir-apart-"), [], {}
        self.shard = ScriptedMongo(role="primary")
        enter(self.path("registry"), "shards", SHARD, 1, {"state": "active", "uri": self.shard.uri + "?serverSelectionTimeoutMS=500&socketTimeoutMS=1000"})
        for number, tenant in enumerate(reversed(apart.tenants(alone))):
            enter(self.path("registry"), "tenants", tenant["name"], 2 + number, tenant_document(tenant))
        with open(self.path("registry/version"), "w", encoding="ascii") as file:
            file.write("9\n")
        with open(os.open(self.path("secret"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(SECRET + "\n")

    def path(self, name):
        return os.path.join(self.scratch, name)

    @property
    def server(self):
        return self.doors[self.at]

    def start(self):
        """One after the other, so that their numbers are the same in both worlds."""
        for number in range(2):
            node = server.Server(self.program, self.path(f"node{number}"), [*FLAGS, "--registry", self.path("registry"), "--peer-secret-file", self.path("secret")])
            self.nodes.append(node)
            self.doors[number] = node.start()
            self.wait("its record says where it is reached", lambda number=number: self.find_door(number))
        for number, node in enumerate(self.nodes):
            for who in ["ball"] if self.alone else ["ball", "aall"]:
                node.request("POST", "/v1/points", f"shared,host=b0 f={number} {number}".encode(), {**bearer(who), **TYPED})
        self.wait("the nodes have met", lambda: self.is_whole("ball") and (self.alone or self.is_whole("aall")))

    def find_door(self, number):
        with open(self.path(f"registry/members/{number + 1}"), encoding="ascii") as file:
            found = re.search(r'"address":"([^"]+):(\d+)"', file.read())
        if found:
            self.doors[f"peer {number}"] = types.SimpleNamespace(address=(found.group(1), int(found.group(2))))
        return found

    def wait(self, what, function, seconds=30):
        end = time.monotonic() + seconds
        while not function():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}\n" + "\n".join(node.log_tail() for node in self.nodes))
            time.sleep(0.02)

    def is_whole(self, who):
        answers = [json.loads(node.request("GET", "/v1/query?measurement=shared&limit=1", headers=bearer(who)).text()) for node in self.nodes]
        return not any(answer["partial"] or answer.get("missing") for answer in answers)

    def note_moment(self):
        """S is a time of the clock here, and not of a commit: all times are left out."""

    def calm(self):
        """A question moves ingest times of all nodes to S, a quarter of a second ahead: what is written by two of them before that is over
        has no order (docs/decisions/0048), and so not the same one in both worlds."""
        as_of = self.must("ball", "GET", "/v1/query?measurement=shared&limit=1").headers["weir-as-of"]
        seconds = calendar.timegm(time.strptime(as_of[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + as_of[19:-1])
        self.wait("the clock has passed S", lambda: time.time() > seconds)

    def seal(self):
        for node in self.nodes:
            if node.request("POST", "/v1/admin/flush", b"", bearer("node")).status != 200:
                raise AssertionError("flush")

    def deliver(self, tenants):
        """What so many tenants have on both nodes is at the shard, and either node has read there what the other has."""
        self.seal()
        self.packs += tenants
        self.wait("all is delivered and read", lambda: [self.gauge(node, "weir_guests_packs") for node in self.nodes] == [self.packs] * 2)

    @staticmethod
    def gauge(node, name):
        return sum(int(found) for found in re.findall(rf"^{name}\{{[^}}]*\}} (\d+)$", node.request("GET", "/metrics", headers=bearer("node")).text(), re.M))

    def plain(self, text):
        text = STAMP.sub(lambda found: "<time>" if found.group()[:2] != "19" else found.group(), text)
        text = re.sub(r'("since_seconds":)\d+', r"\1<seconds>", text)
        for name, door in self.doors.items():
            text = text.replace("%s:%d" % door.address, f"<{name}>").replace(getattr(door, "scratch", "\0"), "<scratch>")
        return text

    def close(self):
        for node in self.nodes:
            with node:
                pass
        self.shard.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


# --- what is asked ---

def ask(worlds, request, at, counts, status=None):
    """Both worlds; of what is to be refused with a status that also."""
    for world in worlds:
        world.at = at
    seen = compare(worlds, request, counts)
    for world in worlds:
        world.at = 0
    if status and seen.status != status:
        counts["faults"].append(f"{request.title()} at {at}: {seen.status}, not {status}")


def of(path):
    """A request of beta's for this path, which has parameters."""
    place, _, rest = path.partition("?")
    return Request("GET", place, [tuple(pair.split("=", 1)) for pair in rest.split("&")] if rest else [])


def everything(worlds, requests, counts, chance):
    """Of all that apart.py asks a part, and the right requests all, first what changes nothing; what writes comes to one node after the other."""
    reads = [request for request in requests if apart.is_read(request)]
    writes = [request for request in requests if not apart.is_read(request)]
    for request in part_of(reads, READS_ASKED, chance):
        ask(worlds, request, chance.randrange(2), counts)
    for at in range(2):
        for request in part_of(writes, WRITES_ASKED // 2, chance):
            ask(worlds, request, at, counts)
        for world in worlds:
            world.calm()


def part_of(requests, size, chance):
    chosen = set(chance.sample(range(len(requests)), min(size, len(requests))))
    return [request for number, request in enumerate(requests) if number in chosen or request.why in ("as it should be", "erase=")]


def members_door(worlds, document, counts):
    """To whom has a token, or any other secret, the listener for members tells nothing; and what opens it opens nothing else."""
    own, token = "Bearer " + SECRET, "Bearer " + secret("ball")
    shown = [None, *("Bearer " + secret(who) for who in ("ball", "bread", "bwrite", "badmin", "bold", "gall", "node")), "Bearer " + WRONG, "Bearer ", "Bearer",
             "Basic " + SECRET, SECRET, own[:-1], own + "x", own.upper(), f"{token}, {own}"]
    for at in range(2):
        for method, path, params, body in PEER_ROUTES:
            for text in shown:
                head = {**MEMBER, "Authorization": text}
                ask(worlds, Request(method, path, params, head, body, None, "the members' listener"), f"peer {at}", counts, 401)
            for text in (own, token):
                head = {**MEMBER, "Authorization": text}
                ask(worlds, Request(method, path, params, head, body, None, "a route of members, in public"), at, counts, 404)
        for method, path, operation, _ in operations(document):
            body = "{}" if "requestBody" in operation else None
            for text in (own, token):
                request = Request(method, path, [("tenant", ALPHA)], {"Authorization": text}, body, None, "a route of tenants, at the members' listener")
                ask(worlds, request, f"peer {at}", counts, 404)
            if operation.get("security") != []:
                ask(worlds, Request(method, path, [], {"Authorization": own}, body, None, "the members' secret"), at, counts, 401)


def secret_opens(run, world):
    """Else all that would prove nothing: it is told what alpha has."""
    head = {**MEMBER, "Weir-Clock": str(time.time_ns()), "Authorization": "Bearer " + SECRET}
    for at in range(2):
        for method, path, params, body in PEER_ROUTES:
            target = path + ("?" + urllib.parse.urlencode(params) if params else "")
            answer = server.request(world.doors[f"peer {at}"].address, method, target, body and body.encode(), head)
            if answer.status != 200 or (body and KNOWN["tag"].encode() not in answer.body):
                run.fail(f"{path} is not opened by the secret: {answer.status} {answer.text()[:300]}")


# --- the scenario ---

def write(worlds, round):
    """Rows of this and the next round, of both tenants: on one node, and on the other."""
    for at in range(2):
        for world in worlds:
            world.at = at
            if not world.alone:
                apart.alpha_writes(world, round + at)
            apart.beta_writes(world, round + at)
        for world in worlds:
            world.calm()
            world.at = 0


def prepare(run, worlds):
    """Rows of both tenants are at the shard, in packs that it does not take, and in heads, of both nodes.  Alpha's handles."""
    write(worlds, 1)
    early = worlds[0].must("aall", "GET", apart.READS[0]).headers["weir-as-of"]
    for world in worlds:
        world.deliver(1 if world.alone else 2)
    tags_stand(run, worlds[0])
    for world in worlds:
        world.shard.fail("insert", "cut", times=-1)
    write(worlds, 5)
    for world in worlds:
        world.seal()
    write(worlds, 7)
    for world in worlds:
        mine = apart.handles(world, "ball")
        world.mine = {"etag": mine["etag"][0], "cursor": mine["cursor"][0]}
    return {**apart.handles(worlds[0], "aall"), "early": early}


def tags_stand(run, world):
    """Nothing that alpha does, here and at the shard, is another answer of beta's."""
    def tags():
        return [[node.request("GET", path, headers=bearer("ball")).headers["etag"] for path in apart.READS] for node in world.nodes]
    before = tags()
    for world.at in (1, 0):
        apart.alpha_writes(world, 3 + world.at)
    if tags() != before:
        run.fail("beta's ETags are others since alpha wrote")
    world.deliver(1)
    if tags() != before:
        run.fail("beta's ETags are others since alpha's rows were delivered")


def alpha_is_lost(run, worlds, counts):
    """At the shard nothing of alpha's can be read, and then a node is gone: beta is told of its own rows alone."""
    for world in worlds:
        world.shard.fail("find", "error", 13, times=-1, where="weir_" + ALPHA)
    chance = random.Random(1)
    worlds[0].must("aall", "POST", "/v1/points", "\n".join(f"shared,host=b{n % 40} f={chance.random()} {n * 1000003}" for n in range(2000)))
    for world in worlds:
        world.seal()
    for number in range(2):
        for path in apart.READS + apart.LISTS:
            for strict in ([], [("strict", "true")]) if "/query" in path else ([],):
                request = of(path)
                request.params += strict
                request.why = "while alpha's rows cannot be read"
                ask(worlds, request, number, counts)
    for world in worlds:
        world.nodes[1].kill()
        world.wait("it is known to be dead", lambda world=world: b"it is not alive" in world.ask("GET", apart.READS[0], headers=bearer("ball")).body)
    for path in apart.READS + apart.LISTS:
        request = of(path)
        request.why = "while the other node is gone"
        ask(worlds, request, 0, counts)


def cluster(run):
    seed = int(os.environ.get("WEIR_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    worlds = [Cluster(run.server.program, alone) for alone in (False, True)]
    counts, started, chance = {"requests": 0, "statuses": {}, "faults": []}, time.monotonic(), random.Random(seed)
    with contextlib.ExitStack() as stack:
        for world in worlds:
            stack.callback(world.close)
            world.start()
        alpha = prepare(run, worlds)
        apart.oracle_can_fail(run, worlds)
        before = apart.alpha_sees(worlds[0])
        document = json.loads(worlds[0].ask("GET", "/openapi.json").text())
        members_door(worlds, document, counts)
        secret_opens(run, worlds[0])
        everything(worlds, list(Matrix(document, alpha).requests()), counts, chance)
        apart.alpha_is_as_it_was(run, worlds[0], before)
        apart.streams(worlds, counts)
        apart.commands(worlds, counts)
        alpha_is_lost(run, worlds, counts)
        for world in worlds:
            for node in world.nodes:
                if any(text in node.log_text() for text in (secret("ball")[12:], secret("aall")[12:], SECRET)):
                    run.fail("a token or the secret is in the log")
        apart.tell(run, counts, f"to a cluster (WEIR_SEED={seed})", started)


SCENARIOS = [scenario("a tenant is told nothing of another by a cluster, whichever node it asks", call(cluster))]
