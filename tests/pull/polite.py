"""What hosts saw, judged over all that asked them: sources, tenants and nodes that share what a host allows, in every sliding span; what
was sent back to them; and where a secret was seen."""
import time
import urllib.parse

from documents import load, of_generic
from examples import files_with, spellings
from nodes import PATIENCE_S, command
from stand import HOUR, LOADED_S, check, check_log, differences, iso, rates_held, shown, until

RATES = ((20, 1), (50, 3))
AT_ONCE = 3


def two_tenants(case, remote, nodes):
    """Nodes on one registry, and a token of each tenant."""
    place = f"{case.scratch}/registry"
    tokens = []
    for tenant in ("acme", "bolt"):
        command(case, place, "tenant", "add", tenant)
        tokens.append(command(case, place, "token", "add", tenant, "--scopes", "read,write,admin"))
    servers = [case.server(remote, flags=["--registry", place]) for _ in range(nodes)]
    for token in tokens:
        case.headers = {"Authorization": "Bearer " + token}
        for server in servers:
            until(10, "the token is good", lambda server=server: case.ask(server, "GET", "/v1/sources", want=None).status == 200)
    return servers, tokens


def of_tenant(case, token):
    case.headers = {"Authorization": "Bearer " + token}


def all_that_share_a_host_keep_to_it(case):
    """Six sources of two tenants on two nodes, of which the one that pulls is killed amid it."""
    end = case.ready_at // 7200 * 7200
    first = end - 6 * HOUR
    remote = case.remote()
    remote.set("faults", [{"probability": 0.02, "fault": {"type": "status", "status": 429, "retry_after": 1}},
                          {"fault": {"type": "lognormal", "median_ms": 60, "max_ms": 300}}])
    servers, tokens = two_tenants(case, remote, 2)
    documents = []
    for kind in ("page", "next", "cursor"):
        document = load(kind, remote, "20s", window={"from": iso(first), "step": "2h", "overlap": None}, measurement=kind, retry={"base": "100ms", "cap": "1s"},
                        limits={"rates": [f"{count}/{span}s" for count, span in RATES], "concurrency": AT_ONCE})
        documents.append(document)
    documents[1]["limits"] = {"rates": ["50/4s"], "concurrency": 8}  # the strictest of all hold, and each rate
    for token in tokens:
        of_tenant(case, token)
        for document in documents:
            case.declare(servers[0], document)
    until(PATIENCE_S, "all of them are asked", lambda: len({entry["path"].partition("?")[0] for entry in remote.log()}) == 3 and len(remote.log()) > 40)

    def holds(server):
        of_tenant(case, tokens[0])
        return '"state":"elsewhere"' not in (text := case.ask(server, "GET", "/v1/sources/page", want=None).text()) and '"status":null' not in text

    holders = until(PATIENCE_S, "one of them pulls", lambda: (found := [server for server in servers if holds(server)]) and len(found) == 1 and found)
    other = next(server for server in servers if server is not holders[0])
    killed = time.time()
    holders[0].kill()
    count = len(remote.log())
    until(PATIENCE_S + 5, "the other goes on", lambda: remote.since(count))
    took = time.time() - killed
    wanted = of_generic(remote, None, first, end)
    for token in tokens:
        of_tenant(case, token)
        for document in documents:
            until(60, lambda document=document: f"{differences(case.rows(other, document['measurement'], first, end, whole=False), wanted)}; "
                  f"{case.how(other, document['name'])}",
                  lambda document=document: case.rows(other, document["measurement"], first, end, whole=False) == wanted)
    log = remote.log()
    rates_held(servers, log, (*RATES, (50, 4)))
    for some in ([entry for entry in log if entry["start"] < killed], [entry for entry in log if entry["start"] >= killed]):
        check_log.concurrency(some, AT_ONCE, slack=0.1)
        check_log.waits(some, slack=0.5)
    case.tell(f"{len(log)} requests of 6 sources of 2 tenants, the other node asks {took:.1f} s after the kill; {sum(entry['status'] == 429 for entry in log)} orders to wait")
    holders[0].start()


def credentials_that_differ_do_not_share(case):
    """Of one host, two keys: what the one has used up the other has still; one key of two sources is one."""
    remote = case.remote()
    server = case.server(remote)
    for secret in ("first", "second"):
        case.ask(server, "PUT", "/v1/secrets/" + secret, {"value": f"{secret}-canary-key", "hosts": ["127.0.0.1"]}, want=None)
    for name, secret in (("one", "first"), ("two", "second"), ("three", "first")):
        document = load("page", remote, "1s", window={"from": iso(case.ready_at - HOUR), "step": "10m", "overlap": "1h"}, limits={"rates": ["6/1s"]})
        document |= {"name": name, "measurement": name, "auth": {"type": "header", "name": "X-Key", "value": "${secret:%s}" % secret}}
        case.declare(server, document)
    until(20, "all of them are asked", lambda: len(remote.log()) > 40)

    def key_of(entry):
        return check_log.field(entry["headers"], "X-Key")

    log = remote.log()
    check({key_of(entry) for entry in log} == {"first-canary-key", "second-canary-key"}, "both keys are sent")
    rates_held([server], log, [(6, 1)])
    check_log.rate(log, 6, 1, key=key_of, slack=LOADED_S)
    counts = [sum(key_of(entry) == key for entry in log) for key in ("first-canary-key", "second-canary-key")]
    check(min(counts) > 0.35 * sum(counts), f"each key has what it may: {counts}")
    before, count = [case.status(server, name)["requests"] for name in ("one", "three")], len(log)
    until(30, "they go on", lambda: len(remote.since(count)) > 60)
    shares = [case.status(server, name)["requests"] - had for name, had in zip(("one", "three"), before)]
    check(min(shares) > 0.3 * sum(shares), f"of those who share a key one has all of it: {shares}")


