"""kill -9, again and again, wherever the server is: what is stored in the end, what was asked again for it, and whether what a host
allows was kept over every restart."""
import os
import time

from documents import load, of_generic
from faulty import pages_of, window_aligned
from stand import DAY, HOUR, check, check_log, differences, iso, rates_held, until

KILLS, KILLS_LONG = 50, 1000
FAST, SLOW = (60, 1), (180, 4)  # both hold in every span
AT_ONCE = 2
WAITS = {"match": {"path": "^/page"}, "probability": 0.01, "fault": {"type": "status", "status": 429, "retry_after": 2}}
WAITS_AS_DATE = {"match": {"path": "^/(page|cursor)"}, "probability": 0.01, "fault": {"type": "status", "status": 429, "retry_after": 2, "as": "date"}}
LATE = {"fault": {"type": "lognormal", "median_ms": 40, "max_ms": 400}}


def rates(*some):
    return [f"{count}/{span}s" for count, span in some]


class Life:
    """From a start to its kill; what was asked by then, and which waits were noted."""
    def __init__(self, server):
        self.server, self.begun = server, time.time()

    def end(self):
        self.server.kill()
        self.ended = time.time()
        with open(os.path.join(self.server.data, "pull", "asked"), encoding="ascii", errors="replace") as file:
            lines = [line.split(" ", 4) for line in file.read().split("\n") if line.startswith("wait")]
        self.waits = [int(words[2]) / 1e9 for words in lines if len(words) == 5]


def waits_are_kept(log, lives):
    """Within a life at once, and over a kill those that the file had by then."""
    orders = [entry for entry in log if entry["wait_until"] is not None]
    kept = 0
    for order in orders:
        life = next(one for one in lives if order["start"] < one.ended)
        told_at = order["end"] or order["start"]
        noted = any(abs(until - order["wait_until"]) < 1.5 for until in life.waits)
        for entry in log:
            if not told_at + 0.5 < entry["start"] < order["wait_until"] - 0.05:
                continue
            check(entry["start"] > life.ended and not noted, f"{check_log.told(entry)} is within the wait until {order['wait_until']:.3f} that "
                  f"{check_log.told(order)} ordered; the kill was at {life.ended:.3f}")
        kept += noted and life.ended < order["wait_until"]
    return len(orders), kept


def by_life(log, lives):
    for life in lives:
        yield [entry for entry in log if life.begun <= entry["start"] < life.ended]


def kill_after_kill(case):
    kills = KILLS_LONG if case.long else KILLS
    end = window_aligned(case)
    first = end - (40 if case.long else 3) * DAY
    remote = case.remote(end, {"generic": {"late": 0.0, "revised": 0.0}}, host="0.0.0.0")
    remote.set("faults", [WAITS, WAITS_AS_DATE, LATE])
    server = case.server(remote)
    limits = {"rates": rates(FAST, SLOW), "concurrency": AT_ONCE}
    history = load("page", remote, "1h", window={"from": iso(first), "step": "2h", "overlap": None}, page={"limit": 50}, limits=limits,
                   retry={"base": "100ms", "cap": "1s"})
    beside = load("cursor", remote, "1s", window={"from": iso(end - DAY), "step": "2h", "overlap": "4h"}, limits=limits, measurement="beside",
                  retry={"base": "100ms", "cap": "1s"})
    other = load("next", remote, "1s", window={"from": iso(end - 6 * HOUR), "step": "1h", "overlap": "PT12H"}, measurement="other")
    other["request"]["url"] = other["request"]["url"].replace("127.0.0.1", "127.0.0.2")
    plain = load("slow", remote, "1s", measurement="plain", foreach=[{"id": "1"}, {"id": "2"}],
                 request={"query": {"ms": "10", "id": "${each.id}", "rows": "10"}}, limits={"concurrency": 2})
    plain["request"]["url"] = plain["request"]["url"].replace("127.0.0.1", "127.0.0.3")
    documents = (history, beside, other, plain)
    for document in documents:
        case.declare(server, document)
    life, lives, asked, took = Life(server), [], 0, []
    for _ in range(kills):
        if case.chance.random() < 0.8:  # else amid its start, or before it asks
            until(30, "it goes on after a kill", lambda: remote.since(asked))
        time.sleep(case.chance.choice((0, 0.05, 0.2, 0.4)) * case.chance.random())
        life.end()
        lives.append(life)
        asked, begun = asked + len(remote.since(asked)), time.monotonic()
        life = Life(server)
        server.start(ready=case.chance.random() < 0.7)
        took.append(time.monotonic() - begun)
    until(60, "it is ready", lambda: case.ask(server, "GET", "/readyz", want=None).status == 200)
    wanted = {"generic": of_generic(remote, history, first, end), "beside": of_generic(remote, beside, end - DAY, end),
              "other": of_generic(remote, other, end - 6 * HOUR, end)}
    left = {}

    def same():
        left.update({name: differences(case.rows(server, name, min(time for _, time in rows), end), rows) for name, rows in wanted.items()})
        return not any(left.values())

    until(120 + kills, lambda: f"{left}; {case.how(server, 'page')}", same)
    life.end()
    lives.append(life)
    judge(case, remote, lives, took, pages_of(wanted["generic"], first, end))
    server.start()


def judge(case, remote, lives, took, needed):
    kills, log = len(lives) - 1, [entry for entry in remote.log() if not entry["host"].startswith("127.0.0.3")]
    shared = [entry for entry in log if entry["host"].startswith("127.0.0.1")]
    rates_held([lives[-1].server], shared, (FAST, SLOW))
    for some in by_life(remote.log(), lives):  # what was under way ends with who asked
        check_log.concurrency(some, AT_ONCE, slack=0.1)
    orders, kept = waits_are_kept(shared, lives)
    pages = [entry for entry in shared if entry["path"].startswith("/page")]
    seen = {}
    for entry in pages:
        if entry["status"] == 200 and entry["fault"] == "lognormal":
            seen[entry["path"]] = seen.get(entry["path"], 0) + 1
    again = sum(seen.values()) - len(seen)
    check(again <= AT_ONCE * kills, f"{again} pages were asked again over {kills} kills with {AT_ONCE} under way")
    check(len(seen) <= needed + 3 * kills, f"{len(seen)} different pages, {needed} are needed")
    case.tell(f"{kills} kills, {max(took):.2f} s at most and {sum(took) / len(took):.2f} s on average to start again; {len(remote.log())} requests of 4 sources; "
              f"{len(seen)} pages of history, {again} asked again ({again / kills:.2f} for each kill); {orders} orders to wait, {kept} of them kept over a kill")


def kills_at_any_point_lose_nothing_and_break_no_limit(case):
    kill_after_kill(case)


CASES = [kills_at_any_point_lose_nothing_and_break_no_limit]
