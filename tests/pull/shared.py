"""A hundred sources, each of a host of its own: shared by two nodes of which one is killed, and beside a host that stalls."""
import time

from documents import keyed, load, of_generic
from nodes import PATIENCE_S, two
from stand import HOUR, check, check_log, differences, iso, until

SOURCES = 100
TAKE_OVER_S = 30  # the floor; the goal is 10


def host_of(number):
    return f"127.0.1.{number + 1}"


def flags(remote):
    return ["--pull-allow", f"127.0.0.0/8:{remote.port}"]


def document_of(remote, number, every, first, **more):
    document = load("page", remote, every, window={"from": iso(first), "step": "1h", "overlap": "1h"}, measurement="shared",
                    tags={"id": {"path": "id"}, "source": str(number)}, page={"limit": 200}, **more)
    document["name"], document["request"]["url"] = f"s{number}", f"http://{host_of(number)}:{remote.port}/page"
    return document


def by_source(log):
    found = {}
    for entry in log:
        found.setdefault(entry["host"].partition(":")[0], []).append(entry)
    return found


def a_node_of_two_is_killed(case):
    remote = case.remote(host="0.0.0.0")
    servers = two(case, remote, flags(remote))
    end = case.ready_at
    first = end - HOUR
    for number in range(SOURCES):
        case.declare(servers[number % 2], document_of(remote, number, "4s", first))
    hosts = {host_of(number) for number in range(SOURCES)}

    def states(server):
        return {one["name"]: (one["status"] or {"state": None})["state"] for one in case.ask(server, "GET", "/v1/sources")["sources"]}

    until(PATIENCE_S + 20, lambda: f"all are pulled: {len(by_source(remote.log()))}", lambda: hosts <= set(by_source(remote.log())))
    mine = until(PATIENCE_S + 20, lambda: f"each node has its own: {[list(states(server).values()).count('elsewhere') for server in servers]}", lambda: (
        held := [{name for name, state in states(server).items() if state not in (None, "elsewhere", "loading")} for server in servers])
        and len(held[0]) + len(held[1]) == SOURCES and min(map(len, held)) > 10 and held)
    servers[0].kill()
    killed, count = time.time(), len(remote.log())
    lost = {host_of(int(name[1:])) for name in mine[0]}
    until(PATIENCE_S + 15, lambda: f"the other takes all over: {len(lost - set(by_source(remote.since(count))))} of {len(lost)} are left",
          lambda: lost <= set(by_source(remote.since(count))))
    log = remote.log()
    took = max(min(entry["start"] for entry in entries if entry["start"] > killed) for host, entries in by_source(log).items() if host in lost)
    rows = of_generic(remote, None, first, end)
    wanted = {keyed({**dict(tags), "source": str(number)}, at): values for (tags, at), values in rows.items() for number in range(SOURCES)}
    until(60, lambda: differences(case.rows(servers[1], "shared", first, end, whole=False), wanted),
          lambda: case.rows(servers[1], "shared", first, end, whole=False) == wanted)  # where a row is there twice, or of two values, it says so
    check_log.concurrency([entry for entry in log if entry["start"] < killed], 2, slack=0.1)
    case.tell(f"{SOURCES} sources, {len(mine[0])} of them on the node that is killed: all asked by the other {took - killed:.1f} s after; "
              f"{len(wanted)} rows, none lost, none doubled")
    check(took - killed <= TAKE_OVER_S, f"{took - killed:.1f} s, {TAKE_OVER_S} may be")
    servers[0].start()


def a_host_of_a_hundred_stalls(case):
    """For ten schedules, as ten minutes are of a minute; with --long ten minutes as they are."""
    every, seconds = (30, 600) if case.long else (2, 20)
    remote = case.remote(host="0.0.0.0")
    server = case.server(flags=flags(remote))
    first = case.ready_at - HOUR
    for number in range(SOURCES):
        case.declare(server, document_of(remote, number, f"{every}s", first, retry={"base": "100ms", "cap": "200ms"}))
    hosts = {host_of(number) for number in range(SOURCES)}
    until(60, lambda: f"all are pulled: {len(by_source(remote.log()))}", lambda: hosts <= set(by_source(remote.log())))
    stuck = case.declare(server, load("slow", remote, "1s", foreach=[{"id": str(number)} for number in range(50)], limits={"concurrency": 50},
                                      request={"query": {"ms": str((seconds + 60) * 1000), "id": "${each.id}", "rows": "1"}}), want=None)
    check(stuck.status == 201, stuck.text()[:300])
    until(20, "the host that stalls is asked", lambda: len(remote.log("^/slow")) >= 50)
    begun = time.time()
    time.sleep(seconds)
    ended = time.time()
    starts = {host: sorted([begun, ended, *(entry["start"] for entry in entries if begun < entry["start"] < ended)])
              for host, entries in by_source(remote.log("^/page")).items() if host in hosts}
    gap, host = max((max(later - earlier for earlier, later in zip(times, times[1:])), host) for host, times in starts.items())
    lag = max(0.0, gap - every) / every
    case.tell(f"{SOURCES} sources of {every} s beside a host that stalls with 50 requests for {seconds} s: pulls are {gap:.2f} s apart at most ({host}), "
              f"a lag of {lag:.2f} schedules")
    check(lag <= 2, f"{lag:.2f} schedules, 2 may be")
    server.kill()  # it has no patience for what stalls
    server.start()


def named(function, name):
    function.__name__ = name
    return function


TOGETHER = [named(a_node_of_two_is_killed, "of_two_nodes_with_a_hundred_sources_one_is_killed_and_none_is_lost_or_doubled")]
ALONE = [named(a_host_of_a_hundred_stalls, "a_host_that_stalls_holds_up_none_of_a_hundred_others")]
