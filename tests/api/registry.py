"""Tenants, tokens and shards of a registry of files, changed by requests.  Nodes and ZooKeeper: tests/registry/nodes."""
import re
import subprocess
import time

from server import clean_environment
from steps import call, get, request, scenario, write

SECRET = "canary-of-the-address"
URI = f"mongodb://weir:{SECRET}@127.0.0.1:1/?serverSelectionTimeoutMS=50"
PLACE = ["--registry", "{scratch}/registry"]
ETAG = re.compile(r'^"\d+"$')


def command(run, *words):
    done = subprocess.run([run.server.program, *words, "--registry", run.server.file("registry")], capture_output=True, text=True, timeout=60,
                          env=clean_environment(), check=False)
    if done.returncode:
        run.fail(f"{words}: {done.stderr}")
    return done.stdout.strip()


def begin(run):
    """A tenant of those who run the node, whose token comes from a command, as for anybody."""
    command(run, "tenant", "add", "ops")
    run.saved["ops"] = "Bearer " + command(run, "token", "add", "ops", "--scopes", "operator")
    in_force(run, run.saved["ops"], "/v1/members")


def in_force(run, authorization, path, status=200):
    deadline = time.monotonic() + 2
    while run.server.request("GET", path, headers={"Authorization": authorization}).status != status:
        if time.monotonic() > deadline:
            run.fail(f"not in force within two seconds: {path} is not {status}")
        time.sleep(0.005)


def ops(run, method, path, want, body=None, headers=None, **checks):
    head = {"Authorization": run.saved["ops"], **(headers or {})}
    if body is not None:
        head.setdefault("Content-Type", "application/json")
    answer = run.request(method, path, want, body=body, headers=head, **checks)
    if SECRET in answer.text():
        run.fail(f"{path} tells the secret of an address: {answer.text()}")
    return answer


def tenants(run):
    begin(run)
    one = "/v1/admin/tenants/acme"
    made = ops(run, "PUT", one, 201, '{"retention":"400d","limits":{"series_max":7,"body_bytes_max":"1MiB"}}', headers_out={"ETag": ETAG},
               json={"name": "acme", "state": "active", "retention": "400d", "limits": {"series_max": "7", "body_bytes_max": "1MiB"}})
    etag = made.headers["etag"]
    again = ops(run, "PUT", one, 200, '{"retention":"400d","limits":{"series_max":7,"body_bytes_max":"1048576"}}')
    if again.headers["etag"] != etag:
        run.fail("the same again is another version")
    ops(run, "GET", one, 200, headers_out={"ETag": etag}, json={"name": "acme", "retention": "400d"})
    ops(run, "PUT", one, 412, "{}", {"If-Match": '"999"'}, code="precondition_failed")
    ops(run, "PUT", one, 412, "{}", {"If-None-Match": "*"}, code="precondition_failed")
    ops(run, "PUT", "/v1/admin/tenants/none", 412, "{}", {"If-Match": "*"}, code="precondition_failed")
    newer = ops(run, "PUT", one, 200, '{"retention":"forever"}', {"If-Match": etag}).headers["etag"]
    ops(run, "DELETE", one, 412, headers={"If-Match": etag}, code="precondition_failed")
    ops(run, "GET", "/v1/admin/tenants", 200, json={"tenants": [{"name": "acme", "retention": "forever"}, {"name": "ops"}]})
    for body, pointer in (('{"retenton":"1d"}', "/retenton"), ('{"limits":{"series_mx":1}}', "/limits/series_mx"), ('{"shards":["east"]}', "/shards/0"),
                            ('{"state":"deleted"}', "/state"), ('{"retention":"soon"}', "/retention")):
        ops(run, "PUT", one, 400, body, code="bad_parameter", json={"pointer": pointer})
    for body in ("{", "[]", "", '{"retention":"1d","retention":"2d"}'):
        ops(run, "PUT", one, 400, body, code="bad_parameter")
    ops(run, "PUT", "/v1/admin/tenants/UPPER", 400, "{}", code="bad_parameter")
    ops(run, "PUT", one, 415, "{}", {"Content-Type": "text/plain"}, code="unsupported_media_type")
    ops(run, "PUT", one, 415, "{}", {"Content-Encoding": "gzip"}, code="unsupported_encoding")
    ops(run, "PUT", one, 413, " " * (256 * 1024 + 1), code="body_too_large")
    ops(run, "PUT", one, 200, "{}" + " " * (256 * 1024 - 2))
    ops(run, "GET", "/v1/admin/tenants/none", 404, code="not_found")
    ops(run, "DELETE", "/v1/admin/tenants/none", 404, code="not_found")
    if newer == etag:
        run.fail("a change has another version")


