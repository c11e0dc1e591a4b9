"""A database that is away, slow, silent or forgetful while it is written to, of one node: nobody who writes notices, and everything
that was acknowledged is delivered, once, with its values."""
import http.client
import signal
import threading
import time

from outbox import check, within

# Rows of a writer that are compared at a time.
PAGE = 50000


def stamp(ns):
    seconds = ns // 10**9
    return "1970-01-01T%02d:%02d:%02d.%09dZ" % (seconds // 3600, seconds // 60 % 60, seconds % 60, ns % 10**9)


class Load:
    """Small requests, one after another on each connection, and how long each took."""

    def __init__(self, ground, server, tenant, sent=(0, 0, 0), pause=0.004):
        self.ground, self.server, self.tenant, self.pause = ground, server, tenant, pause
        self.stopping = threading.Event()
        self.sent, self.took, self.trouble, self.compactions = list(sent), [], [], 0
        self.threads = [threading.Thread(target=self.write, args=(n,)) for n in range(len(sent))]
        self.threads.append(threading.Thread(target=self.upkeep))
        for thread in self.threads:
            thread.start()

    def write(self, writer):
        connection, headers = http.client.HTTPConnection(*self.server.address, timeout=60), self.ground.tokens[self.tenant].headers
        try:
            while not self.stopping.wait(self.pause):
                first = self.sent[writer]
                body = "".join("load,writer=%d,host=%s i=%di,f=%s,s=\"%s\" %d\n" % (writer, *self.row(t), t * 1000000) for t in range(first, first + 20))
                begun = time.monotonic()
                connection.request("POST", "/v1/points", body, headers)
                answer = connection.getresponse()
                said = answer.read()
                self.took.append((begun, time.monotonic() - begun))
                if answer.status != 204:
                    self.trouble.append(f"{answer.status}: {said[:200]}")
                else:
                    self.sent[writer] = first + 20
        except Exception as error:
            self.trouble.append(f"{type(error).__name__}: {error}")

    def upkeep(self):
        n = 0
        while not self.stopping.wait(0.15):
            n += 1
            try:
                if n % 8 == 0:
                    # All rows so far, at the compactor's share of a core: of a million beside other load two minutes.
                    self.ground.ask(self.server, self.tenant, "POST", "/v1/admin/compact", "", seconds=600)
                    self.compactions += 1
                else:
                    self.ground.flush(self.server)
            except Exception as error:
                self.trouble.append(f"upkeep: {error}")

    def end(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        check(not self.trouble, f"{len(self.trouble)} writes failed: {self.trouble[:3]}")
        check(min(self.sent) > 0, "a writer wrote nothing")

    def p99_ms(self, spans, inside):
        took = sorted(took for begun, took in self.took if any(first <= begun < last for first, last in spans) == inside)
        return took[len(took) * 99 // 100] * 1000 if took else 0

    @staticmethod
    def row(t):
        return f"h{t % 5}", t, t * 0.25, f"{t * 7919 % 65536:x}"

    def check_rows(self, server, versions=("", "&versions=all")):
        """Each row that was acknowledged is there, once, with its values, and no other one."""
        for writer, sent in enumerate(self.sent):
            for asked in versions:
                for first in range(0, sent + PAGE, PAGE):  # and what was never sent
                    between = f"&start={stamp(first * 10**6)}&end={stamp((first + PAGE) * 10**6)}"
                    self.check_page(server, writer, range(first, min(first + PAGE, sent)), between, asked)

    def check_page(self, server, writer, times, between, asked):
        text = self.ground.ask(server, self.tenant, "GET", f"/v1/query?measurement=load&match=writer%3D{writer}{between}{asked}&format=csv&epoch=ns").decode()
        lines = [line.split(",") for line in text.strip().split("\n")]
        at = [lines[0].index(name) for name in ("time", "host", "i", "f", "s")] if len(lines) > 1 else []
        have = sorted((int(cells[at[0]]), cells[at[1]], int(cells[at[2]]), float(cells[at[3]]), cells[at[4]]) for cells in lines[1:])
        want = [(t * 1000000, *self.row(t)) for t in times]
        if have != want:
            lacks, more = sorted(set(want) - set(have)), sorted(set(have) - set(want))
            raise AssertionError(f"{len(have)} rows{asked} of writer {writer} instead of {len(want)}: {len(lacks)} are not there, as {lacks[:3]}, "
                                 f"{len(more)} others are, as {more[:3]}")


def killed(ground, seconds):
    database = ground.databases["north"]
    database.kill()
    time.sleep(seconds)
    database.start()


def hung(ground, seconds):
    """SIGSTOP: connections are taken and nobody answers."""
    ground.databases["north"].signal(signal.SIGSTOP)
    time.sleep(seconds)
    ground.databases["north"].signal(signal.SIGCONT)


def through_the_proxy(mode, **how):
    def outage(ground, seconds):
        ground.proxies["north"].set(mode, **how)
        time.sleep(seconds)
        ground.proxies["north"].set("passes")
    return outage


def forgetful(ground, seconds):
    """The database does what it is asked, and of each five replies one is lost: one at least in each outage."""
    proxy = ground.proxies["north"]
    before = proxy.lost
    proxy.set("forgetful", every=5)
    time.sleep(seconds)
    within(30, lambda: proxy.lost > before, "a reply is lost")
    proxy.set("passes")


def nothing(_, seconds):
    time.sleep(seconds)


OUTAGES = {
    "well, to compare with": nothing,
    "killed and started again": killed,
    "stopped with SIGSTOP": hung,
    "refused": through_the_proxy("refuses"),
    "silent": through_the_proxy("silent"),
    "slow, 0.2 s a reply": through_the_proxy("slow", delay=0.2),
    "slow, 2 s a reply": through_the_proxy("slow", delay=2),
    "forgetful, each 5th reply lost": forgetful,
}


def outage_under_load(ground, outage):
    """Nobody who writes notices; then everything is delivered, and enough to begin again with."""
    tenants = ground.tenants(acme="north", other="north")
    server = ground.server("source", tenants)
    for tenant in ground.tokens:
        ground.history(server, tenant)
    ground.drained(server)
    load, spans, moments = Load(ground, server, "acme"), [], []
    try:
        time.sleep(1)
        for _ in range(ground.outages):
            begun = time.monotonic()
            outage(ground, ground.length())
            spans.append((begun, time.monotonic()))
            moments.append(ground.moment(server, "acme"))
            time.sleep(0.7)
    finally:
        load.stopping.set()
    load.end()
    took = ground.drained(server)
    load.check_rows(server)
    moments.append(ground.moment(server, "acme"))
    ground.restore("restored", tenants)
    restored = ground.server("restored", ground.tenants("none.yaml"))
    load.check_rows(restored)
    for tenant in ground.tokens:
        ground.same_answers(server, restored, tenant, moments[-2:])
    ground.check_secrets(server)
    inside, outside = load.p99_ms(spans, True), load.p99_ms(spans, False)
    # On a machine with other work, whose disk answers nobody for a quarter of a second now and then; whoever waited for a
    # database would wait for longer.  The figure itself is for a quiet one: bench/delivery.
    check(inside <= 2 * outside + 300, f"p99 of an ack is {inside:.1f} ms in outages and {outside:.1f} ms beside them")
    failures = ground.metric(server, "weir_delivery_failures_total", None)
    for ended in (server, restored):
        check(ended.stop() == 0, "a server did not end well\n" + ended.log_tail())
    lost = ground.proxies["north"].lost
    return (f"{sum(load.sent)} rows, 0 errors, ack p99 {inside:.1f} ms in outages, {outside:.1f} ms beside them; "
            f"{failures:.0f} failures, {f'{lost} replies lost, ' if lost else ''}{load.compactions} compactions, drained in {took:.1f} s")
