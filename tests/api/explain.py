"""explain=true: the plan in place of the answer, and its numbers beside what the question then does."""
import json
import random

from steps import Any, call, flush, query, request, scenario, write

HOSTS, ROWS = 3, 5000
CHANCE = random.Random(7)  # values that do not pack away


def lines(host, first, count):
    return "\n".join(f"m,host=h{host} v={n * 0.25 + CHANCE.random() / 1000!r},n={n}i {n * 1000000000}" for n in range(first, first + count))


FILL = [write(lines(host, 0, ROWS)) for host in range(HOSTS)]
HEAD = [write(lines(host, ROWS, 100)) for host in range(HOSTS)]

QUESTIONS = [
    "", "&match=host%3Dh1", "&fields=v&start=1000&end=2000&epoch=s", "&agg=sum,max", "&agg=mean&every=1m&group_by=host", "&agg=mean&every=1h",
    "&agg=p95&every=1m&group_by=*&fill=null&start=0&end=3600&epoch=s", "&where=v%3E1200", "&where=v%3E99999", "&versions=all", "&top=3,v",
    "&agg=sum&group_by=host&top=1,sum_v", "&downsample=m4&points=10", "&downsample=lttb&points=10&fields=v", "&limit=10", "&order=desc&limit=10",
    "&match=host%3Dnone", "&start=1000000&epoch=s"]


def ask(run, path):
    answer = run.server.request("GET", path)
    if answer.status != 200:
        run.fail(f"{path}: {answer.status} {answer.text()}")
    return answer.text()


def scanned(run):
    for line in ask(run, "/metrics").splitlines():
        if line.startswith("weir_query_scanned_rows_total "):
            return int(line.split()[1])
    return 0


def hold_true(run):
    """What a plan says is at least and at most what /metrics then counts; the plan itself reads nothing."""
    for question in QUESTIONS:
        path = "/v1/query?measurement=m" + question
        before = scanned(run)
        plan = json.loads(ask(run, path + "&explain=true"))
        if scanned(run) != before:
            run.fail(f"{question}: explain read {scanned(run) - before} rows")
        ask(run, path)
        rows = scanned(run) - before
        if not plan["rows_at_least"] <= rows <= plan["rows_at_most"]:
            run.fail(f"{question}: {rows} rows were read, the plan is {plan}")
        if plan["bytes_at_least"] > plan["bytes_at_most"] or plan["refused"] is not None:
            run.fail(f"{question}: {plan}")


def limits_of_bytes(run):
    """At one byte less than what is read a question is refused; explain tells how much that is."""
    plan = json.loads(ask(run, "/v1/query?measurement=m&explain=true"))
    needed = plan["bytes_at_least"]
    if needed != plan["bytes_at_most"] or needed < 1024:
        run.fail(f"a question that reads all blocks: {plan}")
    flags = list(run.server.flags)
    for limit, status in ((needed + 1, 200), (needed, 200), (needed - 1, 422)):
        run.server.stop()
        run.server.flags = flags + ["--limit-query-bytes-max", str(limit)]
        run.server.start()
        answer = run.server.request("GET", "/v1/query?measurement=m")
        told = json.loads(ask(run, "/v1/query?measurement=m&explain=true"))["refused"]
        if answer.status != status or told != (None if status == 200 else "query_bytes_limit"):
            run.fail(f"limit {limit}: {answer.status}, {told}: {answer.text()[:200]}")
        if status == 422 and scanned(run) > 0:
            run.fail(f"refused, but only after {scanned(run)} rows")


def slow_ones_are_told(run):
    """A question above slow_query_ms stands in the log once, with what it did."""
    question = "measurement=m&agg=p95&every=1ms&fill=linear&start=0&end=120&epoch=s&where=v%3E-1"
    for path in (question, "measurement=m&match=host%3Dnone&explain=true"):
        ask(run, "/v1/query?" + path)
    told = [line for line in run.server.log_text().splitlines() if "slow query" in line]
    slow = [line for line in told if "every=1ms" in line]
    if len(slow) != 1:
        run.fail(f"the log has {len(slow)} lines of it: {told}")
    for word in ("default", "where=v>-1", "series", "rows", "bytes", "question"):
        if word not in slow[0]:
            run.fail(f"{word} is not in {slow[0]}")
    if f"weir_slow_queries_total {len(told)}" not in ask(run, "/metrics"):
        run.fail("weir_slow_queries_total is not how many lines there are")
    if "weir_query_seconds_count 2" not in ask(run, "/metrics"):
        run.fail("weir_query_seconds has not both")


def limits_of_filled_groups(run):
    """300 sparse hosts share blocks, which say only that some have rows there: 10 are deleted, 5 have theirs behind the range. So 285
    groups of 100 windows."""
    rows = [f"s,host=h{n:03} v={n} {n % 50 + (1000 if n >= 295 else 0)}\ns,host=h{n:03} v=1 {n % 50 + (1050 if n >= 295 else 50)}" for n in range(300)]
    run.request("POST", "/v1/points?precision=s", 204, headers={"Content-Type": "text/plain"}, body="\n".join(rows))
    run.request("DELETE", "/v1/points?measurement=s&match=host%3D~h00.", 204)
    flags = list(run.server.flags)
    for state, step in (("head", None), ("packs", "flush"), ("compacted", "compact")):
        if step:
            run.request("POST", "/v1/admin/" + step, 200)
        for more, values in (("", 28500), ("&where=v%3E200", 9400), ("&top=20,sum_v", 285 + 2000)):
            path = "/v1/query?measurement=s&agg=sum&every=1s&group_by=host&fill=null&start=0&end=100&epoch=s&format=csv" + more
            for limit, status in ((values + 1, 200), (values, 200), (values - 1, 422)):
                run.server.stop()
                run.server.flags = flags + ["--limit-query-groups-max", str(limit)]
                run.server.start()
                answer = run.server.request("GET", path)
                if answer.status != status or (status == 422 and f"at least {values} values" not in answer.text()):
                    run.fail(f"{state}, {more}, limit {limit}: {answer.status}, {answer.text()[:300]}")
                if status == 200 and answer.text().count("\n") != 1 + (values if "top" not in more else 2000):
                    run.fail(f"{state}, {more}: {answer.text().count(chr(10))} lines")
    run.server.stop()
    run.server.flags = flags
    run.server.start()


