"""What many sources, and many pages at once, take."""
import os
import time

from documents import keyed, load
from stand import check, differences, iso, until

IDLE, PAGES, AT_ONCE, LARGE = 1000, 1000, 50, 3000000
CPU_SHARE_MAX, RSS_BYTES_MAX = 0.03, 64 << 20  # the floor; the goal is a third, and a quarter of it


def anonymous(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share_of_cpu(pid, seconds):
    begun, before = time.monotonic(), cpu_s(pid)
    time.sleep(seconds)
    return (cpu_s(pid) - before) / (time.monotonic() - begun)


def a_thousand_idle_sources_take_next_to_nothing(case):
    remote = case.remote()
    server = case.server(remote)
    document = load("next", remote, "1h", window={"from": iso(case.ready_at), "step": "P1D"})
    for name in ("next", "warm"):
        case.declare(server, {**document, "name": name})
    until(20, "they are pulled", lambda: len(remote.log()) >= 2)
    time.sleep(3)
    share_before, bytes_before = share_of_cpu(server.pid, 10), anonymous(server.pid)
    begun = time.monotonic()
    for number in range(IDLE):
        case.declare(server, {**document, "name": f"idle-{number}"})
    declared = time.monotonic() - begun
    until(120, lambda: f"all are pulled once: {len(remote.log())}", lambda: len(remote.log()) >= IDLE + 2)
    until(60, "and rest", lambda: all(one["status"] and one["status"]["state"] == "resting" for one in case.ask(server, "GET", "/v1/sources")["sources"]))
    time.sleep(3)
    share, grown = share_of_cpu(server.pid, 20) - share_before, anonymous(server.pid) - bytes_before
    case.tell(f"{IDLE} idle sources: {max(0, share):.2%} of a core, {grown / 2**20:.1f} MiB; declared in {declared:.1f} s")
    check(share <= CPU_SHARE_MAX, f"{share:.2%} of a core, {CPU_SHARE_MAX:.0%} may be")
    check(grown <= RSS_BYTES_MAX, f"{grown / 2**20:.1f} MiB, {RSS_BYTES_MAX / 2**20:.0f} may be")
    server.stop()
    begun = time.monotonic()
    server.start()
    until(60, "all are known again", lambda: sum(one["status"] is not None and one["status"]["state"] == "resting"
                                                for one in case.ask(server, "GET", "/v1/sources")["sources"]) == IDLE + 2)
    case.tell(f"all rest again {time.monotonic() - begun:.1f} s after the start")
    check(len(remote.log()) <= IDLE + 2 + 10, f"nobody is asked before his time: {len(remote.log()) - IDLE - 2} requests")


def a_thousand_slow_pages_take_as_long_as_they_have_to(case):
    remote = case.remote()
    server = case.server(remote)
    document = load("slow", remote, "1h", foreach=[{"id": str(number)} for number in range(PAGES)], limits={"concurrency": AT_ONCE})
    least = PAGES / AT_ONCE * 2
    case.declare(server, document)
    until(20, "it begins", remote.log)
    until(200, lambda: f"{len(remote.log())} requests; {case.how(server, 'slow')}", lambda: case.status(server, "slow")["windows"] >= PAGES)
    log = remote.log("^/slow")
    took = max(entry["end"] for entry in log) - min(entry["start"] for entry in log)
    case.tell(f"{len(log)} pages of 2 s, {AT_ONCE} at once: {took:.1f} s, {took / least:.3f} of the least")
    check(len(log) == PAGES, f"{len(log)} requests")
    wanted = {keyed({"id": str(number)}, at): values for number in range(PAGES)
              for _, at, values in remote.truth("generic", case.ready_at - 600, case.ready_at, id=f"slow/{number}")}
    found = case.rows(server, "generic")
    check(found == wanted, differences(found, wanted))
    check(took <= 1.1 * least, f"{took:.1f} s, {least:.0f} are needed")


def a_large_page_takes_no_more_memory_than_a_part_of_it(case):
    remote = case.remote()
    server = case.server(remote)
    for name, rows in (("small", 20000), ("large", LARGE)):
        document = load("big", remote, "1h", measurement=name, request={"query": {"rows": str(rows)}})
        before, most = anonymous(server.pid), 0
        case.declare(server, {**document, "name": name})
        deadline = time.monotonic() + 300
        while case.status(server, name)["written"] < rows:
            check(time.monotonic() < deadline, case.how(server, name))
            most = max(most, anonymous(server.pid))
            time.sleep(0.01)
    case.tell(f"a page of {LARGE * 100 / 1e6:.0f} MB: {(most - before) / 2**20:.1f} MiB")
    check(most - before <= RSS_BYTES_MAX, f"{(most - before) / 2**20:.1f} MiB, {RSS_BYTES_MAX / 2**20:.0f} may be")


a_thousand_slow_pages_take_as_long_as_they_have_to.long = True
a_large_page_takes_no_more_memory_than_a_part_of_it.long = True
CASES = [a_thousand_idle_sources_take_next_to_nothing, a_thousand_slow_pages_take_as_long_as_they_have_to, a_large_page_takes_no_more_memory_than_a_part_of_it]
