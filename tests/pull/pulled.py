"""What remote APIs have is what Weir has: at first, when it is asked again, and when they have changed their minds."""
import datetime
import json

from documents import DOCUMENTS, MOVES, PUT_OFF, RATES, SECRET, made
from stand import DAY, LOADED_S, check, check_log, differences, iso, until
from weirsim.control import SECRETS


def again(case, server, name, times=2):
    """So many pulls more, of which the last began after this."""
    if name not in PUT_OFF:
        return case.pulled(server, name, times)
    for _ in range(times):
        before = case.status(server, name)
        case.act(server, name, "pull")
        until(90, lambda: f"a pull of {name} ends: {case.how(server, name)}",
              lambda: (now := case.status(server, name))["state"] == "resting" and now["requests"] > before["requests"]
              and now["next"] not in (None, before["next"]))
    return case.status(server, name)


def compare(case, server, remote, name, document, wanted, first, end):
    """The rows of [first, end); what a forecast said of times that are over for it stays, and is not asked for."""
    rows = wanted(remote, document, first, end)
    windowed = "window" in document
    found = case.rows(server, document["measurement"], first if windowed else None, end if windowed else None)
    if not windowed and rows:
        begin = min(time for _, time in rows)
        found = {key: values for key, values in found.items() if key[1] >= begin}
    return rows, differences(found, rows)


def settled(case, server, remote, name, document, wanted, first, end, seconds=60):
    """Waits until all is as it has to be; the rows."""
    last = {}

    def same():
        last["rows"], last["why"] = compare(case, server, remote, name, document, wanted, first, end)
        return not last["why"]

    until(seconds, lambda: f"{name}: {last['why']}; {case.how(server, name)}", same)
    check(last["rows"], f"{name}: there is nothing to compare")
    return last["rows"]


ONCE = {"oauth": "/oauth/token", "neso": "datapackage_show"}  # what lasts longer than a case


def brings(name):
    def what_it_has_then_nothing_then_what_changed(case):
        now, before = case.ready_at, case.ready_at - MOVES.get(name, 1) * DAY
        remote = case.remote(before, RATES)
        server = case.server(remote)
        document, wanted, first = made(name, remote, before)
        for secret in SECRETS if name in SECRET else ():
            case.ask(server, "PUT", "/v1/secrets/" + secret, {"value": SECRETS[secret], "hosts": ["127.0.0.1"]}, want=None)
        case.declare(server, document)
        rows = settled(case, server, remote, name, document, wanted, first, before)
        if name in PUT_OFF:
            until(60, lambda: f"the first pull of {name} ends: {case.how(server, name)}", lambda: case.status(server, name)["state"] == "resting")
        else:
            case.pulled(server, name, 1)
        written = case.status(server, name)["written"]
        check(written >= len(rows), f"{written} written, of {len(rows)}")
        status = again(case, server, name, 2)
        check(status["written"] == written, f"asked again {status['written'] - written} rows are written: {case.how(server, name)}")
        check(status["failures"] == 0, f"something failed: {case.how(server, name)}")
        remote.set("clock", {"now": now})
        again(case, server, name, 2)
        later = settled(case, server, remote, name, document, wanted, first, now, 5)
        changed = sum(later.get(key) != values for key, values in rows.items())
        new = len(set(later) - set(rows))
        check(name == "big" or changed + new > 0, "nothing changed, so nothing is shown")
        limits = document["limits"] if "limits" in document else {}
        log = remote.log()
        check_log.concurrency(log, limits.get("concurrency", 2))
        for rate in limits.get("rates", []):
            count, _, span = rate.partition("/")
            check_log.rate(log, int(count), {"s": 1, "m": 60, "h": 3600}[span[-1]] * int(span[:-1]), slack=LOADED_S)
        check_log.user_agent(log, r"^weir/")
        check_log.waits(log, slack=LOADED_S)
        check_log.no_secret(log, SECRETS.values(), but=("api_key=", "securityToken="))
        if name in ONCE:
            check(len(remote.log(ONCE[name])) == 1, f"{ONCE[name]} is asked once, and not {len(remote.log(ONCE[name]))} times")
        said = server.log_text() + case.how(server, name) + json.dumps(case.show(server, name))
        tokens = {(check_log.field(entry["headers"], "Authorization") or "").partition("Bearer ")[2] for entry in log} - {""}
        check(len(tokens) == (name == "oauth"), f"{len(tokens)} access tokens were shown")
        check(not any(secret in said for secret in [*SECRETS.values(), *tokens]), "no secret is told")
        if "window" not in document and name != "neso":
            check_log.validators(log)
        case.tell(f"{len(rows)} rows by {status['requests']} requests, nothing written when asked again; a day later {new} new and {changed} changed")
    what_it_has_then_nothing_then_what_changed.__name__ = f"{name.replace('-', '_')}_has_its_rows_then_nothing_new_then_what_changed"
    return what_it_has_then_nothing_then_what_changed


