"""Telegraf's and the Influx clients' routes: every status and the shape of its body.  tests/clients has the clients themselves."""
import base64
import gzip
import json
import re

from expect import Difference, match, parse
from limits import zstd
from steps import ABSENT, Any, call, get, query, raw, request, restart, scenario, stable, times
from tenants import bearer, secret, tenant, token

V1, V2, V3 = "/write", "/api/v2/write", "/api/v3/write_lp"
WRITES = (V1, V2, V3)
VERSION = {"X-Influxdb-Version": "1.8.10-weir", "X-Influxdb-Build": "OSS"}
# The word that InfluxDB 2 has for a status.
WORDS = {400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "not found", 405: "method not allowed",
         413: "request too large", 415: "unsupported media type", 500: "internal error", 501: "not implemented", 503: "unavailable"}


def shape_of(path):
    """1, 2 or 3 when refusals at this path look as those of that InfluxDB; else None."""
    path = path.split("?")[0]
    if path in ("/write", "/query", "/ping"):
        return 1
    if path in ("/health", "/ready") or path.startswith("/api/v2/"):
        return 2
    return 3 if path.startswith("/api/v3/") else None


def check_refusal(shape, answer):
    """Fails unless a refusal has the shape of its version and tells it all that it must."""
    if answer.headers.get("content-type") != "application/json":
        raise Difference(f"Content-Type {answer.headers.get('content-type')}")
    for name, value in VERSION.items():
        if answer.headers.get(name.lower()) != value:
            raise Difference(f"{name} is {answer.headers.get(name.lower())!r}")
    body = parse(answer.text())
    match({"code": WORDS[answer.status], "message": Any(str)} if shape == 2 else {"error": Any(str)}, body, "refusal")
    told = answer.headers.get("x-influxdb-error")
    if (shape == 1) != (told is not None) or (shape == 1 and told != body["error"].encode("utf-8").decode("latin-1")):
        raise Difference(f"X-Influxdb-Error {told!r} of {body}")
    if answer.status in (408, 409, 425, 429):
        raise Difference(f"a {answer.status} makes Telegraf drop the batch")
    retry = answer.headers.get("retry-after", "")
    if answer.status == 503 and not (retry.isdigit() and 1 <= int(retry) <= 60):
        raise Difference(f"Retry-After is {retry!r}")
    if answer.status == 405 and "allow" not in answer.headers or answer.status == 401 and "www-authenticate" not in answer.headers:
        raise Difference(f"headers {answer.headers}")


def influx(path, body, want=204, headers=None, **rest):
    """One write; a 204 has no body and names the version."""
    if want == 204:
        rest.setdefault("empty", True)
        rest.setdefault("headers_out", {**VERSION, "Content-Type": ABSENT, "X-Influxdb-Error": ABSENT})
    return request("POST", path, want, body=body, headers=headers, **rest)


def rows(measurement, *want, **rest):
    return query(f"measurement={measurement}&epoch=ns", rows=[list(row) for row in want], **rest)


NS = 1700000000000000000
TENANTS = [tenant("alpha", token("aread", ["read"]), token("awrite", ["write"]), token("aadmin", ["admin"])), tenant("beta", token("ball"))]
BAD = "m f=1 1\nm f=oops 2\n\nm f=3 3\nm f=\"text\" 4\n"


def partial(run):
    """Of each version: good lines are stored, the answer tells the others; the words steer Telegraf."""
    for number, path in enumerate(WRITES, 1):
        text = BAD.replace("m ", f"p{number} ")
        body = json.loads(run.request("POST", path + "?precision=ns", 400, body=text).text())
        if path == V3:
            match({"error": "partial write of line protocol occurred",
                   "data": [{"line_number": 2, "error_message": Any(str)}, {"line_number": 5, "error_message": Any(str)}]}, body, path)
        else:
            message = body["error" if path == V1 else "message"]
            if not re.fullmatch(r'partial write: line 2: column 6: field "f": oops: .* dropped=2', message):
                run.fail(message)
            match({"accepted": 2, "rejected": 2, "errors": [{"line": 2, "code": "bad_number"}, {"line": 5, "code": "field_type_conflict"}]},
                  body, path)
            if path == V2 and body["line"] != 2:
                run.fail(f"line {body['line']}")
        run.request("GET", f"/v1/query?measurement=p{number}&epoch=ns", rows=[[1, 1.0], [3, 3.0]])


