"""Wall clocks that jump, by libfaketime: at the start and while the server runs.  Only the wall clock is moved; those
for waiting go on, as they do on a machine whose date is set.

Promised: no crash, no hot loop, times in data as they were sent, versions in the order in which they came, 503
clock_skew to writes while the clock is not to be believed (and reads go on), --accept-clock takes it as it is."""
import glob
import json
import os
import tempfile
import time

from overload import Boxed
from trial import Client, cpu_seconds, promise, retry_fault

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
DAY = 86400
# To what: seconds from now, or the second of 1970 UTC.
JUMPS = [("+1 s", 1, None), ("-1 s", -1, None), ("+1 h", 3600, None), ("-1 h", -3600, None), ("-10 y", -3652 * DAY, None),
         ("1970-01-01", None, 100), ("2038-01-19", None, 2 ** 31 - 2), ("2262-04-09", None, 9223372036 - 2 * DAY)]
LAST = ("the last nanosecond", None, 9223372036 - 3)  # it passes while the server runs
BELIEVED_S = 60
HISTORY_S = 90 * DAY  # a tenant's default


def possible():
    return None if glob.glob(LIBRARY) else "libfaketime is not installed"


def offset_of(jump):
    _, seconds, epoch = jump
    return seconds if epoch is None else epoch - int(time.time())


