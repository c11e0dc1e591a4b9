"""Ten times what the server can take, in a memory cgroup of 512 MiB: small writes, bodies of 32 MB, 5,000
connections that say nothing, readers of large answers that hardly read, heavy queries.  Beside them a calm
tenant goes on.

Promised: no OOM kill, memory of its own (RssAnon; pages of mapped files go when others need them) within 80 % of the limit, at least 80 % of the goodput that the same mix has when it
is not too much (60 % in the short form), where goodput is the mean over small writes, large writes and questions of what
is answered well a second, and none of the three below a fifth of its own; a Retry-After of 1 to 60 s on every 503 and 429, reads that go on, recovery within
10 s, and afterwards everything acknowledged is there, also after kill -9, and nothing that was refused."""
import contextlib
import hashlib
import multiprocessing
import os
import random
import select
import socket
import tempfile
import time

from server import Server
from trial import (Broken, Client, descriptors, free_descriptors, percentile, promise, retry_fault, status_of, wait_for)

CGROUPS = "/sys/fs/cgroup/memory"
LIMIT_BYTES = 512 << 20
# How a machine of this size is set up.  A request is let in by what it may take of the head; it takes a third of that.
# By docs/reference/config.md ("Memory in all") 495 MiB with 5,000 connections: what is bounded in the end.
FLAGS = ["--tenants", "{scratch}/tenants.yaml", "--ballast-bytes", "1MiB",
         "--limit-head-bytes-max", "128MiB", "--limit-generation-bytes-max", "16MiB",
         "--limit-ingest-bytes-max", "160MiB", "--limit-query-memory-bytes-max", "16MiB", "--limit-queries-bytes-max", "32MiB",
         "--limit-column-cache-bytes-max", "16MiB",
         "--limit-connections-max", "6000"]
TOKENS = {"busy": "weir_busy1_" + "b" * 43, "calm": "weir_calm1_" + "c" * 43}
LINES = 50  # of a small write
SMALL_START, BIG_START = 10 ** 15, 2 * 10 ** 15


def tenants_file():
    text = "tenants:\n"
    for name, token in TOKENS.items():
        text += (f"  {name}:\n    tokens:\n      - {{id: {name}1, sha256: {hashlib.sha256(token.encode()).hexdigest()}, "
                 "scopes: [read, write, admin, operator]}\n")
    return text


class Group:
    """A memory cgroup and the way into it."""

    def __init__(self):
        self.path = os.path.join(CGROUPS, f"weir-{os.getpid()}")
        os.mkdir(self.path)
        self.write("memory.limit_in_bytes", LIMIT_BYTES)

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def wrapper(self):
        return ["sh", "-c", f'echo $$ >{self.path}/cgroup.procs && exec "$@"', "sh"]

    def kills(self):
        with open(os.path.join(self.path, "memory.oom_control"), encoding="ascii") as file:
            return int(dict(line.split() for line in file)["oom_kill"])

    def close(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.path)


class Boxed(Server):
    """The wrapper becomes the server."""
    @property
    def pid(self):
        return self.process.pid


# --- clients; each runs in a process of its own until `stop` is set, and gives back what it saw ---

class Seen:
    def __init__(self):
        self.statuses, self.faults, self.times = {}, [], []

    def note(self, status, retry, text=b""):
        self.statuses[status] = self.statuses.get(status, 0) + 1
        fault = retry_fault(status, retry)
        if fault or status not in (200, 204, 429, 503):
            self.faults.append(fault or f"{status} {text[:200]!r}")


def heed(retry, chance, stop):
    """A client that does as it is told, but for one in five, who comes back at once."""
    if retry and chance.random() < 0.8:
        stop.wait(min(int(retry), 5))
    else:
        stop.wait(0.01)


def small_writer(address, name, stop, seed):
    """Requests n = 0, 1, ... of LINES rows at times n * 1000 + i; (acknowledged, unknown, Seen)."""
    client, seen, chance = Client(address, TOKENS["busy"]), Seen(), random.Random(seed)
    acknowledged, unknown, n = [], [], 0
    while not stop.is_set():
        base = SMALL_START + n * 1000
        body = "".join(f"small,w={name} f={n * 7 + i}i {base + i}\n" for i in range(LINES))
        try:
            status, retry, text = client.ask("POST", "/v1/points", body, **{"Content-Type": "text/plain"})
            seen.note(status, retry, text)
            if status == 204:
                acknowledged.append(n)
            elif status == 503:
                heed(retry, chance, stop)
        except OSError:
            unknown.append(n)
        n += 1
    return acknowledged, unknown, seen


