"""Nodes on one registry share sources: one of them pulls, and where it is killed another goes on."""
import os
import re
import subprocess
import time

from documents import load, of_generic
from mongo_server import MongoServer
from proxy import Proxy
from server import clean_environment
from stand import DAY, LOADED_S, check, check_log, differences, iso, until

PATIENCE_S = 30


def command(case, place, *words):
    done = subprocess.run([case.program, *words, "--registry", place], capture_output=True, text=True, timeout=60, env=clean_environment(), check=False)
    check(done.returncode == 0, f"weir {' '.join(words)}: {done.stderr[:600]}")
    return done.stdout.strip()


def two(case, remote, flags=(), shard=None):
    """Of one tenant; `shard`: the address of its database."""
    place, has = os.path.join(case.scratch, "registry"), []
    if shard:
        uri = os.path.join(case.scratch, "north.uri")
        with open(uri, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("mongodb://%s:%d/?serverSelectionTimeoutMS=1000&connectTimeoutMS=1000" % shard)
        command(case, place, "shard", "add", "north", "--uri-file", uri)
        has = ["--shard", "north"]
    command(case, place, "tenant", "add", "acme", *has)
    token = command(case, place, "token", "add", "acme", "--scopes", "read,write,admin,operator")
    case.headers = {"Authorization": "Bearer " + token}
    secret = os.path.join(case.scratch, "secret")
    with open(secret, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("0123456789abcdef0123456789abcdef\n")
    flags = ["--registry", place, "--peer-listen", "127.0.0.1:0", "--peer-secret-file", secret, *flags]
    servers = [case.server(*([] if "--pull-allow" in flags else [remote]), flags=flags) for _ in range(2)]
    for server in servers:
        until(10, "the token is good", lambda server=server: case.ask(server, "GET", "/v1/sources", want=None).status == 200)
    return servers


def known(case, servers, name):
    for server in servers:
        until(10, "each knows it", lambda server=server: case.ask(server, "GET", "/v1/sources/" + name, want=None).status == 200)


def who(case, servers, name):
    """Those that say that they pull it: a list tells what each knows by itself."""
    found = []
    for server in servers:
        listed = case.ask(server, "GET", "/v1/sources")["sources"]
        if any(one["name"] == name and one["status"] and one["status"]["state"] != "elsewhere" for one in listed):
            found.append(server)
    return found


def one_that_pulls(case, servers, name, patience_s=PATIENCE_S):
    """And the other one."""
    holders = until(patience_s, "one alone says that it pulls", lambda: (found := who(case, servers, name)) and len(found) == 1 and found)
    return holders[0], next(server for server in servers if server is not holders[0])


def what_any_node_is_asked_for_is_done_also_when_the_one_that_was_to_is_killed(case):
    end = case.ready_at // 7200 * 7200
    remote = case.remote()
    servers = two(case, remote)
    first = end - DAY
    case.declare(servers[0], load("page", remote, "1h", window={"from": iso(first), "until": iso(end), "step": "2h"}))
    case.act(servers[0], "page", "pull")  # known to who declared it at once
    known(case, servers, "page")
    until(PATIENCE_S, lambda: f"all of it is had: {[case.how(server, 'page') for server in servers]}",
          lambda: any(case.status(server, "page")["windows"] >= 12 and case.status(server, "page")["state"] == "resting" for server in servers))
    holder, other = one_that_pulls(case, servers, "page")

    def asked(before):
        return {entry["path"].partition("from=")[2][:13].replace("%3A", ":") for entry in remote.log("^/page")[before:]}

    told = until(10, "the other one tells what the holder does", lambda: (told := case.status(other, "page"))["state"] == "resting" and told)
    check(told["windows"] == case.status(holder, "page")["windows"] and told["requests"] > 0, f"as the holder: {told}")
    check(case.fetches(other, "page") == case.fetches(holder, "page") != [], "its fetches, too")
    before = len(remote.log("^/page"))
    case.act(other, "page", "backfill", start=iso(first + 4 * 3600), end=iso(first + 8 * 3600))
    until(10, lambda: f"two windows are asked again: {asked(before)}", lambda: len(asked(before)) == 2)
    remote.set("faults", [{"fault": {"type": "stall"}}])
    case.act(other, "page", "backfill", start=iso(first + 12 * 3600), end=iso(first + 16 * 3600))
    holder.kill()
    remote.set("faults", [])
    before = len(remote.log("^/page"))
    want = {iso(first + hours * 3600)[:13] for hours in (12, 14)}
    until(PATIENCE_S + 10, lambda: f"the other one does it: {asked(before)}, {case.how(other, 'page')}", lambda: want <= asked(before))
    holder.start()


def of_two_nodes_one_pulls_and_when_it_is_killed_the_other_goes_on(case):
    end = case.ready_at // 7200 * 7200
    remote = case.remote()
    remote.set("faults", [{"fault": {"type": "delay", "ms": 100}}])
    servers = two(case, remote)
    first = end - 3 * DAY
    document = load("page", remote, "3s", window={"from": iso(first), "step": "2h", "overlap": "2h"}, limits={"concurrency": 1, "rates": ["20/1s"]})
    case.declare(servers[0], document)
    known(case, servers, "page")
    until(PATIENCE_S, "one of them asks", lambda: len(remote.log()) > 10)
    holder, other = one_that_pulls(case, servers, "page", 10)
    wanted = of_generic(remote, document, first, end)
    check(len(case.rows(holder, "generic", first, end, whole=False)) < len(wanted), "it is amid its history")
    killed = time.time()
    holder.kill()
    count = len(remote.log())
    until(PATIENCE_S + 5, lambda: f"the other goes on: {case.how(other, 'page')}", lambda: len(remote.log()) > count)
    took = time.time() - killed
    until(90, lambda: f"{differences(case.rows(other, 'generic', first, end), wanted)}; {case.how(other, 'page')}",
          lambda: case.rows(other, "generic", first, end, whole=False) == wanted)
    case.tell(f"the other node asks {took:.1f} s after the kill")
    check(took <= PATIENCE_S, f"{took:.1f} s until the other goes on")
    log = remote.log("^/page")
    for some in ([entry for entry in log if entry["start"] < killed], [entry for entry in log if entry["start"] >= killed]):
        check_log.concurrency(some, 1)
    check_log.rate(log, 20, 1, slack=LOADED_S)
    holder.start()
    time.sleep(10)
    found = who(case, servers, "page")
    check(len(found) == 1, f"{len(found)} say that they pull it, after the killed one is back")
    late = [entry for entry in remote.log("^/page") if entry["start"] > time.time() - 8]
    check_log.concurrency(late, 1)
    for server in servers:
        rows = case.rows(server, "generic", first, end, whole=False)
        check(set(rows) <= set(wanted) and all(wanted[key] == values for key, values in rows.items()), f"none is doubled: {differences(rows, wanted)[:400]}")
    check(case.rows(other, "generic", first, end, whole=False) == wanted, "and none is lost")


def all_had_and_corrected(case, servers, remote, first, end):
    """Two days of windows; who pulls them, the other one, and all rows as they are by now, ten of which somebody put right."""
    document = load("page", remote, "1h", window={"from": iso(first), "until": iso(end), "step": "2h"})
    case.declare(servers[0], document)
    known(case, servers, "page")
    until(PATIENCE_S, lambda: f"all of it is had: {[case.how(server, 'page') for server in servers]}",
          lambda: any(case.status(server, "page")["windows"] >= 24 and case.status(server, "page")["state"] == "resting" for server in servers))
    holder, other = one_that_pulls(case, servers, "page")
    wanted = of_generic(remote, document, first, end)
    return holder, other, wanted | case.correct(holder, case.chance.sample(sorted(wanted), 10))


def who_starts_without_the_shard_waits_for_what_another_has_done(case):
    """He knows nothing of the windows that the other had: to pull them all again would take back what was corrected."""
    end = case.ready_at // 7200 * 7200
    first = end - 2 * DAY
    remote = case.remote()
    with MongoServer(case.build, own=True) as database:
        proxy = Proxy(database.address)
        servers = two(case, remote, shard=proxy.address)
        holder, other, wanted = all_had_and_corrected(case, servers, remote, first, end)
        check(case.ask(holder, "POST", "/v1/admin/flush", "", want=None).status in (200, 204), "it is sealed")
        time.sleep(2.5)  # the gauge is of the last look at the index
        until(30, "it is delivered", lambda: re.search(r"^weir_delivery_lag_packs\{[^}]*\} 0$", case.ask(holder, "GET", "/metrics", want=None).text(), re.M))
        for server in servers:
            check(server.stop() == 0, server.log_tail())
        proxy.set("refuses")
        count = len(remote.log())
        other.start()
        known(case, [other], "page")
        until(15, lambda: f"it tells what it waits for: {case.how(other, 'page')}", lambda: "shard north" in (case.status(other, "page")["waits_for"] or ""))
        time.sleep(3)
        check(len(remote.log()) == count, f"{len(remote.log()) - count} pages are asked for again")
        proxy.set("passes")
        until(PATIENCE_S + 15, lambda: f"it knows of all: {case.how(other, 'page')}", lambda: case.status(other, "page").get("reached") == iso(end))
        check(case.status(other, "page")["state"] == "resting" and len(remote.log()) == count, f"{len(remote.log()) - count} pages are asked for again")
        case.act(other, "page", "backfill", start=iso(first), end=iso(end))
        until(PATIENCE_S, lambda: f"all are asked for again: {case.how(other, 'page')}", lambda: len(remote.log()) >= count + 24 and case.status(other, "page")["state"] == "resting")
        found = case.rows(other, "generic", first, end, whole=False)
        check(found == wanted, f"what was corrected stays: {differences(found, wanted)}")
        proxy.close()


def who_starts_first_waits_for_another_that_is_a_moment_later(case):
    """Without a shard what the other had is known by asking it alone."""
    end = case.ready_at // 7200 * 7200
    first = end - 2 * DAY
    remote = case.remote()
    servers = two(case, remote)
    holder, other, wanted = all_had_and_corrected(case, servers, remote, first, end)
    for server in servers:
        check(server.stop() == 0, server.log_tail())
    count = len(remote.log())
    other.start()
    known(case, [other], "page")
    until(10, lambda: f"it tells what it waits for: {case.how(other, 'page')}", lambda: "another member does not answer" in (case.status(other, "page")["waits_for"] or ""))
    holder.start()
    until(PATIENCE_S, lambda: f"it knows of all: {case.how(other, 'page')}",
          lambda: any(case.status(server, "page").get("reached") == iso(end) for server in servers))
    time.sleep(1)
    check(len(remote.log()) == count, f"{len(remote.log()) - count} pages are asked for again")
    found = case.rows(other, "generic", first, end)
    check(found == wanted, f"what was corrected stays: {differences(found, wanted)}")


CASES = [who_starts_first_waits_for_another_that_is_a_moment_later, who_starts_without_the_shard_waits_for_what_another_has_done, what_any_node_is_asked_for_is_done_also_when_the_one_that_was_to_is_killed, of_two_nodes_one_pulls_and_when_it_is_killed_the_other_goes_on]