def many_bad(run):
    """A million characters of complaint do not make the head or the text of an answer grow."""
    text = "\n".join(f"m f={'x' * 200} {n}" for n in range(500))
    for path in WRITES:
        answer = run.request("POST", path, 400, body=text)
        body = json.loads(answer.text())
        told = body["data" if path == V3 else "errors"]
        if not 1 <= len(told) <= 500 or len(body.get("error", body.get("message"))) > 400:
            run.fail(f"{len(told)} errors, {body.get('error', body.get('message'))}")
    run.request("GET", "/v1/query?measurement=m", rows=[])


def flood(run):
    """Points per second: 503 with Retry-After, which the same client obeys and then succeeds."""
    text = "\n".join(f"m f=1 {n}" for n in range(100))
    statuses = set()
    for _ in range(20):
        for path in WRITES:
            answer = run.server.request("POST", path + "?precision=ns", text.encode())
            statuses.add(answer.status)
            if answer.status >= 400:
                check_refusal(shape_of(path), answer)
    if 503 not in statuses or statuses - {204, 503}:
        run.fail(f"statuses {statuses}")


def no_token_in_log(run):
    import time
    time.sleep(0.2)
    text = run.server.log_text()
    if '"path":"/write"' not in text and "path=/write" not in text:
        run.fail("the requests are not in the log:\n" + run.server.log_tail())
    for word in (secret("awrite")[12:], "u=alice"):
        if word in text:
            run.fail(f"{word} is in the log")


def chunked(path, text):
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" \
           f"{len(text):x}\r\n{text}\r\n0\r\n\r\n".encode()


