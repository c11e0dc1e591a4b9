"""The wall clock of the server is set, forward by a day and back by an hour, while windows and waits are under way: no rate, budget or
wait is broken, nothing is lost, and what lags catches up."""
import glob
import os
import time

from documents import load, of_generic
from stand import DAY, HOUR, check, check_log, differences, iso, rates_held, until

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
NOTICED_S = 12  # the puller looks at its clock that often


class Clock:
    """The wall clock of a server alone; those for waiting go on."""

    def __init__(self, folder):
        check(glob.glob(LIBRARY), "libfaketime is not installed")
        self.path = os.path.join(folder, "clock")
        self.set(0)

    def set(self, seconds):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"{seconds:+d}\n")
        os.rename(self.path + ".new", self.path)

    def wrapper(self):
        return ["env", "LD_PRELOAD=" + glob.glob(LIBRARY)[0], "FAKETIME_TIMESTAMP_FILE=" + self.path, "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_FORCE_MONOTONIC_FIX=0"]


def ahead(case):
    """Of the data: rows are there whatever a clock says, so that who asks for the time to come gets it."""
    return case.remote(case.ready_at + 3 * DAY)


def minute(second):
    return int(second) // 60 * 60


def goes_on(case, server, remote, name, seconds, what):
    """Pulls end again, and what was asked for has just come."""
    count = len(remote.log())
    until(seconds, lambda: f"{what} {name} is pulled: {case.how(server, name)}", lambda: len(remote.since(count)) >= 3)


def jumps_of_a_running_server(case):
    """Rows are refused while the clock is not to be believed; then all is there up to now, with nothing of the time to come, and pulls go
    on at their pace and not in an hour or a day."""
    remote, clock = ahead(case), Clock(case.scratch)
    server = case.server(remote, wrapper=clock.wrapper(), becomes=True)
    first = minute(time.time()) - 2 * HOUR
    limits = {"rates": ["8/1s"], "concurrency": 2}
    document = load("page", remote, "1s", window={"from": iso(first), "step": "30m", "overlap": "30m"}, limits=limits, retry={"base": "100ms", "cap": "1s"})
    plain = load("slow", remote, "1s", foreach=[{"id": "1"}], request={"query": {"ms": "10", "id": "${each.id}", "rows": "10"}}, measurement="plain",
                 limits=limits)
    for one in (document, plain):
        case.declare(server, one)

    def same(why={}):
        now = minute(time.time())
        why["why"] = differences(case.rows(server, "generic", first, now), of_generic(remote, document, first, now))
        return not why["why"]

    until(20, lambda: f"{same.__defaults__[0]}; {case.how(server, 'page')}", same)
    took = []
    for seconds in (DAY, -HOUR):
        clock.set(seconds)
        until(10, f"by {seconds} s rows are refused", lambda: server.request("POST", "/v1/points", b"probe n=1i 5", {"Content-Type": "text/plain"}).status == 503)
        time.sleep(3)  # in which pulls meet that clock
        clock.set(0)
        begun = time.monotonic()
        for name in ("page", "slow"):
            goes_on(case, server, remote, name, NOTICED_S + 10, f"after {seconds} s and back")
        took.append(time.monotonic() - begun)
        until(30, lambda: f"{same.__defaults__[0]}; {case.how(server, 'page')}", same)
        late = [key for key in case.rows(server, "generic", minute(time.time()) + 120) if key]
        check(not late, f"there are {len(late)} rows of the time to come")
    rates_held([server], remote.log(), [(8, 1)])
    check_log.concurrency(remote.log(), 2, slack=0.1)
    case.tell(f"a day forward and back, pulls go on after {took[0]:.1f} s; an hour back and forward, {took[1]:.1f} s")


