"""The writer in the background, with flushes and compactions beside it."""
import subprocess
import threading

from oracle import Broken

# Whether a server without POST /v1/admin/compact fails the campaign.
COMPACT_REQUIRED = True


class Load:
    """`pause` seconds between flushes (0: none); every third is a compaction.  `count` ends it after so many requests."""

    def __init__(self, writer, server, journal, seed, connections=8, seconds=60, pause=0.1, count=0, kind="weir", base=0, stride=0,
                 target="/v1/points"):
        words = (*server.address, journal.path, seed, journal.next(), connections, seconds, count, kind, base, stride, target)
        self.process = subprocess.Popen([writer, *map(str, words)])
        self.server, self.pause = server, pause
        self.stopping, self.compacting = threading.Event(), threading.Event()
        self.compactions = 0
        self.trouble = None
        self.thread = threading.Thread(target=self.upkeep)
        self.thread.start()

    def upkeep(self):
        n = 0
        while self.pause and not self.stopping.wait(self.pause):
            n += 1
            try:
                if n % 3 == 0:
                    self.compacting.set()
                    self.compactions += compact(self.server)
                    self.compacting.clear()
                else:
                    self.server.request("POST", "/v1/admin/flush", b"", seconds=20)
            except Broken as broken:
                self.trouble = broken
                return
            except Exception:  # the server is being killed: that is the point
                return

    def end(self, seconds=90):
        """Waits until the writer has ended: it does when its server has."""
        self.stopping.set()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Broken(f"a writer got no answer for {seconds} s") from None
        finally:
            self.thread.join()
        if code == 2:
            raise Broken("the writer got an answer that cannot be right")
        if self.trouble:
            raise self.trouble


def compact(server):
    """1 when the server compacted; 0 when it said why not."""
    answer = server.request("POST", "/v1/admin/compact", b"", seconds=20)
    if answer.status in (404, 405) and not COMPACT_REQUIRED:
        return 0
    if answer.status not in (200, 204, 500, 503):
        raise Broken(f"POST /v1/admin/compact got {answer.status}: {answer.text()[:300]}")
    return int(answer.status < 300)