def asked_either_way(run):
    """The log has the same of a question, whether it came as parameters or as a document: 1 KiB, with its values. One that is
    refused is not there."""
    word, long = "patient-4711", "x" * 2000
    ask(run, "/v1/query?measurement=m&agg=p95&every=1ms&fill=linear&start=0&end=120&epoch=s&match=host%3D" + word + "-a&where=v%3E-4711")
    for more in ({}, {"where": f'name!="{long}"'}):
        run.request("POST", "/v1/query", 200, headers={"Content-Type": "application/json"}, body=json.dumps(
            {"measurement": "m", "match": {"host": word + "-b"}, "agg": "p95", "every": "1ms", "fill": "linear", "start": 0, "end": 120, "epoch": "s", **more}))
    run.request("POST", "/v1/query", 400, headers={"Content-Type": "application/json"}, body='{"measurement": "m", "password": "hidden-1"}')
    run.request("GET", "/v1/query?measurement=m&password=hidden-2", 400)
    run.request("POST", "/v1/points", 204, headers={"Content-Type": "text/plain"}, body='m,host=h name="hidden-3" 1')
    log = run.server.log_text()
    for text in (word + "-a", "where=v>-4711", word + "-b", "x" * 800):
        if text not in log:
            run.fail(f"{text} is not in the log")
    for text in ("hidden-", "x" * 1024):
        if text in log:
            run.fail(f"{text} is in the log")


SCENARIOS = [
    scenario("a plan tells series, places, rows, bytes, windows and limits",
             *FILL, flush(), *HEAD,
             query("measurement=m&explain=true", headers_out={"Content-Type": "application/json"},
                   json={"series": 3, "groups": 3, "columns": 2, "places": {"head": Any(int), "blocks": 3, "summarised": 0}, "rows_at_least": 15300, "rows_at_most": 15300,
                         "bytes_at_most": Any(int), "windows": None, "refused": None, "limits": {"query_rows_max": 500000000, "page_rows_max": 10000000},
                         "range": {"start": None, "end": None}, "as_of": Any(str)}),
             query("measurement=m&explain=true&agg=sum", json={"groups": 1, "places": {"head": Any(int), "blocks": 3, "summarised": 3}, "windows": 1, "rows_at_least": 300}),
             query("measurement=m&explain=true&agg=mean&every=1d&tz=Europe/Paris&start=2024-03-01&end=2024-04-01", json={"windows": 32}),
             request("POST", "/v1/query", body="measurement=m&explain=true", headers={"Content-Type": "application/x-www-form-urlencoded"}, json={"series": 3}),
             query("measurement=m&explain=false&limit=1", json={"next": Any(str)}),
             query("measurement=m&explain=true&format=csv", 400, code="bad_parameter", contains="format=json"),
             query("measurement=m&explain=yes", 400, code="bad_parameter", contains="true or false")),
    scenario("its numbers hold: head, sealed, both, corrected and deleted",
             *FILL, call(hold_true), flush(), call(hold_true), *HEAD, call(hold_true),
             write(lines(1, 2000, 50)), request("DELETE", "/v1/points?measurement=m&match=host%3Dh2&start=0&end=100000000000", 204), call(hold_true),
             request("POST", "/v1/admin/compact"), call(hold_true)),
    scenario("query_bytes_max holds before anything is read", *FILL, flush(), call(limits_of_bytes)),
    scenario("filled groups of shared blocks are refused before the first of them", call(limits_of_filled_groups)),
    scenario("slow queries are told in the log", *FILL, call(slow_ones_are_told), flags=["--slow-query-ms", "1ms"]),
    scenario("the log has of a slow document what it has of parameters, and no more", write("m,host=patient-4711-a v=1,name=\"a\" 1\nm,host=patient-4711-b v=1,name=\"a\" 1"),
             call(asked_either_way), flags=["--slow-query-ms", "1ms"]),
    scenario("and none with slow_query_ms=0", *FILL, query("measurement=m"),
             call(lambda run: "slow query" in run.server.log_text() and run.fail("it is told")), flags=["--slow-query-ms", "0"]),
    scenario("a filled answer that would be too large is refused before anything is read",
             *FILL, flush(),
             query("measurement=m&agg=sum&every=1ms&fill=null&start=0&end=5000&epoch=s&explain=true", json={"windows": 5000000, "refused": "query_groups_limit"}),
             query("measurement=m&agg=sum&every=1ms&fill=null&start=0&end=5000&epoch=s", 422, code="query_groups_limit", contains="10000000"),
             call(lambda run: scanned(run) == 0 or run.fail("rows were read"))),
]
