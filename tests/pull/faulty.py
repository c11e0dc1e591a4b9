"""What goes wrong at remote APIs and on the way; examples.py has all that can, killed.py what the server itself does not survive."""
import time

from documents import load, of_generic
from stand import DAY, HOUR, LOADED_S, check, check_log, differences, iso, second_of, until

STEP, PAGE = 2 * HOUR, 50
FAULTS = [{"type": "status", "status": 503}, {"type": "status", "status": 429, "retry_after": 1}, {"type": "cut", "at": 200}, {"type": "reset", "at": 200},
          {"type": "wrong_length", "by": 10}, {"type": "html", "status": 200}, {"type": "gzip_truncated", "by": 10}]
FAULTY, TWICE = 0.30, 0.02


def script(kind):
    """Of all answers 30 % are faulty; where only that a page is there twice tells that one is missing, 2 % are that."""
    left, rules = 1.0, []
    some = FAULTS + ([{"type": "duplicate_page"}] if kind == "link" else [])
    for fault in some:
        share = TWICE if fault["type"] == "duplicate_page" else (FAULTY - TWICE * (kind == "link")) / len(FAULTS)
        rules.append({"match": {"path": "^/" + kind}, "probability": share / left, "fault": fault})
        left -= share
    return rules


def history(kind, remote, first, **changes):
    """Asked for once, each window: no pull comes behind the first. Seven faulty answers in a row, where a page is given up by default, are one in some 4600."""
    return load(kind, remote, "1h", window={"from": iso(first), "step": "2h", "overlap": None}, retry={"max": 15, "base": "1s", "cap": "2s"},
                **({"page": {"limit": PAGE}} if kind == "page" else {}), outcomes=[{"status": 429, "do": "wait", "for": "1s"}], **changes)


