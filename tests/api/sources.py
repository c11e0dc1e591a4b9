"""Sources at the API: declared, listed, changed, tried, refused by pointer.  What is pulled and what comes of it: tests/pull."""
import contextlib
import http.server
import json
import re
import threading
import time

from steps import call, scenario
from tenants import bearer, tenant, token

ETAG = re.compile(r'^"\d+"$')
TENANTS = [tenant("alpha", token("aall"), token("aread", ["read"])), tenant("beta", token("ball"))]
JSON, YAML = {"Content-Type": "application/json"}, {"Content-Type": "application/yaml"}
BYTES_MAX = 64 << 10  # of a document: source_parse()
PAGE = '{"rows": [{"t": 60, "v": 1.5}, {"t": 120, "v": null}]}'


def document(**other):
    """One that is never due in a test: it begins with a window that lies ahead."""
    return {"schedule": {"every": "1d"}, "request": {"url": "https://api.example.com/x", "query": {"from": "${window.start}"}},
            "window": {"from": "2260-01-01", "step": "1d"}, "decode": "json", "rows": "/rows/*", "time": {"path": "t", "format": "unix_s"},
            "measurement": "m", "values": [{"path": "v", "field": "v"}], **other}


def text(**other):
    return json.dumps(document(**other))


def without(name):
    return json.dumps({key: value for key, value in document().items() if key != name})


def trial(**other):
    return json.dumps({"document": {key: value for key, value in document().items() if key != "window"} | {"name": "tried", "request": {"url": "https://api.example.com/x"}}, "body": PAGE, **other})


def put(run, name, want, body=None, headers=JSON, **rest):
    return run.request("PUT", f"/v1/sources/{name}", want, body=text() if body is None else body, headers=headers, **rest)


def show(run, name):
    return json.loads(run.request("GET", f"/v1/sources/{name}").text())


def names(run, **rest):
    return [entry["name"] for entry in json.loads(run.request("GET", "/v1/sources", **rest).text())["sources"]]


def pointers(answer):
    return [fault["pointer"] for fault in json.loads(answer.text()).get("errors", [])]


def declared_changed_and_gone(run):
    first = put(run, "src", 201)
    if not ETAG.match(first.headers.get("etag", "")) or json.loads(first.text())["name"] != "src":
        run.fail(f"{first.headers} {first.text()}")
    put(run, "src", 412, headers={**JSON, "If-None-Match": "*"}, code="precondition_failed")
    put(run, "src", 412, headers={**JSON, "If-Match": '"99"'}, code="precondition_failed")
    put(run, "src", 200, text(tags={"site": "home"}), headers={**JSON, "If-Match": first.headers["etag"]})
    put(run, "other", 201, "schedule: {every: 1h}\nrequest: {url: https://api.example.com/y}\ndecode: csv\ntime: {path: t}\nmeasurement: m\n"
                           "values: [{path: v, field: v}]\npaused: true\n", headers=YAML)
    shown = show(run, "src")
    if shown["document"]["tags"] != {"site": "home"} or shown["paused"]:
        run.fail(f"it is not as it was put: {shown}")
    if names(run) != ["other", "src"]:
        run.fail(f"listed are {names(run)}")
    run.request("POST", "/v1/sources/src/pause", 204)
    if not show(run, "src")["paused"]:
        run.fail("it is not paused")
    put(run, "src", 200)
    if not show(run, "src")["paused"]:
        run.fail("another document lets it go on")
    run.request("POST", "/v1/sources/src/resume", 204)
    if show(run, "src")["paused"]:
        run.fail("it does not go on")
    run.request("DELETE", "/v1/sources/src", 204)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")):
        run.request(method, "/v1/sources/src" + path, 404, code="not_found")
    if names(run) != ["other"]:
        run.fail(f"listed are {names(run)}")
    put(run, "src", 201)


def until(run, what, true):
    end = time.monotonic() + 10
    while not true():
        if time.monotonic() > end:
            run.fail(f"not within 10 s: {what}")
        time.sleep(0.02)


def work_is_asked_for(run):
    put(run, "src", 201)
    until(run, "it is looked after", lambda: show(run, "src")["status"])
    run.request("POST", "/v1/sources/src/pull", 204)
    run.request("POST", "/v1/sources/src/backfill?start=2260-01-01&end=2260-01-02", 204)
    run.request("POST", "/v1/sources/src/backfill?start=2260-01-01", 400, code="missing_parameter")
    run.request("POST", "/v1/sources/src/backfill?start=2260-01-02&end=2260-01-02", 400, code="bad_parameter")
    fetches = json.loads(run.request("GET", "/v1/sources/src/fetches").text())
    if fetches != {"fetches": []}:
        run.fail(f"nothing is due, and asked was {fetches}")
    run.request("GET", "/v1/sources/none/fetches", 404, code="not_found")
    run.request("POST", "/v1/sources/none/pull", 404, code="not_found")
    run.request("POST", "/v1/sources/none/backfill?start=2260-01-01&end=2260-01-02", 404, code="not_found")