def tokens(run):
    begin(run)
    path = "/v1/admin/tenants/acme/tokens"
    ops(run, "POST", path, 404, "{}", code="not_found")
    ops(run, "PUT", "/v1/admin/tenants/acme", 201, "{}")
    made = ops(run, "POST", path, 201, '{"scopes":["read","write"],"note":"meters","expires":"2100-01-01T00:00:00Z"}',
               json={"name": "acme", "tokens": [{"scopes": ["read", "write"], "note": "meters", "expires": "2100-01-01T00:00:00Z"}]})
    token = re.search(r'"token":"(weir_(\w+?)_\w+)"', made.text())
    bearer = "Bearer " + token.group(1)
    in_force(run, bearer, "/v1/measurements")
    run.request("POST", "/v1/points", 204, body="m f=1 1", headers={"Authorization": bearer, "Content-Type": "text/plain"})
    run.request("GET", path, 403, headers={"Authorization": bearer}, code="forbidden")
    listed = ops(run, "GET", path, 200, json={"name": "acme", "tokens": [{"id": token.group(2), "note": "meters"}]})
    if token.group(1) in listed.text() or "sha256" in listed.text():
        run.fail("a token is told once")
    ops(run, "PUT", "/v1/admin/tenants/acme", 200, '{"limits":{"points_max":1}}')
    in_force(run, bearer, "/v1/measurements")  # PUT leaves tokens as they are
    ops(run, "PUT", "/v1/admin/tenants/acme", 400, '{"tokens":[{"id":"a","sha256":"%s","scopes":["read"]}]}' % ("0" * 64), code="bad_parameter",
        json={"pointer": "/tokens"})
    ops(run, "POST", path, 400, '{"scopes":[]}', code="bad_parameter", json={"pointer": "/scopes"})
    ops(run, "POST", path, 400, '{"scopes":["reed"]}', code="bad_parameter", json={"pointer": "/scopes/0"})
    ops(run, "POST", path, 400, '{"expires":"soon"}', code="bad_parameter", json={"pointer": "/expires"})
    ops(run, "DELETE", path, 400, code="missing_parameter")
    ops(run, "DELETE", path + "?id=a-b", 400, code="bad_parameter")
    ops(run, "DELETE", path + "?id=unknown", 404, code="not_found")
    ops(run, "DELETE", path + "?id=" + token.group(2), 204)
    in_force(run, bearer, "/v1/measurements", 401)
    second = "Bearer " + re.search(r'"token":"(\w+)"', ops(run, "POST", path, 201, '{}').text()).group(1)
    in_force(run, second, "/v1/measurements")
    etag = ops(run, "DELETE", "/v1/admin/tenants/acme", 204).headers["etag"]
    ops(run, "DELETE", "/v1/admin/tenants/acme", 204, headers_out={"ETag": etag})
    in_force(run, second, "/v1/measurements", 401)
    ops(run, "PUT", "/v1/admin/tenants/acme", 409, "{}", code="conflict")
    ops(run, "PUT", "/v1/admin/tenants/acme", 200, "{}", {"If-Match": etag}, json={"state": "active"})
    in_force(run, second, "/v1/measurements", 401)  # its tokens do not come back
    for secret in (token.group(1)[-43:], second[-43:], run.saved["ops"][-43:]):
        if secret in run.server.log_text():
            run.fail("a token is in the log")


