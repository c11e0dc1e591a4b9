"""APIs that change their minds, at each step of their clock: rows that come late, are revised, go, or are there twice.  What is stored
is what is true now, and what was true before can still be asked for."""
import json
import time

from documents import load, of_elexon, of_generic
from stand import DAY, HOUR, check, differences, iso, second_of, until

STEP, STEPS = 6 * HOUR, 4
CHANGES = {"late": 0.1, "late_by": 12 * HOUR, "revised": 0.2, "revise_every": 6 * HOUR, "null": 0.01, "duplicate": 0.05}


def follow(case, server, remote, document, wanted, first, now, steps, gone=False):
    """At each step of the data's clock what is stored is what is true then: [(by the server's clock afterwards, rows)].
    `gone`: what the API has no more stays."""
    found, known = [], {}
    for step in range(steps):
        remote.set("clock", {"now": now + step * STEP})
        rows = wanted(remote, document, first, now + step * STEP + 1)
        known = {**known, **rows} if gone else rows
        last = {}

        def same(known=known, last=last):
            last["why"] = differences(case.rows(server, document["measurement"], first, None), known)
            return not last["why"]

        until(40, lambda: f"step {step}: {last['why']}; {case.how(server, document['name'])}", same)
        time.sleep(0.01)
        found.append((time.time(), known))
        time.sleep(0.01)
    return found


def as_of(case, server, measurement, first, second):
    return case.rows(server, measurement, first, None, as_of=iso(int(second)) if second == int(second) else
                     time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{int(second % 1 * 1e6):06d}Z")


def what_changes_is_as_it_is_now_and_was_as_it_was(case):
    now, first = case.ready_at - STEPS * STEP, case.ready_at - STEPS * STEP - DAY
    remote = case.remote(now, {"generic": CHANGES})
    server = case.server(remote)
    document = load("page", remote, "1s", window={"from": iso(first), "step": "6h", "overlap": "P4D"}, page={"limit": 500})
    case.declare(server, document)
    found = follow(case, server, remote, document, of_generic, first, now, STEPS)
    changed = [sum(before.get(key) not in (None, values) for key, values in after.items()) for (_, before), (_, after) in zip(found, found[1:])]
    late = [sum(key not in before and key[1] < now + place * STEP for key in after) for place, ((_, before), (_, after)) in enumerate(zip(found, found[1:]))]
    check(all(changed) and all(late), f"at each step something is revised ({changed}), and something comes late ({late})")
    for second, rows in found:
        why = differences(as_of(case, server, "generic", first, second), rows)
        check(not why, f"as of {second}: {why}")
    server.kill()
    server.start()
    for second, rows in found:
        why = differences(as_of(case, server, "generic", first, second), rows)
        check(not why, f"after a kill, as of {second}: {why}")
    check(case.status(server, "page")["failures"] == 0, case.how(server, "page"))
    case.tell(f"{len(found[-1][1])} rows, over {STEPS} steps {sum(changed)} revised and {sum(late)} late: each step is there as it was")


def what_was_published_when_is_told_by_its_own_times(case):
    """`known_at`: the revision times are the API's, so that `as_of` answers by when it published and not by when it was asked."""
    end = case.ready_at - 3 * HOUR
    first, begin = end - 12 * HOUR, end - 6 * HOUR
    remote = case.remote(begin, {"elexon": {"revised": 0.3, "late": 0.0}})
    server = case.server(remote)
    document = load("elexon", remote, "1s", window={"from": iso(first), "step": "P1D", "overlap": "P5D"}, limits={"rates": ["60/1s"]})
    case.declare(server, document)
    moments, seen = range(begin, end + 1, HOUR), set()  # each revision is seen, as it is revised by the hour
    for now in moments:
        remote.set("clock", {"now": now})
        rows = of_elexon(remote, document, first, now + 1)
        seen |= {(key, values["power"]) for key, values in rows.items()} if now == begin else set()
        until(30, lambda: f"at {iso(now)}: {differences(case.rows(server, 'generation', first, None), rows)}; {case.how(server, 'elexon')}",
              lambda: case.rows(server, "generation", first, None) == rows)
    versions = json.loads(case.ask(server, "GET", f"/v1/query?measurement=generation&epoch=s&versions=all&start={iso(first)}", want=None).text())
    stored = {((tuple(sorted(series["tags"].items())), row[0]), row[series["columns"].index("power")]) for series in versions["series"] for row in series["rows"]}
    wanted = seen | {(((("fuel", tags["fuelType"]),), time_s), values["generation"]) for tags, time_s, values in remote.truth("elexon", first, end, versions="1")
                     if second_of(values["publishTime"]) > begin}
    check(wanted <= stored, f"{len(wanted - stored)} of {len(wanted)} versions are not there: {sorted(wanted - stored)[:3]}")
    case.tell(f"{len(wanted)} versions of {len(rows)} rows, each as it was published")


def rows_that_go(case):
    """With `missing: retract` they go here too; where this version cannot do that yet they stay, and nothing else is lost."""
    now = case.ready_at - 3 * DAY
    first = now - DAY
    remote = case.remote(now, {"generic": {"deleted": 0.1, "delete_after": 12 * HOUR, "duplicate": 0.05}})
    server = case.server(remote)
    document = load("page", remote, "1s", window={"from": iso(first), "step": "6h", "overlap": "P5D", "missing": "retract"}, page={"limit": 500})
    answer = case.ask(server, "PUT", "/v1/sources/page", document, want=None)
    if answer.status == 400:
        check(json.loads(answer.text())["pointer"] == "/window/missing", answer.text())
        del document["window"]["missing"]
        case.declare(server, document)
    stay = answer.status == 400
    found = follow(case, server, remote, document, of_generic, first, now, STEPS, gone=stay)
    left = set(of_generic(remote, document, first, now + (STEPS - 1) * STEP + 1))
    went = {key for _, rows in found for key in rows} - left
    check(went, "some went")
    if not stay:
        for second, rows in found:
            why = differences(as_of(case, server, "generic", first, second), rows)
            check(not why, f"as of {second}: {why}")
    case.tell(f"{len(went)} of {len(went | left)} rows went" + (": they stay, as missing: retract is not there yet" if stay else ", and are told as of before"))


CASES = [what_changes_is_as_it_is_now_and_was_as_it_was, what_was_published_when_is_told_by_its_own_times, rows_that_go]