SCENARIOS = [
    scenario("each version writes, and what was written is read after a restart",
             influx(V1 + "?db=telegraf&rp=autogen&precision=s&consistency=one", "m,v=1 f=1.5,i=2i,u=3u,b=t,s=\"a b\" 1700000000"),
             influx(V2 + "?org=o&bucket=b&precision=ms", "m,v=2 f=1.5 1700000000000"),
             influx(V3 + "?db=d&org=o&precision=second&no_sync=true", "m,v=3 f=1.5 1700000000"),
             stable(query("measurement=m&epoch=ns&fields=f", series=[({"v": str(n)}, [[NS, 1.5]]) for n in (1, 2, 3)]),
                    query("measurement=m&match=v=1&epoch=ns&fields=f,i,u,b,s", columns=["time", "f", "i", "u", "b", "s"],
                          rows=[[NS, 1.5, 2, 3, True, "a b"]]))),
    scenario("good lines are stored and the bad ones told", call(partial)),
    scenario("accept_partial=false: the whole request or nothing",
             *[step for number, path in enumerate(WRITES) for step in (
                 influx(path + "?accept_partial=false", BAD.replace("m ", f"w{number} "), 400, contains="nothing was stored"),
                 query(f"measurement=w{number}", rows=[]),
                 influx(path + "?accept_partial=false&precision=ns", f"w{number} f=1 1"), rows(f"w{number}", (1, 1.0)))]),
    scenario("only bad lines: unable to parse, or what the catalog says",
             influx(V1, "m f=oops 1", 400, json={"error": lambda text: text.startswith("unable to parse 'line 1': ") and text.endswith(" dropped=1")}),
             influx(V1, "m f=1 1"),
             influx(V1, "m f=t 1", 400, json={"error": lambda text: text.startswith("partial write: line 1: field \"f\"")}),
             influx(V2, "m f=t 1", 400, json={"message": lambda text: text.startswith("partial write: line 1: field \"f\""), "line": 1})),
    scenario("a text of bad lines stays short", call(many_bad)),
    scenario("nothing at all is a success",
             *[influx(path, body) for path in WRITES for body in (None, "", "\n\n# nothing\n")]),
    scenario("gzip, zstd and chunks",
             influx(V1, gzip.compress(b"m f=1 1"), headers={"Content-Encoding": "gzip"}),
             influx(V2, gzip.compress(b"m f=2 2"), headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}),
             influx(V3 + "?precision=ns", zstd(b"m f=3 3"), headers={"Content-Encoding": "zstd"}),
             *[raw(chunked(path, f"m f={n} {n}"), [204]) for n, path in ((4, V1), (5, V2), (6, V3 + "?precision=ns"))],
             *[influx(path, b"no gzip", 400, headers={"Content-Encoding": "gzip"}) for path in WRITES],
             *[influx(path, b"x", 415, headers={"Content-Encoding": "br"}) for path in WRITES],
             rows("m", *[(n, float(n)) for n in range(1, 7)])),
    scenario("what a body says it is does not matter",
             *[influx(path, "m f=1 1", headers={"Content-Type": kind}) for path in WRITES
               for kind in ("application/json", "application/octet-stream", "text/plain; charset=utf-8", "application/x-www-form-urlencoded")]),
    scenario("wrong parameters are told, and nothing is stored",
             *[influx(f"{path}?{text}", "m f=1 1", 400, contains=word) for path, text, word in (
                 (V1, "precision=d", "n, u, ms, s, m or h"), (V2, "precision=m", "ns, us, ms or s"), (V3, "precision=hour", "auto, nanosecond"),
                 (V1, "precission=s", "did you mean 'precision'"), (V2, "buket=b", "did you mean 'bucket'"), (V3, "accept_partial=1", "true or false"),
                 (V3, "no_sync=1", "true or false"), (V1, "db=a&db=b", "given twice"), (V2, "u=a", "not known"), (V1, "a=%zz", "%"))],
             query("measurement=m", rows=[])),
    scenario("other methods and paths: 405 with Allow, 404, in the shape of the version",
             *[request(method, path, 405, headers_out={"Allow": "POST"}, headers={"Content-Length": "0"} if method == "PUT" else {})
               for path in WRITES for method in ("GET", "PUT", "DELETE")],
             *[get(path, 404) for path in ("/api/v2/", "/api/v2/orgs", "/api/v2/write/", "/api/v3/", "/api/v3/query_sql")],
             request("PUT", "/query", 405, headers={"Content-Length": "0"}), request("DELETE", "/ping", 405),
             get("/api/v2", 404, code="not_found"), get("/write/", 404, code="not_found"),
             *[raw(f"BREW {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(), [405]) for path in WRITES]),
    scenario("what InfluxDB 2 has and Weir has not is 501",
             *[request(method, path, 501, body=body, contains="GET /v1/query") for method, path, body in (
                 ("GET", "/api/v2/buckets?name=b", None), ("POST", "/api/v2/buckets", "{\"name\":\"b\"}"),
                 ("POST", "/api/v2/query?org=o", "from(bucket:\"b\")"), ("POST", "/api/v2/delete?bucket=b", "{}"))]),
    scenario("ping, health and ready",
             request("GET", "/ping", 204, empty=True, headers_out=VERSION), request("HEAD", "/ping", 204, empty=True, headers_out=VERSION),
             get("/ping?wait_for_leader=5s&verbose=true", json={"version": "1.8.10-weir"}, headers_out=VERSION),
             get("/health", json={"name": "weir", "message": "ready for queries and writes", "status": "pass", "checks": [], "version": Any(str)}),
             request("HEAD", "/health", 200, empty=True), get("/ready", json={"status": "ready"}), get("/health?a=1", 400)),
    scenario("the statements that clients send before they write",
             *[get(f"/query?db=x&q={text}", json={"results": [{"statement_id": 0, "series": [{"name": "databases", "columns": ["name"],
                                                                                             "values": [["default"]]}]}]}, headers_out=VERSION)
               for text in ("SHOW+DATABASES", "show%20databases%3B")],
             *[request("POST", "/query", 200, body=text, headers={"Content-Type": "application/x-www-form-urlencoded"},
                       text='{"results":[{"statement_id":0}]}\n') for text in ("q=CREATE+DATABASE+%22a+b%22", "q=create+database+x&db=x")],
             request("POST", "/query?q=CREATE%20DATABASE%20x", 200, text='{"results":[{"statement_id":0}]}\n'),
             *[get(f"/query?q={text}", json={"results": [{"statement_id": 0, "error": lambda text: "/v1/query" in text}]})
               for text in ("SELECT+*+FROM+m", "SHOW+MEASUREMENTS", "DROP+DATABASE+x", "SHOW+DATABASES%3B+DROP+DATABASE+x")],
             get("/query", 400), get("/query?q=", 400), get("/query?q=a&q=b", 400), get("/query?statement=a", 400),
             request("POST", "/query", 415, body="{}", headers={"Content-Type": "application/json"})),
    scenario("a token in all the ways that Influx clients send it",
             *[influx(path, "m f=1 1", headers={"Authorization": value}) for path in WRITES for value in (
                 "Token " + secret("awrite"), "Bearer " + secret("awrite"), "Token any:" + secret("awrite"),
                 "Basic " + base64.b64encode(b"any:" + secret("awrite").encode()).decode())],
             influx(V1 + "?u=alice&p=" + secret("awrite"), "m f=1 1"),
             get("/query?q=SHOW+DATABASES&u=alice&p=" + secret("awrite"), json={"results": [{"series": [{"values": [["alpha"]]}]}]}),
             *[influx(path, "m f=1 1", 401, headers=headers) for path in WRITES for headers in (
                 {}, {"Authorization": "Token x"}, {"Authorization": "Token any:x"}, {"Authorization": "Basic " + base64.b64encode(b"a:b").decode()})],
             influx(V1 + "?u=alice&p=wrong", "m f=1 1", 401), influx(V1 + "?u=alice&p=wrong&nonsense=1", "m f=1 1", 401),
             influx(V2 + "?u=alice&p=" + secret("awrite"), "m f=1 1", 401),
             *[influx(path, "m f=1 1", 403, headers=bearer("aread")) for path in WRITES],
             get("/query?q=CREATE+DATABASE+x", 403, headers=bearer("aread")), get("/query?q=CREATE+DATABASE+x", headers=bearer("awrite")),
             get("/ping", 204), get("/health"), get("/ready"),
             call(no_token_in_log), tenants=TENANTS, flags=["--log-level", "debug"]),
    scenario("db and bucket are only names: the token decides whose points they are",
             influx(V1 + "?db=beta&precision=ns", "m f=1 1", headers=bearer("awrite")), influx(V2 + "?bucket=alpha&org=alpha", "m f=2 2", headers=bearer("ball")),
             rows("m", (1, 1.0), headers=bearer("aread")), rows("m", (2, 2.0), headers=bearer("ball")), tenants=TENANTS),
    scenario("too large is 413: the body by its length, as it comes, unpacked; points; the record",
             *[influx(path, "#" * 100_001, 413) for path in WRITES], *[influx(path, "#" * 100_000) for path in WRITES],
             *[raw(chunked(path, "#" * 100_001), [413]) for path in WRITES],
             *[influx(path, gzip.compress(b"m f=1 1\n" * 12_501), 413, headers={"Content-Encoding": "gzip"}) for path in WRITES],
             *[influx(path, "\n".join(f"m f=1 {n}" for n in range(1001)), 413) for path in WRITES],
             *[influx(path, "\n".join(f"m f=1 {n}" for n in range(1000))) for path in WRITES],
             flags=["--limit-body-bytes-max", "100000", "--limit-points-max", "1000", "--limit-compression-ratio-max", "10000"]),
    scenario("more points a second than allowed is 503, never 429", call(flood), flags=["--limit-points-per-second-max", "100"]),
    scenario("more series than allowed: the others are stored",
             influx(V2, "\n".join(f"m,n={n} f=1 1" for n in range(12)), 400,
                    json={"accepted": 10, "rejected": 2, "message": lambda text: text.startswith("partial write: line ") and text.endswith(" dropped=2"),
                          "errors": [{"line": 11, "code": "series_limit"}, {"line": 12, "code": "series_limit"}]}),
             query("measurement=m&every=1d&agg=count&start=0&end=86400000000000&epoch=ns", rows=[[0, 10]]), flags=["--limit-series-max", "10"]),
    scenario("a request that comes too slowly is 503",
             call(lambda run: slowly(run)), flags=["--limit-body-ms-max", "1000"]),
    scenario("batches that come out of order come back in order",
             *times(5, lambda n: influx(V2 + "?precision=ms", "\n".join(f"m f={t}i {t}" for t in range(n, 50, 5)))), restart(),
             query("measurement=m&epoch=ms", rows=[[t, t] for t in range(50)])),
]


def slowly(run):
    """408 would make Telegraf drop the batch."""
    import socket
    for path in WRITES:
        with socket.create_connection(run.server.address, timeout=20) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nm f".encode())
            data = b""
            while piece := connection.recv(65536):
                data += piece
        if b" 503 " not in data.split(b"\r\n")[0] or b"\r\nRetry-After: " not in data or b"X-Influxdb-Version" not in data:
            run.fail(f"{path}: {data!r}")
