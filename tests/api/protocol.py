"""HTTP itself: routes, methods, types, encodings, framing that could hide a second request, request ids."""
import gzip
import re

from limits import zstd
from steps import Any, get, query, raw, request, scenario, write

# What needs `--registry`: 400 not_supported without.
REGISTRY = [("GET", "/v1/admin/tenants"), ("GET", "/v1/admin/tenants/acme"), ("PUT", "/v1/admin/tenants/acme"), ("DELETE", "/v1/admin/tenants/acme"), ("GET", "/v1/admin/tenants/acme/tokens"),
            ("POST", "/v1/admin/tenants/acme/tokens"), ("DELETE", "/v1/admin/tenants/acme/tokens"), ("GET", "/v1/admin/shards"), ("GET", "/v1/admin/shards/north"),
            ("PUT", "/v1/admin/shards/north"), ("DELETE", "/v1/admin/shards/north"), ("GET", "/v1/members")]
SECRETS = [("GET", "/v1/secrets"), ("PUT", "/v1/secrets/key"), ("DELETE", "/v1/secrets/key")]
SOURCES = [("GET", "/v1/sources"), ("PUT", "/v1/sources/src"), ("GET", "/v1/sources/src"), ("GET", "/v1/sources/src/fetches"), ("POST", "/v1/sources/src/pause"), ("POST", "/v1/sources/src/resume"),
           ("POST", "/v1/sources/src/pull"), ("POST", "/v1/sources/src/backfill"), ("POST", "/v1/sources:test"), ("DELETE", "/v1/sources/src")]
# Method and path of everything this version serves, without the variable of a path.
ROUTES = [("POST", "/v1/points"), ("DELETE", "/v1/points"), ("GET", "/v1/query"), ("POST", "/v1/query"), ("GET", "/v1/changes"), ("GET", "/v1/stats"), ("GET", "/v1/live"), ("GET", "/v1/measurements"),
          ("GET", "/v1/series"), ("GET", "/v1/tags"), ("GET", "/v1/tags/host/values"), ("GET", "/v1/fields"), ("POST", "/v1/admin/flush"), ("POST", "/v1/admin/compact"),
          *REGISTRY, *SECRETS, *SOURCES,
          ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/docs/errors"),
          ("POST", "/write"), ("POST", "/api/v2/write"), ("POST", "/api/v3/write_lp"), ("GET", "/query"), ("POST", "/query"), ("GET", "/ping"),
          ("GET", "/health"), ("GET", "/ready")]
PATHS = sorted({path for _, path in ROUTES})


def head(text, body=b""):
    """A raw request: lines joined by CR LF, then the body; the connection is to be closed."""
    return "\r\n".join(text).encode("latin-1") + b"\r\n\r\n" + body


POST = "POST /v1/points HTTP/1.1"
GET = "GET /healthz HTTP/1.1"
HOST, CLOSE = "Host: localhost", "Connection: close"
INNER = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

