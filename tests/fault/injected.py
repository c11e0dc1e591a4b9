"""Faults at every nth call: a short life of a server (first start, writes, rotation, seals, manifest transactions,
trims, compaction, SIGTERM) and its recovery after kill -9 are played once to count their calls, then again and again,
each time with another call that kills, fails with EIO or ENOSPC (once, or from there on), or writes only half."""
import errno
import os
import shutil
import tempfile
import time

from faults import CALLS, EVERY, PLACES, Plan
from load import Load, compact
from oracle import Broken, Journal
from server import Server, ServerDied

EXIT_DISK_FAILED = 70
# Calls that can meet a full disk.
FULL = ("open", "write", "rename", "truncate", "make_dir")
LINES = b"\n".join(b'fill,n=%d s="%s" %d' % (n, os.urandom(200).hex().encode(), n) for n in range(1, 800))


class Preloaded(Server):
    """A server below faults.so."""

    def __init__(self, program, data, flags, plan):
        words = [f"{name}={value}" for name, value in plan.environment(data).items()]
        super().__init__(program, data, flags, wrapper=["env", *words])

    @property
    def pid(self):
        return self.process.pid  # env becomes the server


class Met(Exception):
    """The server ended, or no answer came, as a fault may have it."""


class Injected:
    def __init__(self, campaign, flags):
        self.campaign, self.flags = campaign, flags
        self.missed = 0

    def run(self, sample):
        with tempfile.TemporaryDirectory(prefix="weir-calls-") as folder:
            self.folder = folder
            self.plan = Plan(self.campaign.library, os.path.join(folder, "plan"))
            trials = self.trials()
            counted = len(trials)
            if sample and sample < counted:
                trials = self.choose(trials, sample)
            for trial in trials:
                self.campaign.one("%s: %s at %s of %s number %d%s" % (
                    trial[0], trial[1], trial[2], trial[3], trial[4], " and later" if trial[5] else ""), self.trial, *trial)
            self.plan.close()
            print(f"    {len(trials)} of {counted} faults at nth calls, {self.missed} not met")
            if self.missed * 4 > len(trials):
                self.campaign.one("faults are met", self.too_many_missed)

    def too_many_missed(self):
        raise Broken(f"{self.missed} faults were never met: the plan and the play have drifted apart")

    def choose(self, trials, sample):
        """At least one trial of each (phase, fault, call, place), as far as they fit."""
        chance, groups = self.campaign.chance, {}
        for trial in trials:
            groups.setdefault((*trial[:4], trial[5]), []).append(trial)
        chosen = [chance.choice(group) for group in groups.values()]
        chance.shuffle(chosen)
        rest = [trial for trial in trials if trial not in set(chosen)]
        return (chosen + chance.sample(rest, max(0, min(len(rest), sample - len(chosen)))))[:sample]

    def trials(self):
        """(phase, fault, call, place, n, persistent) for all that the plays were seen to do."""
        trials = []
        for phase in ("life", "recovery"):
            seen = self.count(phase)
            for (call, place), count in seen.items():
                for n in range(1, count + 1):
                    trials.append((phase, "SIGKILL", call, place, n, False))
                    if call in ("sync", "sync_dir"):
                        trials += [(phase, "EIO", call, place, n, persistent) for persistent in (False, True)]
                    if call in FULL:
                        trials += [(phase, "ENOSPC", call, place, n, persistent) for persistent in (False, True)]
                    if call == "write":
                        trials.append((phase, "half", call, place, n, False))
        return trials

    def count(self, phase):
        folder = tempfile.mkdtemp(dir=self.folder)
        journal = Journal(os.path.join(folder, "journal"))
        data = self.prepare(phase, folder, journal)
        self.plan.set("open", "wal", "count", 0)
        with Preloaded(self.campaign.program, data, self.flags, self.plan) as server:
            server.start()
            self.play(server, journal)
            code = server.stop()
        assert code == 0, code
        seen = self.plan.seen()
        for call, place in (("write", "wal"), ("sync", "wal"), ("write", "index"), ("sync", "index"), ("unlink", "wal"), ("unlink", "packs")):
            assert seen[call, place] > 0, f"{phase}: no {call} of {place} was seen"
        shutil.rmtree(folder)
        print("    " + phase + ": " + ", ".join(f"{call} {'+'.join(f'{place} {seen[call, place]}' for place in PLACES if seen[call, place])}"
                                                for call in CALLS if any(seen[call, place] for place in PLACES)))
        return seen

    def prepare(self, phase, folder, journal):
        """The data directory that a play begins with."""
        data = os.path.join(folder, "data")
        if phase == "recovery":
            template = os.path.join(self.folder, "killed")
            if not os.path.isdir(template):
                self.kill_one(template)
            shutil.copytree(os.path.join(template, "data"), data)
            shutil.copyfile(os.path.join(template, "journal"), journal.path)
        return data

    def kill_one(self, folder):
        """A store that died with several segments of the wal to replay."""
        os.mkdir(folder)
        journal = Journal(os.path.join(folder, "journal"))
        flags = ["--ballast-bytes", "4MiB"]  # generations of 64 MiB: nothing is sealed but by a flush
        with Server(self.campaign.program, os.path.join(folder, "data"), flags) as server:
            server.start()
            self.write(server, journal, 40)
            self.ask(server, "POST", "/v1/admin/flush")
            for _ in range(6):
                self.fill(server)
            self.write(server, journal, 40)
            server.kill()

    # --- the play ---

    def ask(self, server, method, path, body=b""):
        try:
            return server.request(method, path, body, {"Content-Type": "text/plain"}, 20)
        except OSError as error:
            raise Met(str(error)) from None

    def write(self, server, journal, count):
        load = Load(self.campaign.writer, server, journal, 1, connections=2, seconds=20, pause=0, count=count)
        load.end()
        if not server.alive():
            raise Met("the server ended")

    def fill(self, server):
        return self.ask(server, "POST", "/v1/points", LINES)

    def play(self, server, journal):
        for _ in range(2):
            self.write(server, journal, 6)
            self.ask(server, "POST", "/v1/admin/flush")
        for _ in range(4):
            self.fill(server)  # a pack file, and a segment that is full
        self.write(server, journal, 4)
        self.ask(server, "POST", "/v1/admin/flush")
        try:
            compact(server)
        except OSError as error:
            raise Met(str(error)) from None
        self.write(server, journal, 2)

    # --- a trial ---

    def trial(self, phase, fault, call, place, n, persistent):
        folder = tempfile.mkdtemp(dir=self.folder)
        journal = Journal(os.path.join(folder, "journal"))
        data = self.prepare(phase, folder, journal)
        action = {"SIGKILL": "kill", "half": "half"}.get(fault, "fail")
        self.plan.set(call, place, action, n, EVERY if persistent else n, errno.ENOSPC if fault == "ENOSPC" else errno.EIO)
        with Preloaded(self.campaign.program, data, self.flags, self.plan) as server:
            code = self.meet(server, journal)
            if not self.plan.fired:
                self.missed += 1
            elif fault == "SIGKILL":
                if self.ended(server, 3):
                    code = server.process.returncode
                self.expect(server, code == -9, f"exit code {code} after SIGKILL")
            elif fault == "EIO":
                self.after_failed_sync(server, code, call, place)
            else:
                self.after_no_room(server, code, fault, place)
            if server.alive():
                self.expect(server, server.stop() == 0, "exit code after SIGTERM")
        with Server(self.campaign.program, data, self.flags) as server:
            server.start()
            self.campaign.verify(server, journal, 1)
            server.kill()
            server.start()
            self.campaign.verify(server, journal, 1)
            server.stop()
        self.campaign.verify_offline(data)
        shutil.rmtree(folder)

    @staticmethod
    def expect(server, holds, text):
        if not holds:
            raise Broken(f"{text}\n{server.log_tail()}")

    def meet(self, server, journal):
        """Plays; the exit code, or None while the server lives."""
        try:
            server.start(20)
        except ServerDied:
            if not server.process or server.process.poll() is None:
                raise
            return server.process.returncode
        try:
            self.play(server, journal)
        except Met:
            pass
        self.ended(server, 0.1)
        return server.process.poll()

    @staticmethod
    def ended(server, seconds):
        deadline = time.monotonic() + seconds
        while server.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        return not server.alive()

    def after_failed_sync(self, server, code, call, place):
        """Nothing more is synced where a sync failed, and the process ends by itself."""
        if place == "other":  # the ballast holds nothing
            return
        if place == "packs":  # written anew from the head, under another name; the wal has it until that worked
            self.expect(server, code in (None, EXIT_DISK_FAILED) or not server.address, f"exit code {code} after a failed {call} of a pack")
            return
        if code is None and self.ended(server, 3):
            code = server.process.returncode
        if code is None and call == "sync_dir" and "wal: trim:" in server.log_text():
            return  # a removed segment may come back by a power cut: all of it is in packs, and the next start removes it
        self.expect(server, code not in (None, 0), f"after a failed {call} of {place} the server goes on (exit code {code})")
        if server.address:
            self.expect(server, code == EXIT_DISK_FAILED, f"exit code {code} after a failed {call} of {place}, not 70")
        self.expect(server, call == "sync_dir" or self.plan.again == 0, f"{self.plan.again} fdatasyncs of the same file after the one that failed")

    def after_no_room(self, server, code, fault, place):
        """The server lives, reads, and takes writes again by itself."""
        if fault == "half" and place == "index":  # LMDB takes half a write for an I/O error
            self.expect(server, code is None or code == EXIT_DISK_FAILED or not server.address, f"exit code {code} after half a write to the index")
            self.ended(server, 1)
            return
        if code is not None:
            self.expect(server, not server.address and code > 0, f"exit code {code} after {fault} at {place}")
            return  # a start that is refused, in words
        answer = self.ask(server, "GET", "/v1/query?measurement=o&limit=1")
        self.expect(server, answer.status == 200, f"a read got {answer.status} {answer.text()[:200]}")
        self.plan.lift()
        begun = time.monotonic()
        while True:
            answer = self.ask(server, "POST", "/v1/points", b"m f=1 1")
            if answer.status == 204:
                return
            self.expect(server, answer.status == 503 and b"disk_full" in answer.body, f"a write got {answer.status} {answer.text()[:200]}")
            self.expect(server, time.monotonic() - begun < 5, "5 s after there was room again writes are refused")
            time.sleep(0.05)