def jumps_over_a_restart(case):
    """Killed and started again at another time, whose clock is taken as it is: it is pulled at once, at what is now by then."""
    remote, clock = ahead(case), Clock(case.scratch)
    server = case.server(remote, wrapper=clock.wrapper(), becomes=True, flags=["--accept-clock"])
    first = minute(time.time()) - 3 * HOUR
    document = load("page", remote, "1s", window={"from": iso(first), "step": "30m"}, limits={"rates": ["40/1s"]}, retry={"base": "100ms", "cap": "1s"})
    case.declare(server, document)
    goes_on(case, server, remote, "page", 20, "at first")
    told = []
    for seconds in (DAY, 0, -HOUR, 0):
        server.kill()
        clock.set(seconds)
        count = len(remote.log())
        server.start()
        begun = time.monotonic()

        def newest(count=count, seconds=seconds):
            ends = {entry["path"].partition("to=")[2][:25] for entry in remote.since(count)}
            return any(iso(int(time.time()) + seconds - back).replace(":", "%3A")[:23] in end for end in ends for back in range(30))

        until(15, lambda seconds=seconds: f"at {seconds:+} s what is now is asked for: {case.how(server, 'page')}", newest)
        told.append(f"{seconds:+d} s after {time.monotonic() - begun:.1f} s")
    now = minute(time.time())
    until(20, lambda: f"{differences(case.rows(server, 'generic', first, now), of_generic(remote, document, first, now))}; {case.how(server, 'page')}",
          lambda: case.rows(server, "generic", first, now) == of_generic(remote, document, first, now))
    rates_held([server], remote.log(), [(40, 1)])
    case.tell("what is now is asked for at " + ", ".join(told))


def a_budget_of_a_day(case):
    """Used up it stays so, whatever day the clock says that it is, and over a restart."""
    remote, clock = ahead(case), Clock(case.scratch)
    server = case.server(remote, wrapper=clock.wrapper(), becomes=True, flags=["--accept-clock"])
    budget = 25
    document = load("page", remote, "1s", window={"from": iso(minute(time.time()) - DAY), "step": "1h"}, limits={"daily": budget, "concurrency": 3})
    case.declare(server, document)
    until(20, lambda: f"it is used up: {case.how(server, 'page')}", lambda: len(remote.log()) >= budget)
    for seconds in (DAY, -HOUR, 2 * DAY):
        clock.set(seconds)
        if seconds == -HOUR:
            server.kill()
            server.start()
        case.act(server, "page", "pull")  # it looks at its clock
        time.sleep(1.5)
    days = {}
    for entry in remote.log():
        days[int(entry["start"]) // DAY] = days.get(int(entry["start"]) // DAY, 0) + 1
    check(max(days.values()) <= budget, f"requests of a day: {days}, {budget} may be")


def waits_that_were_ordered(case):
    """Jumps amid them make none shorter, nor longer than it was, but for one that a restart met with the clock set back."""
    remote, clock = ahead(case), Clock(case.scratch)
    remote.set("faults", [{"match": {"path": "^/page"}, "nth": {"from": 6, "every": 12}, "of": "rule",
                           "fault": {"type": "status", "status": 429, "retry_after": 6}}])
    server = case.server(remote, wrapper=clock.wrapper(), becomes=True, flags=["--accept-clock"])
    document = load("page", remote, "1s", window={"from": iso(minute(time.time()) - DAY), "step": "1h"}, limits={"concurrency": 2})
    case.declare(server, document)
    for seconds, restart in ((DAY, False), (0, False), (DAY, True)):
        orders = [entry for entry in remote.log() if entry["status"] == 429]
        until(20, lambda orders=orders: f"it is told to wait: {case.how(server, 'page')}",
              lambda orders=orders: len([entry for entry in remote.log() if entry["status"] == 429]) > len(orders))
        time.sleep(0.5)
        if restart:
            server.kill()
        clock.set(seconds)
        if restart:
            server.start()
        count, begun = len(remote.log()), time.monotonic()
        until(NOTICED_S + 6, lambda: f"it goes on behind the wait: {case.how(server, 'page')}", lambda count=count: remote.since(count))
        case.tell(f"set by {seconds:+d} s{' and started again' if restart else ''} amid a wait of 6 s, it goes on {time.monotonic() - begun + 0.5:.1f} s behind the order")
    check_log.waits(remote.log(), slack=0.5)


def named(function, name):
    function.__name__ = name
    return function


CASES = [named(jumps_of_a_running_server, "a_clock_that_jumps_and_comes_back_loses_nothing_and_holds_nothing_up"),
         named(jumps_over_a_restart, "a_clock_that_is_another_after_a_restart_holds_nothing_up"),
         named(a_budget_of_a_day, "a_clock_that_jumps_brings_no_second_budget_of_a_day"),
         named(waits_that_were_ordered, "a_clock_that_jumps_ends_no_wait")]