def faults_are_told_with_their_places(run):
    for body, wanted in ((text(tag={"a": "b"}), ["/tag"]), (without("values"), ["/values"]), (text(schedule={"every": "1s", "jitter": "x"}), ["/schedule/jitter"]),
                         (text(values=[{"path": "v", "field": "v"}, {"field": "w"}], rows="rows", wat=1), ["/values/1/path", "/rows", "/wat"]),
                         (text(request={"url": "ftp://api.example.com/x?${window.start}"}), ["/request/url"])):
        answer = put(run, "src", 400, body, code="bad_parameter")
        if not set(wanted) <= set(pointers(answer)):
            run.fail(f"wanted {wanted}: {answer.text()}")
    put(run, "src", 400, "{", code="bad_syntax")
    put(run, "src", 400, "schedule: {every: [}", headers=YAML)
    put(run, "src", 415, headers={"Content-Type": "text/csv"}, code="unsupported_media_type")
    put(run, "no%2Fname", 400)
    if names(run):
        run.fail(f"something was declared: {names(run)}")


def of_a_size(size):
    body = text(tags={"a": "x"})
    return text(tags={"a": "x" * (1 + size - len(body))})


def a_document_has_a_size(run):
    put(run, "a", 201, of_a_size(BYTES_MAX - 1))
    put(run, "b", 201, of_a_size(BYTES_MAX))
    answer = put(run, "c", 400, of_a_size(BYTES_MAX + 1))
    if "64 KiB" not in answer.text() and str(BYTES_MAX) not in answer.text():
        run.fail(f"the limit is not told: {answer.text()[:400]}")


def tenants_do_not_meet(run):
    put(run, "src", 201, headers={**JSON, **bearer("aall")})
    for method, path in (("GET", ""), ("GET", "/fetches"), ("DELETE", ""), ("POST", "/pause"), ("POST", "/pull"), ("POST", "/backfill?start=2260-01-01&end=2260-01-02")):
        run.request(method, "/v1/sources/src" + path, 404, headers=bearer("ball"), code="not_found")
    if names(run, headers=bearer("ball")) or names(run, headers=bearer("aread")) != ["src"]:
        run.fail("who sees it")
    put(run, "src", 201, headers={**JSON, **bearer("ball")})
    run.request("DELETE", "/v1/sources/src", 204, headers=bearer("ball"))
    if names(run, headers=bearer("aread")) != ["src"]:
        run.fail("another tenant's went with it")


def a_page_is_tried(run):
    made = json.loads(run.request("POST", "/v1/sources:test", 200, body=trial(), headers=JSON).text())
    if made["outcome"] != "ok" or len(made["points"]) != 1 or made["points"][0]["fields"] != {"v": 1.5}:
        run.fail(f"made of it: {made}")
    broken = json.loads(run.request("POST", "/v1/sources:test", 200, body=trial(body=PAGE[:-9]), headers=JSON).text())
    if broken["outcome"] != "retry":
        run.fail(f"half a page: {broken}")
    gone = json.loads(run.request("POST", "/v1/sources:test", 200, body=trial(status=404), headers=JSON).text())
    if gone["outcome"] != "fail":
        run.fail(f"a 404: {gone}")
    for other, pointer in (({"partition": 1}, "/partition"), ({"start": "2260-01-01"}, "/start"), ({"status": 600}, "/status"), ({"wat": 1}, "/wat")):
        windowed = {"document": document(name="tried")} if "start" in other else {}
        answer = run.request("POST", "/v1/sources:test", 400, body=trial(**windowed, **other), headers=JSON, code="bad_parameter")
        if pointer not in answer.text():
            run.fail(f"wanted {pointer}: {answer.text()}")
    answer = run.request("POST", "/v1/sources:test", 400, body=trial(document=document(name="tried", rows="rows")), headers=JSON, code="bad_parameter")
    if "/document/rows" not in pointers(answer):
        run.fail(answer.text())


class Remote(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def asked(run, url, want, **rest):
    body = json.loads(trial())
    body["document"]["request"] = {"url": url}
    del body["body"]
    return run.request("POST", "/v1/sources:test", want, body=json.dumps(body), headers=JSON, **rest)


@contextlib.contextmanager
def remote():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remote)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def a_page_is_asked_for(run):
    with remote() as port:
        made = json.loads(asked(run, f"http://127.0.0.1:{port}/x", 200).text())
        if made["outcome"] != "ok" or len(made["points"]) != 1:
            run.fail(f"made of it: {made}")
        answer = asked(run, f"https://127.0.0.1:{port}/x", 502, code="tls_failed")
        if "127.0.0.1" not in answer.text():
            run.fail(f"who is not told: {answer.text()}")


def what_is_not_public_is_refused(run):
    with remote() as port:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"):
            asked(run, f"http://{host}:{port}/x", 422, code="address_refused")


SCENARIOS = [
    scenario("a source is declared, changed, paused and deleted", call(declared_changed_and_gone)),
    scenario("a source is asked for work", call(work_is_asked_for)),
    scenario("faults of a source's document are told with their places", call(faults_are_told_with_their_places)),
    scenario("a source's document has a size", call(a_document_has_a_size)),
    scenario("sources of one tenant are not another's", call(tenants_do_not_meet), tenants=TENANTS),
    scenario("a page is tried without being written", call(a_page_is_tried)),
    scenario("a page is asked for, and shown", call(a_page_is_asked_for), flags=("--pull-allow", "127.0.0.0/8")),
    scenario("sources do not reach what is not public", call(what_is_not_public_is_refused)),
]