class Clock:
    """The wall clock of a server."""

    def __init__(self, folder):
        self.path, self.seconds = os.path.join(folder, "clock"), 0
        self.set(0)

    def set(self, seconds):
        self.seconds = seconds
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"{seconds:+d}\n")
        os.rename(self.path + ".new", self.path)

    def wrapper(self):
        return ["env", "LD_PRELOAD=" + glob.glob(LIBRARY)[0], "FAKETIME_TIMESTAMP_FILE=" + self.path, "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "FAKETIME_FORCE_MONOTONIC_FIX=0"]  # else it ends every wait by the monotonic clock at once


class Story:
    """Rows that were written, each a correction of the one before at the same time, and what must be read."""
    TIMES = [-1, 0, 1, 1700000000000000000, 2 ** 31 * 10 ** 9, 2 ** 63 - 2]

    def __init__(self, clock):
        self.clock, self.written, self.number = clock, {}, 0

    def write(self, client, expect, what):
        """All times once more; `expect` is the status that each must get."""
        self.number += 1
        for moment in self.TIMES:
            status, retry, text = client.ask("POST", "/v1/points", f"story n={self.number}i {moment}", **{"Content-Type": "text/plain"})
            promise(status == expect, f"{what}: a write got {status} instead of {expect}: {text[:300]}")
            promise(not retry_fault(status, retry), f"{what}: {retry_fault(status, retry)}")
            if expect == 503:
                promise(b'"clock_skew"' in text, f"{what}: {text[:300]}")
            else:
                self.written.setdefault(moment, []).append(self.number)

    def check(self, client, what):
        """The newest values, and all versions in order."""
        status, _, text = client.ask("GET", "/v1/query?measurement=story&epoch=ns")
        promise(status == 200, f"{what}: a read got {status} {text[:300]}")
        rows = {row[0]: row[1] for row in json.loads(text)["series"][0]["rows"]}
        promise(rows == {moment: numbers[-1] for moment, numbers in self.written.items()}, f"{what}: read {rows}, wrote {self.written}")
        status, _, text = client.ask("GET", "/v1/query?measurement=story&epoch=ns&versions=all")
        promise(status == 200, f"{what}: a read of versions got {status} {text[:300]}")
        answer = json.loads(text)["series"][0]
        versions, known = {}, {}
        for row in answer["rows"]:
            versions.setdefault(row[0], []).append(row[-1])
            known.setdefault(row[0], []).append(row[answer["columns"].index("known_from")])
        promise(versions == self.written, f"{what}: versions {versions}, wrote {self.written}")
        promise(all(list(sorted(set(moments))) == moments for moments in known.values()), f"{what}: known_from does not ascend: {known}")
        moment = self.TIMES[0]
        for number, since in list(zip(self.written.get(moment, []), known.get(moment, [])))[-2:]:
            status, _, text = client.ask("GET", f"/v1/query?measurement=story&epoch=ns&end=0&as_of={since}")
            if status == 410 and since / 1e9 < time.time() + self.clock.seconds - HISTORY_S:
                continue
            promise(status == 200, f"{what}: as_of={since} got {status} {text[:300]}")
            promise(json.loads(text)["series"][0]["rows"] == [[moment, number]], f"{what}: as_of={since}: {text[:300]}, wrote {number}")


def ahead(client, wanted, what):
    """Whoever goes on with ingest times ahead of the clock is told."""
    _, _, text = client.ask("GET", "/readyz")
    promise((b'"clock","status":"warn"' in text) == wanted, f"{what}: /readyz {text[:300]}")
    _, _, text = client.ask("GET", "/metrics")
    seconds = int([line for line in text.splitlines() if line.startswith(b"weir_ingest_ahead_seconds ")][0].split()[1])
    promise((seconds > 0) == wanted, f"{what}: weir_ingest_ahead_seconds {seconds}")


def idle(server, what):
    before = cpu_seconds(server.pid)
    time.sleep(0.5)
    promise(server.alive(), f"{what}: the server ended\n{server.log_tail()}")
    took = cpu_seconds(server.pid) - before
    promise(took < 0.25, f"{what}: {took:.2f} s of CPU in half a second without work")


def start(program, folder, clock, *flags):
    return Boxed(program, os.path.join(folder, "data"), ["--ballast-bytes", "1MiB", "--limit-generation-age-ms-max", "1s", *flags], wrapper=clock.wrapper())


def end(server, what):
    code = server.stop()
    promise(code == 0, f"{what}: exit {code} after SIGTERM\n{server.log_tail()}")


def at_start(run):
    """The first start is at a strange time, the second at the right one, the third takes it as it is."""
    for jump in JUMPS:
        with tempfile.TemporaryDirectory(prefix="weir-clock-") as folder:
            clock, name = Clock(folder), f"started at {jump[0]}"
            story = Story(clock)
            clock.set(offset_of(jump))
            with start(run.program, folder, clock) as server:
                server.start()
                client = Client(server.address)
                story.write(client, 204, name)
                story.check(client, name)
                idle(server, name)
                promise(client.ask("POST", "/v1/admin/flush")[0] == 200, f"{name}: flush")
                story.check(client, name + ", sealed")
                end(server, name)
            believed = offset_of(jump) <= BELIEVED_S
            clock.set(0)
            with start(run.program, folder, clock) as server:
                name = f"started at the right time after {jump[0]}"
                server.start(ready=False)
                client = Client(server.address)
                story.write(client, 204 if believed else 503, name)
                ready = client.ask("GET", "/readyz")[0]
                promise(ready == (200 if believed else 503), f"{name}: /readyz {ready}")
                story.check(client, name)
                idle(server, name)
                end(server, name)
            with start(run.program, folder, clock, "--accept-clock") as server:
                name = f"--accept-clock after {jump[0]}"
                server.start()
                client = Client(server.address)
                story.write(client, 204, name)
                story.check(client, name)
                ahead(client, not believed, name)
                idle(server, name)
                server.kill()
                server.start()
                story.check(Client(server.address), name + ", after kill -9")
                end(server, name)


def while_running(run):
    """The clock jumps and comes back, again and again."""
    for flags in ([], ["--accept-clock"]):
        with tempfile.TemporaryDirectory(prefix="weir-clock-") as folder:
            clock = Clock(folder)
            story = Story(clock)
            with start(run.program, folder, clock, *flags) as server:
                server.start()
                client = Client(server.address)
                story.write(client, 204, "before")
                jumps = [jump for jump in JUMPS if not flags or jump[2] is None or jump[2] < time.time()]
                for jump in jumps * (5 if run.long else 1):
                    name = f"{' '.join(flags)} a jump to {jump[0]}"
                    clock.set(offset_of(jump))
                    time.sleep(0.05)
                    believed = bool(flags) or abs(offset_of(jump)) <= BELIEVED_S
                    story.write(client, 204 if believed else 503, name)
                    story.check(client, name)
                    idle(server, name)
                    clock.set(0)
                    time.sleep(0.05)
                    story.write(client, 204, name + " and back")
                    story.check(client, name + " and back")
                end(server, "after all jumps")


def past_the_end(run):
    """The last nanosecond that 64 bits hold passes: writes are refused from a day before it on, nothing else happens."""
    for flags in ([], ["--accept-clock"]):
        with tempfile.TemporaryDirectory(prefix="weir-clock-") as folder:
            clock, name = Clock(folder), f"{' '.join(flags)} past 2262-04-11"
            story = Story(clock)
            with start(run.program, folder, clock, *flags) as server:
                server.start()
                client = Client(server.address)
                story.write(client, 204, "before")
                clock.set(offset_of(LAST))
                for _ in range(10):
                    status, retry, text = client.ask("POST", "/v1/points", "story n=0i 5", **{"Content-Type": "text/plain"})
                    promise(status == 503 and b"clock_skew" in text and not retry_fault(status, retry), f"{name}: {status} {text[:300]}")
                    story.check(client, name)
                    idle(server, name)
                clock.set(0)
                time.sleep(0.05)
                story.write(client, 204, name + " and back")
                story.check(client, name + " and back")
                end(server, name)


TRIALS = [("clock: strange at the start", at_start, possible), ("clock: jumps while running", while_running, possible),
          ("clock: the end of time passes", past_the_end, possible)]