def shards(run):
    begin(run)
    one = "/v1/admin/shards/north"
    ops(run, "PUT", one, 400, "{}", code="bad_parameter", json={"pointer": "/uri"})
    ops(run, "PUT", one, 400, '{"uri":"http://%s"}' % SECRET, code="bad_parameter", json={"pointer": "/uri"})
    ops(run, "PUT", one, 400, '{"uri" "%s"}' % URI, code="bad_parameter")
    ops(run, "PUT", one, 201, '{"uri":"%s","region":"eu"}' % URI, json={"name": "north", "hosts": "127.0.0.1:1", "region": "eu"})
    ops(run, "GET", one, 200, json={"name": "north", "state": "active", "hosts": "127.0.0.1:1"}, headers_out={"ETag": ETAG})
    ops(run, "GET", "/v1/admin/shards", 200, json={"shards": [{"name": "north"}]})
    ops(run, "PUT", "/v1/admin/tenants/acme", 201, '{"shards":["north"]}', json={"shards": ["north"]})
    ops(run, "PUT", "/v1/admin/tenants/acme", 400, '{}', code="bad_parameter", json={"pointer": "/shards"})
    ops(run, "DELETE", one, 409, code="conflict")
    ops(run, "DELETE", "/v1/admin/tenants/acme", 204)
    etag = ops(run, "GET", one, 200).headers["etag"]
    ops(run, "DELETE", one, 409, code="conflict")  # a deleted tenant could not be taken back
    ops(run, "DELETE", one, 412, headers={"If-Match": '"1"'}, code="precondition_failed")
    etag = ops(run, "DELETE", one, 204, headers={"If-Match": etag}).headers["etag"]
    ops(run, "DELETE", one, 204, headers_out={"ETag": etag})
    ops(run, "GET", one, 200, json={"state": "deleted"})
    ops(run, "GET", "/v1/admin/shards/none", 404, code="not_found")
    ops(run, "DELETE", "/v1/admin/shards/none", 404, code="not_found")
    ops(run, "GET", "/v1/members", 200, json={"members": [{"name": "1", "number": 1, "this_node": True, "alive": True, "state": "active",
                                                            "listen": "%s:%d" % run.server.address}]})
    if SECRET in run.server.log_text():
        run.fail("an address is in the log")


def over_a_restart(run):
    begin(run)
    ops(run, "PUT", "/v1/admin/tenants/acme", 201, "{}")
    run.do_restart(None)
    ops(run, "GET", "/v1/admin/tenants/acme", 200)
    run.request("GET", "/readyz", 200, json={"checks": [{"name": "store"}, {"name": "registry", "status": "ok", "state": "connected", "from_disk": False},
                                                               {"name": "member", "status": "ok", "number": 1}]})


SCENARIOS = [
    scenario("tenants of a registry by requests", call(tenants), flags=PLACE),
    scenario("tokens of a registry by requests", call(tokens), flags=PLACE),
    scenario("shards of a registry by requests", call(shards), flags=PLACE),
    scenario("a registry over a restart", call(over_a_restart), flags=PLACE),
    scenario("without a registry its routes say so",
             *[request(method, path, 400, code="not_supported", body=body, headers={"Content-Type": "application/json"} if body else None)
               for method, path, body in (("GET", "/v1/admin/tenants", None), ("PUT", "/v1/admin/tenants/acme", "{}"), ("DELETE", "/v1/admin/tenants/acme", None),
                                          ("POST", "/v1/admin/tenants/acme/tokens", "{}"), ("GET", "/v1/admin/shards/north", None), ("GET", "/v1/members", None))],
             write("m f=1 1"), get("/readyz")),
]
