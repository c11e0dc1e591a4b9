"""Tenants and tokens: every route with every kind of token, and one tenant never sees another."""
import base64

from protocol import REGISTRY, ROUTES, SECRETS, SOURCES
from sources import text, trial
from steps import call, get, hangup, query, raw, request, scenario, write
from tenants import bearer, secret, tenant, tenants_file, token

# What each route asks for; a route that is not here is open to all.
SCOPES = {("POST", "/v1/points"): "write", ("DELETE", "/v1/points"): "write", ("GET", "/v1/query"): "read",
          ("POST", "/v1/query"): "read", ("GET", "/v1/changes"): "read", ("GET", "/v1/stats"): "read", ("GET", "/v1/measurements"): "read", ("GET", "/v1/series"): "read",
          ("GET", "/v1/tags/host/values"): "read", ("GET", "/v1/fields"): "read", ("GET", "/v1/tags"): "read", ("POST", "/v1/admin/flush"): "operator", ("POST", "/v1/admin/compact"): "admin",
          ("GET", "/metrics"): "operator", ("POST", "/write"): "write", ("POST", "/api/v2/write"): "write", ("POST", "/api/v3/write_lp"): "write",
          ("GET", "/query"): "any", ("POST", "/query"): "any", **{route: "operator" for route in REGISTRY}, **{route: "admin" for route in SECRETS},
          **{route: "read" if route[0] == "GET" else "admin" for route in SOURCES}}
GOOD = {  # a request of each route that is fine
    ("POST", "/v1/points"): ("", "m f=1 1"), ("DELETE", "/v1/points"): ("?measurement=m&start=0&end=1", None),
    ("GET", "/v1/query"): ("?measurement=m", None), ("POST", "/v1/query"): ("", "measurement=m"), ("GET", "/v1/changes"): ("?measurement=m&since=now", None), ("GET", "/v1/stats"): ("?measurement=m", None),
    ("GET", "/v1/measurements"): ("", None), ("GET", "/v1/series"): ("?measurement=m", None),
    ("GET", "/v1/tags/host/values"): ("", None), ("GET", "/v1/fields"): ("?measurement=m", None), ("POST", "/v1/admin/flush"): ("", None), ("POST", "/v1/admin/compact"): ("", None),
    ("POST", "/write"): ("?db=x", "m f=1 1"), ("POST", "/api/v2/write"): ("?bucket=b", "m f=1 1"), ("POST", "/api/v3/write_lp"): ("", "m f=1 1"),
    ("GET", "/query"): ("?q=SHOW+DATABASES", None), ("POST", "/query"): ("?q=SHOW+DATABASES", None), ("PUT", "/v1/secrets/key"): ("", '{"value":"v","hosts":["h"]}'),
    ("PUT", "/v1/sources/src"): ("", text()), ("POST", "/v1/sources/src/backfill"): ("?start=2260-01-01&end=2260-01-02", None), ("POST", "/v1/sources:test"): ("", trial())}

TENANTS = [tenant("alpha", token("aread", ["read"]), token("awrite", ["write"]), token("aadmin", ["admin"]), token("aoperator", ["operator"]), token("aall"),
                  token("aold", expires="2020-01-01T00:00:00Z"), token("anew", expires="2100-01-01T00:00:00Z")),
           tenant("beta", token("ball"))]


def ask(route, headers, want, **rest):
    method, path = route
    parameters, body = GOOD.get(route, ("", None))
    head = dict(headers)
    if body is not None:
        head["Content-Type"] = "application/x-www-form-urlencoded" if path == "/v1/query" else "application/json" if route in SECRETS + SOURCES else "text/plain"
    return request(method, path + parameters, want, body=body, headers=head, **rest)