CANARY = "canary-%s-Zq8/+ =&x"  # as it is it may be in no address; each way to write it has a spelling of its own
AUTHS = {
    "basic": {"type": "basic", "user": "someone", "password": "${secret:basic}"},
    "bearer": {"type": "bearer", "token": "${secret:bearer}"},
    "header": {"type": "header", "name": "X-Key", "value": "${secret:header}"},
    "query": {"type": "query", "name": "key", "value": "${secret:query}"},
}
LEAKS = [{"type": "status", "status": 401}, {"type": "redirect_loop"}, {"type": "cut", "at": -1}, {"type": "html", "status": 200}, {"type": "error_json", "status": 500},
         {"type": "wrong_length"}, {"type": "stall", "ms": 1500}]


def a_secret_is_seen_by_its_host_alone(case):
    """Through all that goes wrong with a request, a trial, a restart and another document: no log, error, status or file has it."""
    remote = case.remote()
    remote.set("faults", [{"nth": 1, "of": "rule", "fault": fault} for fault in LEAKS for _ in range(4)])
    server = case.server(remote, flags=["--log-level", "debug"])
    secrets = {name: CANARY % name for name in AUTHS}
    for name, auth in AUTHS.items():
        case.ask(server, "PUT", "/v1/secrets/" + name, {"value": secrets[name], "hosts": ["127.0.0.1"]}, want=None)
        document = load("page", remote, "1s", window={"from": iso(case.ready_at - HOUR), "step": "30m", "overlap": "1h"}, auth=auth, measurement=name,
                        timeouts={"first_byte": "1s"}, retry={"base": "100ms", "cap": "200ms"})
        case.declare(server, document | {"name": name})
        case.ask(server, "POST", "/v1/sources:test", {"document": document | {"name": name}}, want=None)
    wanted = of_generic(remote, None, case.ready_at - HOUR, case.ready_at)
    for name in AUTHS:
        until(40, lambda name=name: f"{differences(case.rows(server, name), wanted)}; {case.how(server, name)}",
              lambda name=name: case.rows(server, name, case.ready_at - HOUR, case.ready_at) == wanted)
    sent = remote.log()
    for name, value in secrets.items():
        check(any(any(text.decode() in str(entry["headers"]) + urllib.parse.unquote_plus(entry["path"]) for text in spellings(value, "someone")) for entry in sent),
              f"{name} is sent")
    check_log.no_secret([entry for entry in sent if "key=" not in entry["path"]], secrets.values())
    tried = [case.ask(server, "POST", "/v1/sources:test", {"document": load("page", remote, auth=auth, window={"from": iso(case.ready_at - HOUR), "step": "1h"})},
                      want=None).text() for auth in AUTHS.values()]
    server.kill()
    server.start()
    told = "".join(tried) + server.log_text() + case.ask(server, "GET", "/metrics", want=None).text() + case.ask(server, "GET", "/v1/secrets", want=None).text()
    told += "".join(case.ask(server, "GET", f"/v1/sources/{name}{what}", want=None).text() for name in AUTHS for what in ("", "/fetches"))
    server.stop()
    found = [f"{name} in {place}" for name, value in secrets.items() for text in spellings(value, "someone")
             for place in (["what is told"] if text in told.encode() else []) + files_with(server.data, text)]
    check(not found, f"a secret is where it ought not be: {shown(found)}")
    server.start()
    case.tell(f"{len(AUTHS)} ways to send a secret, {len(sent)} requests with {len(LEAKS)} kinds of faults: in no path but the query's, log, error, status or file")


def validators_come_back_as_they_were(case):
    """Last-Modified byte for byte, on the other side of a restart too; and nothing that is asked in windows has any."""
    remote = case.remote()
    server = case.server(remote)
    document = load("metno", remote, "1s", request={"headers": {"User-Agent": "weir/test (+ops@example.org)"}})
    document["schedule"].pop("respect_expires", None)
    case.declare(server, document)
    case.declare(server, load("page", remote, "1s", window={"from": iso(case.ready_at - HOUR), "step": "30m", "overlap": "1h"}))
    for turn in range(3):
        count = len(remote.log("^/metno"))
        until(20, lambda: f"it is not modified: {case.how(server, 'metno')}",
              lambda count=count: any(entry["status"] == 304 for entry in remote.log("^/metno")[count:]))
        if turn == 1:
            server.kill()
            server.start()
            continue
        remote.set("clock", {"now": case.ready_at + (turn + 1) * 12 * HOUR})
        until(20, lambda: "what is new comes", lambda count=count: any(entry["status"] == 200 for entry in remote.log("^/metno")[count:]))
    check_log.validators(remote.log("^/metno"))
    check(not any(check_log.field(entry["headers"], "If-Modified-Since") or check_log.field(entry["headers"], "If-None-Match") for entry in remote.log("^/page")),
          "none of a window")


CASES = [all_that_share_a_host_keep_to_it, credentials_that_differ_do_not_share, a_secret_is_seen_by_its_host_alone, validators_come_back_as_they_were]