def an_overlap_is_asked_whole(case):
    """Of more windows than a pull has in hand at once."""
    now, before = case.ready_at, case.ready_at - DAY
    remote = case.remote(before, RATES)
    server = case.server(remote)
    document, wanted, first = made("page", remote, before, "3s")
    document["window"] |= {"from": iso(before - 3 * DAY), "step": "1h", "overlap": "P5D"}
    document["page"]["limit"], first = 500, before - 3 * DAY
    case.declare(server, document)
    settled(case, server, remote, "page", document, wanted, first, before)
    remote.set("clock", {"now": now})
    again(case, server, "page", 2)
    settled(case, server, remote, "page", document, wanted, first, now, 15)


def what_is_corrected_stays_until_the_source_says_otherwise(case):
    now, before = case.ready_at, case.ready_at - DAY
    remote = case.remote(before, RATES)
    server = case.server(remote)
    document, wanted, first = made("page", remote, before, "1s")
    remote.set("clock", {"now": now})  # before anything is pulled, as it would be of that day
    new = wanted(remote, document, first, before)
    remote.set("clock", {"now": before})
    case.declare(server, document)
    old = settled(case, server, remote, "page", document, wanted, first, before)
    revised = sorted(key for key in old if key in new and new[key] != old[key])
    same = sorted(key for key in old if new.get(key) == old[key])
    check(revised and same, "there is something of both")
    chosen = case.chance.sample(revised, min(5, len(revised))) + case.chance.sample(same, 5)
    case.pulled(server, "page")
    written = case.status(server, "page")["written"]
    right = case.correct(server, chosen)
    case.pulled(server, "page", 4)
    found = case.rows(server, "generic", first, before)
    for key in chosen:
        check(found[key] == right[key], f"the correction of {key} was taken back: {found[key]}")
    check(case.status(server, "page")["written"] == written, "nothing is written")
    remote.set("clock", {"now": now})
    case.pulled(server, "page", 3)
    found = case.rows(server, "generic", first, before)
    for key in chosen:
        want = new[key] if key in revised else right[key]
        check(found[key] == want, f"{key} {'was revised' if key in revised else 'was not'} by its source: {found[key]}, wanted {want}")


def what_is_deleted_at_the_source_goes_and_is_known_of_before(case):
    """Also beside what is late and revised; but what somebody has corrected stays."""
    now, before = case.ready_at, case.ready_at - DAY
    remote = case.remote(before, {"generic": {"late": 0.02, "revised": 0.05, "deleted": 0.1}})
    server = case.server(remote)
    document, wanted, first = made("page", remote, before, "3s")
    document["window"]["missing"] = "retract"
    document["page"]["limit"] = 500
    case.declare(server, document)
    old = settled(case, server, remote, "page", document, wanted, first, before)
    case.pulled(server, "page")
    check(case.status(server, "page")["retracted"] == 0, f"nothing was deleted: {case.how(server, 'page')}")
    as_of = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    new = {(tuple(sorted(tags.items())), at): values for tags, at, values in remote.truth("generic", first, before, as_of=iso(now))}
    corrected = case.chance.choice(sorted(set(old) - set(new)))
    right = case.correct(server, [corrected])
    remote.set("clock", {"now": now})
    again(case, server, "page", 2)
    found = case.rows(server, "generic", first, before)
    check(found.pop(corrected) == right[corrected], "the correction stays")
    check(not differences(found, new), differences(found, new))
    gone = len(set(old) - set(new)) - 1
    whole = wanted(remote, document, first, now)
    retracted = case.status(server, "page")["retracted"]
    check(retracted >= gone, f"{gone} were deleted: {case.how(server, 'page')}")  # more, if the pages of a pull were of two days
    late = case.rows(server, "generic", first, before, as_of=as_of)
    check(not differences(late, old), f"as of before: {differences(late, old)}")
    again(case, server, "page", 2)
    check(case.status(server, "page")["retracted"] == retracted, f"once is enough: {case.how(server, 'page')}")
    remote.set("rates", {"generic": {"deleted": 0}})
    again(case, server, "page", 2)
    back = case.rows(server, "generic", first, before)
    back.pop(corrected)
    there = {key: values for key, values in wanted(remote, document, first, before).items() if key != corrected}
    check(not differences(back, there), f"what comes back: {differences(back, there)}")
    case.tell(f"{gone} of {len(old)} rows went, {len(whole)} are there; {len(there) - len(new)} came back")


CASES = [*(brings(name) for name in DOCUMENTS), an_overlap_is_asked_whole, what_is_deleted_at_the_source_goes_and_is_known_of_before, what_is_corrected_stays_until_the_source_says_otherwise]