def big_body(name, n):
    """About 32 MB: rows of ten fields, 2,000 series."""
    rows, base = [], BIG_START + n * 10 ** 9
    fields = ",".join(f"f{k}={k}.5" for k in range(10))
    for i in range(270000):
        rows.append(f"big,w={name},s={i % 2000} {fields},n={n}i {base + i}")
    return "\n".join(rows).encode()[:32 << 20].rpartition(b"\n")[0]


def big_writer(address, name, stop, seed, body):
    """The same 32 MB again and again: (acknowledged, unknown, Seen)."""
    client, seen, chance = Client(address, TOKENS["busy"], 120), Seen(), random.Random(seed)
    acknowledged, unknown = 0, 0
    while not stop.is_set():
        try:
            status, retry, text = client.ask("POST", "/v1/points", body, **{"Content-Type": "text/plain"})
            seen.note(status, retry, text)
            acknowledged += status == 204
            if status == 503:
                heed(retry, chance, stop)
        except OSError:
            unknown += 1
    return acknowledged, unknown, seen


def asker(address, stop, seed, count):
    """Heavy questions, up to `count`."""
    client, seen, chance = Client(address, TOKENS["busy"], 120), Seen(), random.Random(seed)
    while count > 0 and not stop.is_set():
        try:
            status, retry, text = client.ask("GET", "/v1/query?measurement=heavy&agg=mean,max&every=100us&epoch=ns")
            seen.note(status, retry, text)
            if status == 200:
                count -= 1
            elif retry:
                heed(retry, chance, stop)
        except OSError:
            stop.wait(0.1)
    return seen


def slow_readers(address, stop, count):
    """`count` clients that ask for everything and take 4 KB in 100 ms."""
    ask = (f"GET /v1/query?measurement=heavy&format=csv HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKENS['busy']}\r\n\r\n").encode()
    opened, taken, again = [], 0, 0
    while not stop.is_set():
        while len(opened) < count:
            connection = socket.create_connection(address)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            connection.sendall(ask)
            opened.append(connection)
        for connection in list(opened):
            if select.select([connection], [], [], 0)[0]:
                try:
                    piece = connection.recv(4096)
                except OSError:
                    piece = b""
                taken += len(piece)
                if not piece or piece.startswith(b"HTTP/1.1 429"):
                    again += 1
                    opened.remove(connection)
                    connection.close()
        stop.wait(0.1)
    return taken, again


def sleepers(address, stop, count, ready):
    """Connections that say nothing; one that is closed is opened again."""
    free_descriptors(count + 200)
    opened, poll, closed = {}, select.poll(), 0
    while not stop.is_set():
        while len(opened) < count:
            connection = socket.create_connection(address, 20)
            poll.register(connection, select.POLLIN | select.POLLHUP)
            opened[connection.fileno()] = connection
        ready.set()
        for number, _ in poll.poll(200):
            poll.unregister(number)
            opened.pop(number).close()
            closed += 1
    return closed


def calm(address, stop):
    """One who reads and writes a little; (Seen of reads, Seen of writes)."""
    client, reads, writes, n = Client(address, TOKENS["calm"]), Seen(), Seen(), 0
    while not stop.is_set():
        n += 1
        try:
            begun = time.monotonic()
            reads.note(*client.ask("GET", "/v1/query?measurement=quiet&agg=count"))
            reads.times.append(time.monotonic() - begun)
            writes.note(*client.ask("POST", "/v1/points", f"quiet f={n} {n}", **{"Content-Type": "text/plain"}))
        except OSError as error:
            reads.faults.append(f"calm: no answer: {error}")
        stop.wait(0.05)
    return reads, writes


class Crowd:
    """Processes of clients that begin together and are asked for what they saw."""

    def __init__(self):
        self.context = multiprocessing.get_context("fork")
        self.stop = self.context.Event()
        self.parts = []

    def add(self, name, function, *words):
        receiver, sender = self.context.Pipe(False)

        def run():
            os.nice(1)
            sender.send(function(*words))
        process = self.context.Process(target=run, daemon=True)
        process.start()
        sender.close()
        self.parts.append((name, process, receiver))

    def end(self):
        """name -> list of results."""
        self.stop.set()
        results = {}
        for name, process, receiver in self.parts:
            promise(receiver.poll(150), f"a {name} client had no answer for 150 s")
            results.setdefault(name, []).append(receiver.recv())
            process.join()
        return results