def pages_of(rows, first, end):
    """How many pages hold the rows of each window, the one under way included."""
    counts = {start: 0 for start in range(first, end + 1, STEP)}
    for _, at in rows:
        counts[first + (at - first) // STEP * STEP] += 1
    return sum(max(1, -(-count // PAGE)) for count in counts.values())


def window_aligned(case):
    """So that the window under way has a page alone."""
    return case.ready_at // STEP * STEP


def bears(kind):
    def three_answers_of_ten_that_are_faulty(case):
        end = window_aligned(case)
        first = end - 3 * DAY
        remote = case.remote(end)
        remote.set("faults", script(kind))
        server = case.server(remote)
        document = history(kind, remote, first, limits={"rates": ["40/1s"], "concurrency": 4})
        wanted = of_generic(remote, document, first, end)
        needed = pages_of(wanted, first, end)
        case.declare(server, document)
        until(150, lambda: f"{differences(case.rows(server, 'generic', first, end), wanted)}; {case.how(server, kind)}",
              lambda: case.status(server, kind)["windows"] >= 37 and case.rows(server, "generic", first, end) == wanted)
        log = remote.log("^/" + kind)
        faults = [entry for entry in log if entry["fault"]]
        check(0.2 < len(faults) / len(log) < 0.4, f"{len(faults)} of {len(log)} are faulty")
        case.tell(f"{len(log)} requests of {needed} pages, {len(log) / needed:.2f} for each, with {len(faults) / len(log):.0%} of the answers faulty")
        check(needed <= len(log) <= 1.7 * needed, f"{len(log)} requests of {needed} pages, {len(log) / needed:.2f} for each")
        check_log.concurrency(log, 4)
        check_log.rate(log, 40, 1, slack=LOADED_S)
        check_log.waits(log, slack=LOADED_S)
        check_log.user_agent(log, r"^weir/")
        if kind != "link":  # it begins again where a page came twice
            check_log.no_page_twice(log)
    three_answers_of_ten_that_are_faulty.__name__ = f"three_answers_of_ten_that_are_faulty_lose_nothing_of_{kind}"
    return three_answers_of_ten_that_are_faulty


def a_page_that_comes_again_is_healed_by_the_overlap(case):
    """Of what counts its pages itself, and has a body of its own for each: what comes twice can be seen by nobody but the next pull."""
    end = window_aligned(case)
    first = end - 6 * HOUR
    remote = case.remote(end)
    remote.set("faults", [{"match": {"path": "^/next"}, "nth": 1, "fault": {"type": "duplicate_page"}}])
    server = case.server(remote)
    document = load("next", remote, "1s", window={"from": iso(first), "step": "2h", "overlap": "P1D"})
    case.declare(server, document)
    wanted = of_generic(remote, document, first, end)
    until(30, lambda: differences(case.rows(server, "generic", first, end), wanted), lambda: case.rows(server, "generic", first, end) == wanted)


def told_to_wait_by_default_all_that_share_the_host_do(case):
    """429 with Retry-After, and a document that says nothing of it."""
    end = window_aligned(case)
    first = end - DAY
    remote = case.remote(end)
    remote.set("faults", [{"match": {"path": "^/page"}, "nth": {"from": 20, "every": 25}, "of": "rule", "fault": {"type": "status", "status": 429, "retry_after": 2}}])
    server = case.server(remote)
    document = load("page", remote, "1h", window={"from": iso(first), "step": "2h", "overlap": None}, retry={"base": "1s", "cap": "2s"},
                    limits={"concurrency": 3})
    wanted = of_generic(remote, document, first, end)
    case.declare(server, document)
    until(60, lambda: case.how(server, "page"), lambda: case.rows(server, "generic", first, end) == wanted)
    log = remote.log("^/page")
    check(sum(entry["status"] == 429 for entry in log) >= 2, "it was told to wait")
    check_log.waits(log, slack=LOADED_S)


def a_host_that_is_down_is_asked_now_and_then(case):
    """Of thirty partitions five find out, and then one at a time, until one has an answer."""
    remote = case.remote()
    remote.set("faults", [{"match": {"path": "^/slow"}, "fault": {"type": "status", "status": 503}}])
    server = case.server(remote)
    document = load("slow", remote, "1h", foreach=[{"id": str(number)} for number in range(30)], limits={"concurrency": 4}, retry={"base": "1s", "cap": "4s"})
    case.declare(server, document)
    until(20, lambda: f"it is known to be down: {case.how(server, 'slow')}", lambda: "cannot be reached" in (case.status(server, "slow").get("waits_for") or ""))
    time.sleep(8)
    log = remote.log("^/slow")
    case.tell(f"{len(log)} requests within some 8 s in which the host is down")
    check(6 <= len(log) <= 5 + 3 + 20, f"{len(log)} requests")
    check_log.concurrency(log[8:], 1)
    remote.set("faults", [])
    up = time.time()
    until(30, lambda: case.how(server, "slow"), lambda: case.status(server, "slow")["windows"] == 30)
    first = min(entry["start"] for entry in remote.log("^/slow") if entry["status"] == 200)
    case.tell(f"it is asked {first - up:.1f} s after it is up, and the last has come {time.time() - up:.1f} s after")
    check(first - up < 5 and case.status(server, "slow")["failures"] == 0, case.how(server, "slow"))


def history_that_is_refused_is_left_alone(case):
    """Until the next pull, an hour from now: a window that fails does not come again at once."""
    end = window_aligned(case)
    first = end - DAY
    remote = case.remote(end)
    wrong = iso(first + 2 * STEP)
    remote.set("faults", [{"match": {"path": "^/page", "query": {"from": wrong}}, "fault": {"type": "status", "status": 404}}])
    server = case.server(remote)
    document = history("page", remote, first, limits={"concurrency": 2})
    case.declare(server, document)
    wanted = {key: values for key, values in of_generic(remote, document, first, end).items() if not first + 2 * STEP <= key[1] < first + 3 * STEP}
    until(30, lambda: f"{differences(case.rows(server, 'generic', first, end), wanted)} {case.how(server, 'page')}",
          lambda: case.rows(server, "generic", first, end) == wanted)
    time.sleep(2)
    refused = [entry for entry in remote.log("^/page") if entry["status"] == 404]
    check(1 <= len(refused) <= 2, f"what was refused with 404 was asked {len(refused)} times within {refused[-1]['start'] - refused[0]['start']:.1f} s")
    status = case.status(server, "page")
    check(status["failures"] == 1 and second_of(status["reached"]) == first + 2 * STEP, f"it is told, and what is reached ends before it: {case.how(server, 'page')}")


def a_total_that_does_not_fit_begins_the_window_anew(case):
    """Rows go while a window's pages are asked for."""
    end = window_aligned(case)
    first = end - STEP
    remote = case.remote(end - 600, {"generic": {"deleted": 0.2, "delete_after": DAY}})
    remote.set("faults", [{"match": {"path": "^/page", "query": {"page": "4"}}, "nth": 1, "fault": {"type": "delay", "ms": 5000}}])
    server = case.server(remote)
    document = history("page", remote, first, limits={"concurrency": 1})
    case.declare(server, document)
    until(10, "the last page but one is asked", lambda: any("page=4" in entry["path"] for entry in remote.log()))
    remote.set("clock", {"now": end + 2 * DAY})
    left = of_generic(remote, document, first, end)
    until(20, lambda: f"{differences(case.rows(server, 'generic', first, end), left)}; {case.how(server, 'page')}",
          lambda: left.items() <= case.rows(server, "generic", first, end).items() and case.status(server, "page")["windows"] >= 2)
    check(case.status(server, "page")["retries"] >= 1, f"it was noticed: {case.how(server, 'page')}")


def an_error_with_status_200_is_no_empty_window(case):
    """Nothing says that the rows are not there but that they are not where the document has them."""
    end = window_aligned(case)
    first = end - 6 * HOUR
    remote = case.remote(end)
    remote.set("faults", [{"match": {"path": path}, "nth": [2, 4], "of": "rule", "fault": {"type": "error_json"}} for path in ("^/next", "^/cursor", "^/link")])
    server = case.server(remote)
    wanted = of_generic(remote, None, first, end)
    for kind in ("next", "cursor", "link"):
        case.declare(server, history(kind, remote, first, measurement=kind))
    for kind in ("next", "cursor", "link"):
        until(20, lambda kind=kind: f"{kind}: {differences(case.rows(server, kind, first, end), wanted)}; {case.how(server, kind)}",
              lambda kind=kind: case.rows(server, kind, first, end) == wanted)


def stalls(concurrency, partitions):
    def case_of(case):
        remote = case.remote(host="0.0.0.0")
        remote.set("faults", [{"match": {"path": "^/slow"}, "fault": {"type": "stall", "ms": 120000}}])
        server = case.server(remote)
        stuck = load("slow", remote, "1s", foreach=[{"id": str(number)} for number in range(partitions)], limits={"concurrency": concurrency})
        stuck["name"], stuck["request"]["url"] = "stuck", f"http://127.0.0.2:{remote.port}/slow"
        well = load("page", remote, "1s", window={"from": iso(case.ready_at - HOUR), "step": "1h"})
        case.declare(server, stuck)
        until(20, lambda: f"all that may be are under way: {case.how(server, 'stuck')}", lambda: len(remote.log("^/slow")) >= min(concurrency, partitions, 250))
        case.declare(server, well)
        until(10, lambda: f"the other host is asked: {case.how(server, 'page')}", lambda: remote.log("^/page"))
        begun = time.time()
        time.sleep(8)
        starts = [begun] + [entry["start"] for entry in remote.log("^/page") if entry["start"] > begun and "page=1&" in entry["path"] + "&"] + [time.time()]
        gap = max(later - earlier for earlier, later in zip(starts, starts[1:]))
        case.tell(f"with {len(remote.log('^/slow'))} requests that stall the other host's pulls of a second are {gap:.2f} s apart at most")
        check(gap < 2.5, f"pulls of a second are {gap:.2f} s apart; {case.how(server, 'page')}")
        for other in case.servers:  # it has no patience for what stalls
            other.kill()
    case_of.__name__ = f"a_host_that_stalls_{concurrency}_requests_holds_up_no_other"
    return case_of


CASES = [*map(bears, ("page", "link", "next", "cursor")), a_page_that_comes_again_is_healed_by_the_overlap,
         an_error_with_status_200_is_no_empty_window,
         told_to_wait_by_default_all_that_share_the_host_do, a_host_that_is_down_is_asked_now_and_then, history_that_is_refused_is_left_alone, a_total_that_does_not_fit_begins_the_window_anew, stalls(8, 8), stalls(256, 300)]
