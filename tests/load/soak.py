"""Writes, corrections, reads, lists, deletions, flushes, reconnects and clients that leave, for 20 seconds or ten
minutes.  Time goes on, a sixth of the writes corrects what was written lately, and reads are of what is recent: what
lies in packs grows, what the server needs in memory does not.

Promised: no slope.  After a warm-up of a third of the time the medians of the first and the last third of what is left
are compared: RssAnon may differ by 16 MiB (allocators, and the head's sawtooth) and, in the long run, by
1 MiB a minute; descriptors by what packs hold; threads not at all."""
import os
import random
import statistics
import tempfile
import threading
import time

from server import Server
from trial import Client, descriptors, promise, retry_fault, status_of

FLAGS = ["--ballast-bytes", "1MiB", "--limit-generation-bytes-max", "4MiB", "--limit-generation-age-ms-max", "2s", "--limit-head-bytes-max", "32MiB",
         "--limit-idempotency-keys-max", "1000"]
HOSTS, RECENT = 50, 20000  # seconds of data that reads look at


class Work:
    def __init__(self, server, seed):
        self.server, self.seed = server, seed
        self.stop, self.faults, self.counts, self.newest = threading.Event(), [], {}, 0

    def loop(self, kind, number, step, pause):
        client, chance, n = Client(self.server.address), random.Random(self.seed + 1000 * number), 0
        while not self.stop.is_set():
            n += 1
            try:
                status, retry, text = step(client, chance, n)
                fault = retry_fault(status, retry)
                if fault or status not in (200, 204, 304, 429, 503):
                    self.faults.append(f"{kind}: {fault or status} {text[:200]!r}")
                self.counts[f"{kind} {status}"] = self.counts.get(f"{kind} {status}", 0) + 1
            except OSError as error:
                if not self.stop.is_set():
                    self.faults.append(f"{kind}: no answer: {error}")
            if n % 20 == 0:
                client.close()
            self.stop.wait(pause)
        client.close()

    def write(self, client, chance, n):
        """The next 500 seconds of data, or some of the last ones again."""
        if n % 6:
            first, self.newest = self.newest, self.newest + 500
        else:
            first = max(0, self.newest - chance.randrange(RECENT))
        body = "\n".join(f"soak,host=h{i % HOSTS} a={n}.5,b={i}i,s=\"text {i % 7}\" {(first + i) * 10 ** 9}" for i in range(500))
        return client.ask("POST", "/v1/points", body, **{"Content-Type": "text/plain", "Idempotency-Key": f"{chance.randrange(1 << 60)}"})

    def read(self, client, chance, n):
        recent = f"&start={max(0, self.newest - RECENT) * 10 ** 9}"
        return client.ask("GET", chance.choice([
            "/v1/query?measurement=soak&match=host%3Dh7" + recent, "/v1/query?measurement=soak&agg=mean,count&every=1m&group_by=host" + recent,
            "/v1/query?measurement=soak&match=host%3D~h1.&format=csv" + recent, "/v1/query?measurement=soak&limit=10&versions=all" + recent,
            "/v1/series?measurement=soak", "/v1/tags/host/values", "/v1/fields?measurement=soak", "/metrics"]))

    def leave(self, client, chance, n):
        """Asks for everything on a connection that it closes at once."""
        client.ask("GET", "/healthz")
        client.connection.sock.sendall(b"GET /v1/query?measurement=soak&format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.close()
        return 200, None, b""

    def tidy(self, client, chance, n):
        """A deletion of a few seconds of one host, or a flush."""
        if n % 4 == 0:
            return client.ask("DELETE", f"/v1/points?measurement=soak&match=host%3Dh{chance.randrange(HOSTS)}&start={(self.newest - 100) * 10 ** 9}&end={self.newest * 10 ** 9}")
        return client.ask("POST", "/v1/admin/flush")


def soak(run):
    seconds = 600 if run.long else 20
    with tempfile.TemporaryDirectory(prefix="weir-soak-") as folder, Server(run.program, os.path.join(folder, "data"), FLAGS) as server:
        server.start()
        work = Work(server, run.seed)
        jobs = [("write", work.write, 0.01)] * 3 + [("read", work.read, 0.02)] * 2 + [("leave", work.leave, 0.05), ("tidy", work.tidy, 1.0)]
        threads = [threading.Thread(target=work.loop, args=(kind, number, step, pause)) for number, (kind, step, pause) in enumerate(jobs)]
        for thread in threads:
            thread.start()
        samples, begun = [], time.monotonic()
        while time.monotonic() - begun < seconds and server.alive():
            samples.append((status_of(server.pid, "RssAnon"), descriptors(server.pid), status_of(server.pid, "Threads"), packs(folder)))
            time.sleep(0.2)
        alive = server.alive()
        work.stop.set()
        for thread in threads:
            thread.join()
        promise(alive, f"the server ended\n{server.log_tail()}")
        promise(not work.faults, f"{len(work.faults)} answers, as {work.faults[:3]}")
        flat(run, samples[len(samples) // 3:], seconds)
        run.say(", ".join(f"{key}: {count}" for key, count in sorted(work.counts.items())))
        promise(server.stop() == 0, f"exit code after SIGTERM\n{server.log_tail()}")


def packs(folder):
    return sum(len(files) for _, _, files in os.walk(os.path.join(folder, "data", "packs")))


def flat(run, samples, seconds):
    third = len(samples) // 3
    first, last = samples[:third], samples[-third:]
    before, after = ([statistics.median(sample[k] for sample in part) for k in range(4)] for part in (first, last))
    run.say(f"RssAnon {before[0] / (1 << 20):.1f} -> {after[0] / (1 << 20):.1f} MiB, descriptors {before[1]:.0f} -> {after[1]:.0f}, "
            f"threads {before[2]:.0f} -> {after[2]:.0f}, packs {before[3]:.0f} -> {after[3]:.0f}")
    allowed = max(16, seconds / 60) * (1 << 20)
    promise(after[0] - before[0] <= allowed, f"RssAnon grew by {(after[0] - before[0]) / (1 << 20):.1f} MiB")
    promise(after[1] - before[1] <= 16 + max(0, after[3] - before[3]), f"descriptors grew from {before[1]:.0f} to {after[1]:.0f}")
    promise(after[2] <= before[2] + 4, f"threads grew from {before[2]:.0f} to {after[2]:.0f}")