def matrix():
    """Each route with each token: 401 without a valid one, 403 with the wrong scope, else served."""
    damaged = secret("aall")[:-1] + ("a" if secret("aall")[-1] != "a" else "b")
    invalid = [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"},
               {"Authorization": "Bearer " + damaged}, {"Authorization": "Bearer " + secret("aall")[:-1]},
               {"Authorization": "Bearer " + secret("aall") + "x"}, {"Authorization": secret("aall")},
               {"Authorization": "Bearer " + secret("unknown")}, bearer("aold"),
               {"Authorization": "Bearer weir_ball_" + secret("aall").split("_")[2]}, {"Authorization": "Digest x"}]
    for route in ROUTES:
        if route == ("GET", "/v1/live"):  # has no end: live.py
            continue
        scope = SCOPES.get(route)
        if not scope:
            yield ask(route, {}, {200, 204})
            continue
        for headers in invalid:
            yield ask(route, headers, 401, code="unauthorized", lacks=secret("aall")[12:])
        for id, scopes in (("aread", ["read"]), ("awrite", ["write"]), ("aadmin", ["admin"]), ("aoperator", ["operator"]), ("aall", ["read", "write", "admin", "operator"]),
                           ("anew", ["read", "write", "admin", "operator"])):
            if scope == "any" or scope in scopes:
                yield ask(route, bearer(id), 400 if route in REGISTRY else {200, 201, 204, 404} if route in SECRETS + SOURCES else {200, 204}, code="not_supported" if route in REGISTRY else None)
            else:
                yield ask(route, bearer(id), 403, code="forbidden")


def never_seen(run):
    """What alpha wrote is in no answer to beta, whatever beta asks; and no token is in the log."""
    for path in ("/v1/measurements", "/v1/tags", "/v1/series?measurement=secret_measurement", "/v1/fields?measurement=secret_measurement",
                 "/v1/tags/secret_tag/values", "/v1/tags/host/values", "/v1/query?measurement=secret_measurement",
                 "/v1/query?measurement=shared", "/v1/query?measurement=secret_measurement&every=1d&agg=count&group_by=*",
                 "/v1/query?measurement=shared&format=csv", "/v1/query?measurement=shared&versions=all",
                 "/v1/changes?measurement=shared&since=now-1d", "/v1/stats?measurement=shared"):
        for headers in (bearer("ball"), {**bearer("ball"), "X-Tenant": "alpha", "X-Scope-OrgID": "alpha"}):
            answer = run.request("GET", path, headers=headers)
            for word in ("secret_value", "secret_tag=", "42.125", "\"secret_measurement\""):
                if word in answer.text():
                    run.fail(f"beta asked {path} and saw {word} of alpha: {answer.text()[:300]}")
    run.request("GET", "/v1/query?measurement=shared&tenant=alpha", 400, headers=bearer("ball"), code="unknown_parameter")
    if secret("aall")[12:] in run.server.log_text():
        run.fail("a token is in the log")