SCENARIOS = [
    scenario("what there is not is 404, in problem+json",
             *[get(path, 404, code="not_found") for path in
               ("/", "/v1", "/v1/", "/v1/points/", "/v1/pointz", "/v2/points", "/V1/points", "/v1//points", "/v1/tags//values",
                "/v1/tags/a/b/values", "/v1/tags/host", "/../etc/passwd", "/v1/points/../query", "/healthz/", "/%76%31/query")]),
    scenario("a method that a path does not have is 405 with Allow",
             *[request(method, path, 405, code="method_not_allowed", headers_out={"Allow": re.compile("[A-Z]")},
                       headers={"Content-Length": "0"} if method in ("PUT", "PATCH") else {})
               for path in PATHS for method in ("GET", "POST", "PUT", "DELETE", "PATCH")
               if (method, path) not in ROUTES and method != "PATCH"],
             request("PUT", "/v1/points", 405, headers_out={"Allow": re.compile(r"(?=.*POST)(?=.*DELETE)")})),
    scenario("methods that are not ours",
             *[raw(head([f"{method} /healthz HTTP/1.1", HOST, CLOSE]), [status]) for method, status in
               (("PATCH", 405), ("BREW", 405), ("TRACE", 405))]),
    scenario("a content type that points cannot have is 415 with what can",
             *[write("x", 415, type=type, code="unsupported_media_type", headers_out={"Accept-Post": re.compile("text/plain.*application/json|application/json.*text/plain")})
               for type in ("application/xml", "application/octet-stream", "text/html", "multipart/form-data; boundary=x", "garbage")],
             *[write("{}", 400, type=type) for type in ("text/csv", "application/x-ndjson")]),
    scenario("a body where none belongs is refused, and does not become a request",
             raw(head(["GET /healthz HTTP/1.1", HOST, CLOSE, f"Content-Length: {len(INNER)}"], INNER), [400]),
             raw(head(["DELETE /v1/points?measurement=m&start=0&end=1 HTTP/1.1", HOST, CLOSE, "Content-Length: 3"], b"abc"), [400]),
             get("/healthz")),
    scenario("gzip and zstd bodies, also in several members or frames",
             write(gzip.compress(b"m f=1 1\n"), headers={"Content-Encoding": "gzip"}),
             write(gzip.compress(b"m f=2 2\n") + gzip.compress(b"m f=3 3\n"), headers={"Content-Encoding": "gzip"}),
             write(zstd(b"m f=4 4\n"), headers={"Content-Encoding": "zstd"}),
             write(zstd(b"m f=5 5\n") + zstd(b"m f=6 6\n"), headers={"Content-Encoding": "zstd"}),
             write(b"m f=7 7\n", headers={"Content-Encoding": "identity"}),
             write(gzip.compress(b'[{"measurement":"m","time":8,"fields":{"f":8.0}}]'), type="application/json", headers={"Content-Encoding": "gzip"}),
             write(gzip.compress(b"m f=9 9\n"), headers={"Content-Encoding": "GZIP"}),
             query("measurement=m&epoch=ns", rows=[[n, float(n)] for n in range(1, 10)])),
    scenario("a damaged compressed body is refused whole",
             write(gzip.compress(b"m f=1 1\n" * 1000)[:-9], 400, headers={"Content-Encoding": "gzip"}, code="bad_compression"),
             write(gzip.compress(b"m f=1 1\n" * 1000)[:-1] + b"\x77", 400, headers={"Content-Encoding": "gzip"}, code="bad_compression"),
             write(b"not gzip at all", 400, headers={"Content-Encoding": "gzip"}, code="bad_compression"),
             write(b"", {204, 400}, headers={"Content-Encoding": "gzip"}),
             write(gzip.compress(b"m f=1 1\n") + b"garbage", 400, headers={"Content-Encoding": "gzip"}, code="bad_compression"),
             write(zstd(b"m f=1 1\n" * 1000)[:-4], 400, headers={"Content-Encoding": "zstd"}, code="bad_compression"),
             write(b"(\xb5/\xfd" + b"\xff" * 40, 400, headers={"Content-Encoding": "zstd"}, code="bad_compression"),
             query("measurement=m", rows=[])),
    scenario("other encodings are 415",
             *[write("m f=1 1", 415, headers={"Content-Encoding": name}, code="unsupported_encoding") for name in
               ("br", "gzip, gzip", "compress", "x")]),
    scenario("a bomb is stopped early: 1,000 to 1 in gzip and zstd",
             write(gzip.compress(b"#" * 50_000_000), {400, 413, 422}, headers={"Content-Encoding": "gzip"}, code="compression_ratio"),
             write(zstd(b"#" * 50_000_000), {400, 413, 422}, headers={"Content-Encoding": "zstd"}, code="compression_ratio"),
             write(gzip.compress(gzip.compress(b"#" * 50_000_000)), 400, headers={"Content-Encoding": "gzip"}),
             write("m f=1 1"), query("measurement=m&epoch=ns", rows=[[1, 1.0]])),
    scenario("framing that two readers read differently is refused and the connection closed",
             raw(head([POST, HOST, "Content-Length: 0", f"Content-Length: {len(INNER)}"], INNER), [400]),
             raw(head([POST, HOST, "Content-Length: 4", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + INNER), [400]),
             raw(head([POST, HOST, "Transfer-Encoding: chunked", "Content-Length: 4"], b"0\r\n\r\n" + INNER), [400]),
             raw(head([POST, HOST, "Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n" + INNER), [400]),
             raw(head([POST, HOST, "Transfer-Encoding : chunked", "Content-Length: 0"], INNER), [400]),
             raw(head([GET, HOST, "Host: y"], b""), [400]),
             raw(head([GET, HOST, "X-Bad Name: 1"], b""), [400]),
             raw(head([GET, HOST, "X-Ctl: a\rb"], b""), [400]),
             raw(head([GET], b""), [400]),
             get("/healthz")),
    scenario("a path with NUL is refused",
             raw(head(["GET /healthz%00x HTTP/1.1", HOST, CLOSE]), [400]),
             raw(head(["GET /v1/query?measurement=a%00b HTTP/1.1", HOST, CLOSE]), [400]), get("/v1/query?measurement=%zz", 400)),
    scenario("headers too long, too many",
             raw(head([GET, HOST, "X-Long: " + "a" * 300000]), [431]),
             raw(head([GET, HOST, CLOSE] + [f"X-{n}: 1" for n in range(200)]), [400], seconds=3),
             raw(head(["GET /" + "a" * 300000 + " HTTP/1.1", HOST]), [414])),
    scenario("Expect: 100-continue is answered before a body that is welcome, refused before one that is not",
             raw(head([POST, HOST, CLOSE, "Expect: 100-continue", "Content-Length: 8", "Content-Type: text/plain"], b"m f=1 1\n"), [100, 204]),
             raw(head([POST, HOST, CLOSE, "Expect: 100-continue", "Content-Length: 8", "Content-Type: image/png"]), [415]),
             raw(head([POST, HOST, CLOSE, "Expect: 100-continue", "Content-Length: 99999999999", "Content-Type: text/plain"]), [413])),
    scenario("keep-alive: many requests on one connection",
             raw(head([GET, HOST]) * 20 + head([GET, HOST, CLOSE]), [200] * 21)),
    scenario("HTTP/1.0 is served and closed",
             raw(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n", [200])),
    scenario("noise is not an accident",
             *[raw(data, statuses) for data, statuses in [
                 (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {(), (400,)})]],
             get("/healthz")),
    scenario("request ids come back; unsuitable ones are replaced",
             get("/healthz", headers={"X-Request-Id": "abc-1.2_Z"}, headers_out={"X-Request-Id": "abc-1.2_Z"}),
             get("/v1/query", 400, headers={"X-Request-Id": "my-id"}, json={"instance": lambda text: "my-id" in text}),
             *[get("/healthz", headers={"X-Request-Id": bad}, headers_out={"X-Request-Id": re.compile(r"^(?!.*[<>\" ])[A-Za-z0-9_.-]{1,64}$")})
               for bad in ("a b", "<script>", "x" * 65, "")]),
    scenario("headers that every answer carries",
             get("/healthz", headers_out={"X-Content-Type-Options": "nosniff"}),
             get("/v1/measurements", headers_out={"Cache-Control": re.compile("no-store|no-cache")}),
             get("/none", 404, headers_out={"Content-Type": "application/problem+json", "Cache-Control": re.compile("no-store")}),
             write("m f=1 1", headers_out={"Cache-Control": "no-store"})),
    scenario("every problem tells type, title, status, detail, code, instance",
             get("/v1/query", 400, code="missing_parameter", json={
                 "type": Any(str), "title": Any(str), "status": 400, "detail": Any(str), "code": "missing_parameter", "instance": Any(str)})),
    scenario("the OpenAPI text is served",
             get("/openapi.json", json={"openapi": lambda text: text.startswith("3.1"), "paths": Any(dict)})),
    scenario("the type of a problem leads to a page that has its code",
             get("/v1/query", 400, json={"type": "/docs/errors#missing_parameter"}),
             get("/docs/errors", headers_out={"Content-Type": "text/html; charset=utf-8"}, contains='<a id="missing_parameter"></a>')),
    scenario("nobody waits for a shard that the tenant has not",
             write("m f=1 1", 400, query="ack=shard", code="bad_parameter", contains="it has none"), query("measurement=m", rows=[])),
    scenario("unknown parameters are refused on every route, with the nearest name",
             write("m f=1 1", 400, query="percision=s", code="unknown_parameter", contains="precision"),
             write("m f=1 1", 400, query="on_eror=skip", code="unknown_parameter", contains="on_error"),
             request("POST", "/v1/admin/flush?wait=1", 400, code="unknown_parameter"),
             *[get(f"{path}?nonsense=1", 400, code="unknown_parameter") for path in ("/healthz", "/readyz", "/metrics")]),
]
