"""Secrets of tenants: kept, bound to hosts, listed and deleted, and their values nowhere but under seal."""
import base64
import json
import os
import re
import stat

from steps import call, scenario
from tenants import bearer, tenant, token

CANARY = "canary-of-a-secret-value"
ETAG = re.compile(r'^"\d+"$')
TENANTS = [tenant("alpha", token("aall"), token("awrite", ["write"])), tenant("beta", token("ball"))]


def wish(value=CANARY, hosts=("api.example.com",)):
    return json.dumps({"value": value, "hosts": list(hosts)})


def put(run, name, want, body=None, **rest):
    headers = {"Content-Type": "application/json", **rest.pop("headers", {})}
    answer = run.request("PUT", f"/v1/secrets/{name}", want, body=wish() if body is None else body, headers=headers, **rest)
    if CANARY in answer.text():
        run.fail(f"the value is told: {answer.text()}")
    return answer


def forms(value):
    """The value in the forms in which it could lie about."""
    data = value.encode()
    return [data, data.hex().encode(), *(base64.b64encode(b" " * skip + data)[4 if skip else 0:-4] for skip in range(3))]


def holds(path, needles):
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:  # gone meanwhile
        return False
    return any(needle in data for needle in needles)


def memory_holds(pid, needle):
    """How often it is in what the process has written to: places that say where."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area = line.split()
            first, end = (int(number, 16) for number in area[0].split("-"))
            if area[1][:2] != "rw" or end - first > 1 << 30:  # the index is mapped with a terabyte of room
                continue
            try:
                memory.seek(first)
                data = memory.read(end - first)
            except OSError:
                continue
            found += [f"{line.strip()} +{at.start():#x}" for at in re.finditer(re.escape(needle), data)]
    return found


def a_secret(run):
    run.request("GET", "/v1/secrets", 200, json={"secrets": []})
    made = put(run, "octopus_key", 201, json={"name": "octopus_key", "hosts": ["api.example.com"]}, headers_out={"ETag": ETAG})
    again = put(run, "octopus_key", 200, wish(hosts=["api.example.com", "b.example:8443"]), headers={"If-Match": made.headers["etag"]})
    put(run, "octopus_key", 412, headers={"If-Match": made.headers["etag"]}, code="precondition_failed")
    put(run, "other", 201, wish("v" * 4096, ["[::1]:8080"]))
    run.do_restart(None)
    run.request("GET", "/v1/secrets", 200, headers_out={"ETag": ETAG},
                json={"secrets": [{"name": "octopus_key", "hosts": ["api.example.com", "b.example:8443"]}, {"name": "other", "hosts": ["[::1]:8080"]}]})
    run.request("DELETE", "/v1/secrets/octopus_key", 412, headers={"If-Match": again.headers["etag"]}, code="precondition_failed")
    run.request("DELETE", "/v1/secrets/octopus_key", 204)
    run.request("DELETE", "/v1/secrets/octopus_key", 404, code="not_found")
    run.request("GET", "/v1/secrets", 200, json={"secrets": [{"name": "other"}]})


def refusals(run):
    for body, pointer in (('{"hosts":["a"],"valeu":"%s"}' % CANARY, "/valeu"), (wish(""), "/value"), (wish(CANARY + "\n"), "/value"), (wish(CANARY * 200), "/value"),
                          (wish(hosts=[]), "/hosts"), (wish(hosts=["*.example.com"]), "/hosts/0"), (wish(hosts=["a", "A"]), "/hosts/1"), (wish(hosts=["a", "a"]), "/hosts/1"),
                          (wish(hosts=["http://" + CANARY]), "/hosts/0"), (wish(hosts=[f"h{n}" for n in range(17)]), "/hosts/16")):
        put(run, "key", 400, body, code="bad_parameter", json={"pointer": pointer})
    for body in ('{"value":"%s"}' % CANARY, '{"hosts":["a"]}', "", "[]", '{"value":"%s"' % CANARY, '{"value" "%s"}' % CANARY, '{"value":"%s","value":"x","hosts":["a"]}' % CANARY):
        put(run, "key", 400, body, code="bad_parameter")
    put(run, "KEY", 400, code="bad_parameter")
    put(run, "k" * 65, 400, code="bad_parameter")
    put(run, "key", 415, headers={"Content-Type": "text/plain"}, code="unsupported_media_type")
    put(run, "key", 413, " " * (256 * 1024 + 1), code="body_too_large")
    put(run, "k" * 64, 201, wish("v", [f"h{n}" for n in range(16)]))
    run.request("GET", "/v1/secrets", 200, json={"secrets": [{"name": "k" * 64}]})


def as_many_as_a_record_holds(run):
    """Values of 4096 bytes fill a record before there are a hundred; what does not go in changes nothing."""
    kept, answer = 0, None
    while answer is None or answer.status == 201:
        answer = run.server.request("PUT", f"/v1/secrets/s{kept}", wish("v" * 4096).encode(), {"Content-Type": "application/json"})
        kept += answer.status == 201
    if answer.status != 413 or "body_too_large" not in answer.text() or not 40 < kept < 50:
        run.fail(f"{kept} were kept, then {answer.status} {answer.text()}")
    listed = json.loads(run.server.request("GET", "/v1/secrets").text())["secrets"]
    if len(listed) != kept:
        run.fail(f"{len(listed)} are listed, {kept} were kept")


def tenants_are_apart(run):
    put(run, "key", 201, headers=bearer("aall"))
    put(run, "key", 403, headers=bearer("awrite"), code="forbidden")
    run.request("GET", "/v1/secrets", 403, headers=bearer("awrite"), code="forbidden")
    run.request("GET", "/v1/secrets", 200, headers=bearer("ball"), json={"secrets": []})
    run.request("DELETE", "/v1/secrets/key", 404, headers=bearer("ball"), code="not_found")
    put(run, "key", 201, headers=bearer("ball"))
    run.request("DELETE", "/v1/secrets/key", 204, headers=bearer("ball"))
    run.request("GET", "/v1/secrets", 200, headers=bearer("aall"), json={"secrets": [{"name": "key"}]})


def the_value_is_nowhere(run):
    """Not in a file, a log, a metric or an answer, and not in the memory of the server a moment later."""
    long = CANARY * 4  # what frees memory writes over its beginning
    for want, body in ((201, wish(long)), (200, wish(long)), (400, '{"valeu":"%s","hosts":["a"]}' % long), (400, '{"value":"%s","hosts":["a"]' % long), (400, wish(long, ["*"]))):
        put(run, "key", want, body)
        left = memory_holds(run.server.pid, CANARY.encode())
        if left:
            run.fail(f"it is left in memory after {want}:\n" + "\n".join(left))
    for path in ("/v1/secrets", "/metrics", "/readyz"):
        if CANARY in run.server.request("GET", path).text():
            run.fail(f"{path} tells it")
    run.do_restart(None)
    if CANARY in run.server.log_text():
        run.fail("the log tells it")
    for folder, _, names in os.walk(run.data):
        for name in names:
            path = os.path.join(folder, name)
            if name != "data.mdb" and os.path.getsize(path) < 1 << 24 and holds(path, forms(CANARY)):
                run.fail(f"{path} holds it")
    key = os.path.join(run.data, "secrets.key")
    if stat.S_IMODE(os.stat(key).st_mode) != 0o600:
        run.fail("secrets.key is not for its owner alone")
    with open(key, encoding="ascii") as file:
        line = file.read().strip()
    if line in run.server.log_text() or line in run.server.request("GET", "/metrics").text():
        run.fail("the key is told")


REGISTRY = ["--registry", "{scratch}/registry"]


def of_a_registry(run):
    """Nodes of a registry need a key that they share."""
    from registry import command, in_force
    command(run, "tenant", "add", "acme")
    run.saved["acme"] = "Bearer " + command(run, "token", "add", "acme", "--scopes", "admin")
    head = {"Authorization": run.saved["acme"]}
    in_force(run, run.saved["acme"], "/v1/secrets")
    put(run, "key", 400, headers=head, code="not_supported", contains="--secrets-key-file")
    path = run.server.file("secrets-key")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write("k" * 32 + "\n")
    if run.server.stop() != 0:
        run.fail("it does not end well")
    run.server.flags += ["--secrets-key-file", path]
    run.server.start()
    in_force(run, run.saved["acme"], "/v1/secrets")
    put(run, "key", 201, headers=head)
    run.request("GET", "/v1/secrets", 200, headers=head, json={"secrets": [{"name": "key"}]})
    record = run.server.file("registry/sources/acme.-secrets")
    with open(record, encoding="utf-8") as file:
        text = file.read()
    if "octopus" in text or CANARY in text or '"sealed"' not in text:
        run.fail(f"the record: {text}")
    if os.path.exists(os.path.join(run.data, "secrets.key")):
        run.fail("it made a key of its own")


SCENARIOS = [
    scenario("a secret is kept, bound to hosts, listed and deleted", call(a_secret)),
    scenario("secrets that are not right are refused, without a word of their value", call(refusals)),
    scenario("secrets fill a record", call(as_many_as_a_record_holds)),
    scenario("secrets of tenants are apart", call(tenants_are_apart), tenants=TENANTS),
    scenario("the value of a secret is nowhere but under seal", call(the_value_is_nowhere)),
    scenario("secrets of a registry need a key that nodes share", call(of_a_registry), flags=REGISTRY),
]