SCENARIOS = [
    scenario("every route with every kind of token", *matrix(), tenants=TENANTS),
    scenario("one tenant never sees another",
             write("secret_measurement,secret_tag=secret_value,host=x f=42.125,s=\"secret_value\" 1\nshared,host=alpha f=42.125 1",
                   headers=bearer("aall")),
             call(never_seen), request("POST", "/v1/admin/flush", headers=bearer("aall")), call(never_seen),
             write("shared,host=beta f=1 1", headers=bearer("ball")),
             query("measurement=shared&epoch=ns", headers=bearer("ball"), series=[({"host": "beta"}, [[1, 1.0]])]),
             query("measurement=shared&epoch=ns", headers=bearer("aall"), series=[({"host": "alpha"}, [[1, 42.125]])]),
             request("DELETE", "/v1/points?measurement=shared&start=0&end=10", {200, 204}, headers=bearer("ball")),
             query("measurement=shared&epoch=ns", headers=bearer("aall"), series=[({"host": "alpha"}, [[1, 42.125]])]),
             query("measurement=shared", headers=bearer("ball"), rows=[]), tenants=TENANTS),
    scenario("names, kinds, keys and limits are each tenant's own",
             write("m f=1 1", headers={**bearer("aall"), "Idempotency-Key": '"k"'}),
             write("m f=\"text\" 1", headers={**bearer("ball"), "Idempotency-Key": '"k"'}),
             query("measurement=m&epoch=ns", headers=bearer("aall"), rows=[[1, 1.0]]),
             query("measurement=m&epoch=ns", headers=bearer("ball"), rows=[[1, "text"]]), tenants=TENANTS),
    scenario("Basic and Token carry the same token, for old clients",
             *[get("/v1/measurements", headers={"Authorization": value}) for value in
               ("Token " + secret("aall"), "token " + secret("aall"), "bearer " + secret("aall"),
                "Basic " + base64.b64encode(b"alpha:" + secret("aall").encode()).decode())],
             get("/v1/measurements", 401, headers={"Authorization": "Basic " + base64.b64encode(b"alpha:wrong").decode()}),
             get("/v1/measurements", 401, headers={"Authorization": "Basic !!!"}), tenants=TENANTS),
    scenario("SIGHUP reloads: a new token works, a removed one does not, a broken file changes nothing",
             get("/v1/measurements", 401, headers=bearer("later")),
             hangup("tenants.yaml", tenants_file([tenant("alpha", token("later"))])),
             get("/v1/measurements", 200, headers=bearer("later")), get("/v1/measurements", 401, headers=bearer("aall")),
             hangup("tenants.yaml", "tenants:\n  alpha:\n    tokenz: []\n"),
             call(lambda run: logged(run, "tokens")),
             get("/v1/measurements", 200, headers=bearer("later")), tenants=TENANTS),
    scenario("a tenant has limits of its own",
             write("m f=1 1\nm f=1 2\nm f=1 3", {400, 413, 422}, headers=bearer("small"), code="too_many_points"),
             write("m f=1 1\nm f=1 2", headers=bearer("small")), write("m f=1 1\nm f=1 2\nm f=1 3", headers=bearer("large")),
             tenants=[tenant("s", token("small"), limits={"points_max": 2}), tenant("l", token("large"))]),
    scenario("reads clamp to retention, and say so",
             write("m f=1 1\nm f=2", headers=bearer("t")),
             call(lambda run: retention(run)),
             tenants=[tenant("t", token("t"), retention="1h")]),
    scenario("a tenant's history floor",
             write("m f=1 1", headers=bearer("t")),
             query("measurement=m&as_of=now-2h", 410, headers=bearer("t"), code="before_history"),
             query("measurement=m&as_of=now-30m", headers=bearer("t"), rows=[]),
             tenants=[tenant("t", token("t"), history="1h")]),
    scenario("without tokens a loopback client is the tenant default; forwarded ones and strange pages are refused",
             write("m f=1 1"), *[get("/v1/measurements", {401, 403}, headers={name: "for=10.0.0.1"}) for name in
                                 ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via")],
             *[raw(f"GET /v1/measurements HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(), [status])
               for host, status in (("evil.example", 403), ("localhost.evil.example", 403), ("127.x", 403),
                                    ("127.0.0.1.evil.example:8090", 403), ("localhost", 200), ("LOCALHOST:1", 200),
                                    ("127.0.0.1:8090", 200), ("[::1]", 200), ("[::1]:8090", 200))],
             write("m f=1 1", 403, headers={"Origin": "https://evil.example"}),
             write("m f=1 1", headers={"Origin": "http://127.0.0.1:3000"}),
             call(lambda run: logged(run, "default"))),
]


def logged(run, word):
    import time
    for _ in range(40):
        if word in run.server.log_text():
            return
        time.sleep(0.05)
    run.fail(f"{word!r} is not in the log:\n{run.server.log_tail()}")


def retention(run):
    """An old row is not read, a new one is, before and after sealing; the answer says where it began."""
    import json
    for step in range(2):
        body = json.loads(run.request("GET", "/v1/query?measurement=m", headers=bearer("t")).text())
        values = [row[1] for item in body["series"] for row in item["rows"]]
        if values != [2] or "clamped_start" not in body:
            run.fail(f"retention of an hour: {body}")
        run.request("POST", "/v1/admin/flush", headers=bearer("t"))