class Overload:
    def __init__(self, program, long, seed, say):
        self.program, self.long, self.seed, self.say = program, long, seed, say
        self.acknowledged, self.unknown = {}, {}
        self.highest = {"VmRSS": 0, "RssAnon": 0}

    def watch(self, server, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            promise(server.alive(), f"the server ended\n{server.log_tail()}")
            for name in self.highest:
                self.highest[name] = max(self.highest[name], status_of(server.pid, name))
            time.sleep(0.1)

    def mix(self, server, name, times, seconds, idle):
        """`times` the load that just fits, for `seconds`; what was answered well a second, by kind."""
        crowd, address = Crowd(), server.address
        ready = crowd.context.Event()
        if idle:
            crowd.add("idle", sleepers, address, crowd.stop, idle, ready)
            promise(ready.wait(60), f"{idle} connections were not accepted within 60 s")
        for k in range(2 * times):
            crowd.add("small", small_writer, address, f"{name}{k}", crowd.stop, self.seed + k)
        for k in range(times):
            crowd.add("big", big_writer, address, f"{name}{k}", crowd.stop, self.seed + k, self.body)
        for k in range(2 * times):
            crowd.add("query", asker, address, crowd.stop, self.seed + k, 1000)
        if idle:
            crowd.add("slow", slow_readers, address, crowd.stop, 24)
        crowd.add("calm", calm, address, crowd.stop)
        begun = time.monotonic()
        self.watch(server, seconds)
        took = time.monotonic() - begun
        seen = crowd.end()
        for k, (acknowledged, unknown, _) in enumerate(seen["small"]):
            self.acknowledged[f"{name}{k}"], self.unknown[f"{name}{k}"] = acknowledged, unknown
        rates = {"small": sum(len(part[0]) for part in seen["small"]) / took,
                 "big": sum(part[0] for part in seen["big"]) / took,
                 "query": sum(part.statuses.get(200, 0) for part in seen["query"]) / took}
        self.tell(name, seen, rates["small"] * LINES + rates["big"] * (self.body.count(b"\n") + 1))
        return rates, seen

    def tell(self, name, seen, rate):
        total = {}
        for kind, parts in seen.items():
            for part in parts:
                for one in (part if isinstance(part, tuple) else (part,)):
                    if isinstance(one, Seen):
                        for status, count in one.statuses.items():
                            total[f"{kind} {status}"] = total.get(f"{kind} {status}", 0) + count
        counts = ", ".join(f"{key}: {count}" for key, count in sorted(total.items()))
        self.say(f"{name}: {rate:,.0f} rows/s acknowledged; {counts}")

    @staticmethod
    def faults(seen):
        return [fault for parts in seen.values() for part in parts
                for one in (part if isinstance(part, tuple) else (part,)) if isinstance(one, Seen) for fault in one.faults]

    def fill(self, server):
        """What heavy questions ask for: 2 million values; in `--long` ten times that, whose answer has 1 GB."""
        client = Client(server.address, TOKENS["busy"])
        series = 200 if self.long else 20
        for s in range(series):
            body = "\n".join(f"heavy,s={s} a={i}.25,b={i % 977}i {i * 1000 + 1}" for i in range(50000))
            for _ in range(100):
                status, retry, text = client.ask("POST", "/v1/points", body, **{"Content-Type": "text/plain"})
                if status == 204:
                    break
                time.sleep(1)
            promise(status == 204, f"filling: {status} {text[:200]}")
        client.ask("POST", "/v1/points", "quiet f=0 0", **{"Content-Type": "text/plain"})

    def recovers(self, server):
        """Seconds until 20 writes and a question in a row are answered well and at once."""
        client, begun = Client(server.address, TOKENS["busy"]), time.monotonic()
        good = 0
        while good < 20:
            promise(time.monotonic() - begun < 10, f"10 s after the load had ended only {good} good answers in a row")
            at = time.monotonic()
            status, _, _ = client.ask("POST", "/v1/points", f"after f=1 {good + 1}", **{"Content-Type": "text/plain"})
            asked, _, _ = client.ask("GET", "/v1/query?measurement=after")
            good = good + 1 if status == 204 and asked == 200 and time.monotonic() - at < 0.25 else 0
        return time.monotonic() - begun

    def everything_is_there(self, server, when):
        """Each acknowledged request whole, each refused one absent."""
        client = Client(server.address, TOKENS["busy"], 120)
        for writer, acknowledged in self.acknowledged.items():
            count = max(acknowledged + self.unknown[writer], default=-1) + 1
            status, _, text = client.ask("GET", f"/v1/query?measurement=small&match=w%3D{writer}&agg=count&every=1us"
                                                f"&start={SMALL_START}&end={SMALL_START + (count + 1000) * 1000}&epoch=ns&format=csv")
            promise(status == 200, f"{when}: {status} {text[:300]}")
            there = {}
            for line in text.decode().split("\n")[1:]:
                if line:
                    words = line.split(",")
                    there[(int(words[0]) - SMALL_START) // 1000] = int(words[-1])
            wanted, allowed = set(acknowledged), set(acknowledged) | set(self.unknown[writer])
            lost = [n for n in wanted if there.get(n) != LINES]
            promise(not lost, f"{when}: {len(lost)} acknowledged requests of {writer} are not whole, as {lost[:3]}")
            strange = [n for n in there if n not in allowed or there[n] != LINES]
            promise(not strange, f"{when}: {len(strange)} requests of {writer} that were refused are there, as {strange[:3]}")

    def run(self):
        promise(free_descriptors(7000), "7,000 descriptors are needed (ulimit -n)")
        self.body = big_body("x", 1)
        group = Group()
        try:
            with tempfile.TemporaryDirectory(prefix="weir-overload-") as folder:
                with Boxed(self.program, os.path.join(folder, "data"), FLAGS, {"tenants.yaml": tenants_file()}, group.wrapper()) as server:
                    self.trial(server, group)
        finally:
            group.close()

    def trial(self, server, group):
        server.start()
        self.fill(server)
        peak, seen = self.mix(server, "fits", 1, 60 if self.long else 6, 0)
        before = descriptors(server.pid)
        rates, seen = self.mix(server, "tenfold", 10, 600 if self.long else 12, 5000)
        took = self.recovers(server)
        faults = self.faults(seen)
        promise(not faults, f"{len(faults)} answers, as {faults[:3]}")
        refused = sum(one.statuses.get(503, 0) for part in seen["small"] + seen["big"] for one in part[2:])
        turned = sum(one.statuses.get(429, 0) for one in seen["query"])
        promise(refused > 0 and turned > 0, f"{refused} times 503 and {turned} times 429: this was no overload")
        least = 0.8 if self.long else 0.6
        ratios = {kind: rates[kind] / peak[kind] for kind in rates}
        goodput = sum(ratios.values()) / len(ratios)
        told = f"goodput {100 * goodput:.0f} % of the peak (" + ", ".join(f"{kind} {100 * ratio:.0f} %" for kind, ratio in ratios.items()) + ")"
        promise(goodput >= least, f"{told} is below {100 * least:.0f} %")
        promise(min(ratios.values()) >= 0.2, f"{told}: one of them starves")
        reads = [part[0] for part in seen["calm"]][0]
        promise(set(reads.statuses) == {200}, f"reads of another tenant were answered {reads.statuses}")
        slowest = percentile(reads.times, 0.99)
        promise(slowest < 2, f"p99 of another tenant's reads: {slowest:.2f} s")
        promise(group.kills() == 0, f"{group.kills()} OOM kills")
        promise(self.highest["RssAnon"] <= 0.8 * LIMIT_BYTES, f"RssAnon was {self.highest['RssAnon'] >> 20} MiB, above 80 % of {LIMIT_BYTES >> 20}")
        wait_for("memory that was freed goes back", 15, lambda: status_of(server.pid, "RssAnon") <= LIMIT_BYTES / 2)
        wait_for("descriptors as before", 10, lambda: descriptors(server.pid) <= before + 30)
        self.say(f"{told}, recovered in {took:.1f} s, highest VmRSS {self.highest['VmRSS'] >> 20} MiB, "
                 f"RssAnon {self.highest['RssAnon'] >> 20} MiB of {LIMIT_BYTES >> 20}, p99 of the calm tenant's reads {slowest * 1000:.0f} ms over {len(reads.times)}")
        self.everything_is_there(server, "afterwards")
        server.kill()
        server.start()
        self.everything_is_there(server, "after kill -9")
        promise(server.stop() == 0, f"exit code after SIGTERM\n{server.log_tail()}")


def possible():
    """None, or why not."""
    if os.geteuid() != 0:
        return "a memory cgroup needs root"
    if not os.path.exists(os.path.join(CGROUPS, "memory.limit_in_bytes")):
        return f"{CGROUPS} is not a cgroup v1 hierarchy"
    return None


def overload(run):
    Overload(run.program, run.long, run.seed, run.say).run()
