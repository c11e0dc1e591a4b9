"""Every row of model/limits.c: at the limit it is fine, one above it is answered.  LIMITS names the rows that
are tried; coverage_of_answers.py fails when one is missing."""
import gzip
import json
import math
import socket
import subprocess
import threading
import time

from live import Stream, want
from server import clean_environment
from steps import Any, call, get, metric, query, refused, request, scenario, times, write

LIMITS = set()
TRIALS = ("--pull-allow", "127.0.0.0/8", "--query-threads", "1")


def limit(name, value, *steps, title="", more=()):
    LIMITS.add(name)
    return scenario(f"{name}{': ' + title if title else ''}", *steps,
                    flags=[f"--limit-{name.replace('_', '-')}", str(value), *more])


def tags(count):
    return "".join(f",t{n:03}=v" for n in range(count))


def fields(count):
    return ",".join(f"f{n:03}=1" for n in range(count))


def lines(count, of="m"):
    return "\n".join(f"{of} f=1 {n}" for n in range(count))


def body_of(size):
    """A body of valid lines with exactly `size` bytes."""
    text = "m f=1 1\n" * (size // 8)
    return text + "#" * (size - len(text)) if size > len(text) else text


def chunked(body, piece=1000):
    parts = [body[n:n + piece] for n in range(0, len(body), piece)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def zstd(data, *options):
    return subprocess.run(["zstd", "-c", *options], input=data, capture_output=True, check=True).stdout


def nested(depth):
    """Points in JSON whose deepest member lies `depth` brackets deep."""
    return '[{"measurement":"m","time":1,"fields":{"f":' + "[" * (depth - 3) + "1" + "]" * (depth - 3) + "}}]"


def held(path, count, *steps):
    """Takes `steps` while `count` queries are under way: their clients read nothing of more than sockets hold."""
    def go(run):
        readers = []
        try:
            for _ in range(count):
                readers.append(socket.create_connection(run.server.address))
                readers[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                readers[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                if not (head := readers[-1].recv(100)).startswith(b"HTTP/1.1 200 "):
                    run.fail(f"{head} of one that was to be held")
            run.steps(steps, "while held ")
        finally:
            for reader in readers:
                reader.close()
    return call(go)


def soon(path):
    """As `path` is answered again, within some seconds."""
    def go(run):
        deadline = time.monotonic() + 10
        while (answer := run.server.request("GET", path)).status != 200:
            if time.monotonic() > deadline:
                run.fail(f"still {answer.status} {answer.text()}")
            time.sleep(0.05)
    return call(go)


def refused_after(name, body_at, statuses, code, tries=200, query=""):
    """Writes body_at(0), body_at(1), ... until one is refused with (status, code); it must come, with a
    Retry-After where one belongs, and the server must go on."""
    def go(run):
        for n in range(tries):
            answer = run.server.request("POST", "/v1/points" + query, body_at(n).encode(), {"Content-Type": "text/plain"})
            if answer.status != 204:
                run.check("POST", "/v1/points", answer, statuses, code, {})
                return
        run.fail(f"{tries} writes and {name} never answered")
    return call(go)


def slow(run, first, rest_seconds, statuses, wait=8):
    """Sends `first`, then a byte each `rest_seconds`; the server must end it with one of `statuses` (None = closes
    without an answer) within `wait` seconds."""
    begun = time.monotonic()
    with socket.create_connection(run.server.address, timeout=1) as connection:
        connection.sendall(first)
        connection.settimeout(rest_seconds)
        received = b""
        while time.monotonic() - begun < wait:
            try:
                piece = connection.recv(4096)
                if not piece:
                    break
                received += piece
            except TimeoutError:
                try:
                    connection.sendall(b"a")
                except OSError:
                    break
            except OSError:
                break
        else:
            run.fail(f"a slow client held its connection for {wait} s; got {received[:200]!r}")
    status = int(received.split(b" ")[1]) if received.startswith(b"HTTP/1.") else None
    if status not in statuses:
        run.fail(f"wanted one of {statuses}, got {received[:300]!r}")


def connections(run, limit_):
    """With all connections taken by idle clients, another is turned away or waits; when they leave it is served."""
    held = []
    try:
        for _ in range(limit_ + 8):
            held.append(socket.create_connection(run.server.address, timeout=2))
    except OSError:
        pass
    for connection in held:
        connection.close()
    deadline = time.monotonic() + 10
    while True:
        try:
            run.request("GET", "/healthz", 200)
            return
        except OSError:
            if time.monotonic() > deadline:
                run.fail("idle clients left and nobody is served")
            time.sleep(0.05)


def columns_kept(run, most):
    """Asked again and again, answers stay what they are, and the cache within its limit."""
    paths = [f"/v1/query?measurement=m&epoch=ns&format=csv{more}" for more in ("", "&fields=a", "&match=host%3Dh1", "&agg=max&every=1ms")]
    first = [run.server.request("GET", path).text() for path in paths]
    before = run.metrics()["weir_column_cache_hits_total", frozenset()]
    for again in range(6):
        for path, before_it in zip(paths, first):
            got = run.server.request("GET", path).text()
            if got != before_it:
                run.fail(f"{path}: another answer at reading {again + 2}")
        kept = run.metrics()["weir_column_cache_bytes", frozenset()]
        if kept > most:
            run.fail(f"{kept} bytes are kept, the limit is {most}")
    hits = run.metrics()["weir_column_cache_hits_total", frozenset()] - before
    if (hits > 0) != (most > 0):
        run.fail(f"{hits} hits of a cache of {most} bytes")


def seals_alone(run, what):
    """Without a flush, rows get into packs: files or the metric tell."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        sealed = sum(value for (name, _), value in run.metrics().items()
                     if name == "weir_seals_total")
        if sealed > 0:
            return
        time.sleep(0.1)
    run.fail(f"{what} passed and nothing was sealed: "
             + ", ".join(sorted({name for (name, _) in run.metrics() if "seal" in name or "pack" in name})))


def merges_alone(run):
    """Without being asked, the packs that are too many are merged."""
    deadline = time.monotonic() + 10
    while run.metrics().get(("weir_compactions_total", frozenset())) == 0:
        if time.monotonic() > deadline:
            run.fail("three packs, and they are not merged")
        time.sleep(0.1)


def slow_merge(run):
    """Who asks for a merge waits for the rests between its work: some, each of 0.1 s."""
    begun = time.monotonic()
    run.request("POST", "/v1/admin/compact", 200)
    if time.monotonic() - begun < 0.2:
        run.fail(f"one percent of a core merged 60,000 rows in {time.monotonic() - begun:.2f} s")


SCENARIOS = [
    limit("body_bytes_max", 65536,
          write(body_of(65535)), write(body_of(65536)),
          write(body_of(65537), 413, code="body_too_large"),
          write("m f=2 1"), query("measurement=m&epoch=ns", rows=[[1, 2.0]])),
    limit("body_bytes_max", 65536,
          write(gzip.compress(body_of(65536).encode()), headers={"Content-Encoding": "gzip"}),
          write(gzip.compress(body_of(65537).encode()), 413, headers={"Content-Encoding": "gzip"}, code="body_too_large"),
          write(zstd(body_of(65536).encode()), headers={"Content-Encoding": "zstd"}),
          write(zstd(body_of(65537).encode()), 413, headers={"Content-Encoding": "zstd"}, code="body_too_large"),
          title="of the body after decompression", more=["--limit-compression-ratio-max", "100000"]),
    limit("body_bytes_max", 65536,
          request("POST", "/v1/points", 204, body=chunked(body_of(65536).encode()),
                  headers={"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}),
          request("POST", "/v1/points", 413, body=chunked(body_of(65537).encode()),
                  headers={"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}, code="body_too_large"),
          title="of a chunked body"),
    limit("compression_ratio_max", 20,
          write(gzip.compress(b"".join(b"m f=%d %d\n" % (n * n, n) for n in range(2000))), headers={"Content-Encoding": "gzip"}),
          write(gzip.compress(b"#" * 5_000_000), {400, 413, 422}, headers={"Content-Encoding": "gzip"}, code="compression_ratio"),
          write(zstd(b"#" * 5_000_000), {400, 413, 422}, headers={"Content-Encoding": "zstd"}, code="compression_ratio"),
          write(zstd(b"#" * 5_000_000, "--long=27"), {400, 413, 422}, headers={"Content-Encoding": "zstd"}),
          query("measurement=m&limit=1", rows=[Any(list)])),
    limit("line_bytes_max", 256,
          *[write("m f=\"" + "x" * (size - 8) + "\" 1") for size in (255, 256)],
          refused("m f=\"" + "x" * 249 + "\" 1\nm g=1 1", [(1, "line_too_long")]),
          write("# " + "c" * 200)),
    limit("name_bytes_max", 16,
          *[write(f"{'m' * n},{'t' * n}=v {'f' * n}=1 1") for n in (15, 16)],
          refused(f"{'m' * 17} f=1 1\nm,{'t' * 17}=v f=1 1\nm {'f' * 17}=1 1", [(n, "name_too_long") for n in (1, 2, 3)]),
          refused(json.dumps([{"measurement": "m", "time": 1, "fields": {"f" * 17: 1}}]), [(1, "name_too_long")],
                  type="application/json")),
    limit("tag_value_bytes_max", 16,
          *[write(f"m,t={'v' * n} f=1 1") for n in (15, 16)],
          refused(f"m,t={'v' * 17} f=1 1", [(1, "value_too_long")])),
    limit("string_bytes_max", 100,
          *[write(f"m f=\"{'x' * n}\" 1") for n in (99, 100)],
          refused(f"m f=\"{'x' * 101}\" 1\nm f=\"{'é' * 51}\" 1", [(1, "value_too_long"), (2, "value_too_long")]),
          write(f"m f=\"{chr(92) * 2 * 100}\" 1")),
    limit("tags_max", 5,
          *[write(f"m{tags(n)} f=1 1") for n in (4, 5)], refused(f"m{tags(6)} f=1 1", [(1, "too_many_tags")])),
    limit("fields_max", 5,
          *[write(f"m {fields(n)} 1") for n in (4, 5)], refused(f"m {fields(6)} 1", [(1, "too_many_fields")])),
    limit("points_max", 10,
          *[write(lines(n)) for n in (9, 10)], write(lines(11), {400, 413, 422}, code="too_many_points"),
          query("measurement=m&epoch=ns", rows=[[n, 1.0] for n in range(10)])),
    limit("errors_max", 3,
          *[refused("\n".join("m f=x 1" for _ in range(count)), [(n + 1, "bad_number") for n in range(min(count, 3))])
            for count in (2, 3, 4, 50)],
          write("\n".join("m f=x 1" for _ in range(50)) + "\nm f=1 1", 200, query="on_error=skip", json={"accepted": 1, "rejected": 50})),
    limit("json_depth_max", 8,
          write(nested(8), 400, type="application/json", that=lambda run, answer: not_depth(run, answer)),
          write(nested(9), {400, 422}, type="application/json", code="nested_too_deep"),
          write("[" * 100000, {400, 422}, type="application/json", code="nested_too_deep")),
    limit("csv_columns_max", 5,
          *[write(f"time,{names}\n2024-01-01,{cells}", type="text/csv", query="measurement=m") for names, cells in (("a,b,c", "1,2,3"), ("a,b,c,d", "1,2,3,4"))],
          write("time,a,b,c,d,e\n2024-01-01,1,2,3,4,5", 422, type="text/csv", query="measurement=m&ignore=e", code="too_many_fields")),
    limit("series_max", 10,
          write("\n".join(f"m,host=h{n},dc=a f=1 1" for n in range(10))),
          write("m,host=h11,dc=a f=1 1", {400, 422}, contains=["series_limit", "host"]),
          write("m,host=h3,dc=a f=2 2"), write("m,host=h9,dc=a f=2 2\nm,host=new,dc=a f=2 2", {400, 422}, contains="series_limit"),
          get("/v1/series?measurement=m", json={"items": [Any(dict)] * 10})),
    limit("measurement_fields_max", 4,
          write(f"m {fields(3)} 1"), write("m f003=1 2"),
          write("m f004=1 3", {400, 422}, contains="too_many_fields"),
          write("other f004=1 3"), write("m f000=5 9")),
    limit("points_per_second_max", 100,
          write(lines(100)), refused_after("points_per_second_max", lambda n: lines(100), {429}, "rate_limited", 20),
          call(lambda run: time.sleep(1.2)), write(lines(50))),
    limit("record_bytes_max", 65536,
          write("\n".join(f"m s=\"{'x' * 1000}{n}\" {n}" for n in range(40))),
          write("\n".join(f"m s=\"{'x' * 1000}{n}\" {n}" for n in range(100)), 413, code="record_too_large"),
          query("measurement=m&epoch=ns&fields=s&limit=1000&format=csv", that=lambda run, answer: lines_of(run, answer, 41))),

    limit("query_rows_max", 1000,
          *[write("\n".join(f"{name} f=1 {n}" for n in range(count))) for name, count in (("a", 999), ("b", 1000), ("c", 1001))],
          *[query(f"measurement={name}&every=1s&agg=sum", rows=[[Any(str), float(count)]]) for name, count in (("a", 999), ("b", 1000))],
          query("measurement=c", 422, code="query_rows_limit")),
    limit("query_bytes_max", 4096,
          *[write("\n".join(f"m f={math.sin(k * 1000 + n)!r} {k * 1000 + n}" for n in range(1000))) for k in range(3)], query("measurement=m&limit=1", json={"next": Any(str)}),
          request("POST", "/v1/admin/flush"), query("measurement=m", 422, code="query_bytes_limit"),
          query("measurement=m&agg=max", json={"series": [Any(dict)]}),
          title="of blocks; explain.py has its borders"),
    limit("query_groups_max", 100,
          write(lines(1000)),
          *[query(f"measurement=m&start=0&end={n}&every=1ns&agg=sum&epoch=ns", rows=[[k, 1.0] for k in range(n)]) for n in (99, 100)],
          query("measurement=m&start=0&end=101&every=1ns&agg=sum", 422, code="query_groups_limit"),
          query("measurement=m&start=0&end=9223372036854775807&every=1ns&agg=sum", 422, code="query_groups_limit")),
    limit("query_series_max", 10,
          write("\n".join(f"m,host=h{n:02} f=1 1" for n in range(11))),
          query("measurement=m&match=host!%3Dh10", json={"series": [Any(dict)] * 10}),
          query("measurement=m", 422, code="too_many_series")),
    limit("query_memory_bytes_max", 1 << 20,
          write("\n".join(f"m f={n}.5,g={n}.25,h={n}.125 {n}" for n in range(200))),
          *[write("\n".join(f"big s=\"{n:06}{'x' * 500}\" {n}" for n in range(k * 2000, k * 2000 + 2000))) for k in range(6)],
          query("measurement=m&epoch=ns&limit=1", rows=[[0, 0.5, 0.25, 0.125]]),
          query("measurement=big&every=1ns&agg=first&start=0&end=100", json={"series": [Any(dict)]}),
          query("measurement=big&every=1ns&agg=first&start=0&end=2000", 422, code="query_memory_limit", contains="(query_memory_bytes_max)"),
          query("measurement=m&epoch=ns&limit=1", rows=[[0, 0.5, 0.25, 0.125]])),
    limit("queries_bytes_max", 16 << 20,
          *[write("\n".join(f"big s=\"{n:06}{'x' * 500}\" {n}" for n in range(k * 2000, k * 2000 + 2000))) for k in range(16)],
          query("measurement=big&every=1ns&agg=first&start=0&end=32000", 422, code="query_memory_limit", contains="(queries_bytes_max, of all"),
          held("/v1/query?measurement=big&every=1ns&agg=first&start=0&end=12000&format=csv", 1,
               query("measurement=big&every=1ns&agg=first&start=0&end=100", json={"series": [Any(dict)]}),
               query("measurement=big&every=1ns&agg=first&start=0&end=12000", 503, code="overloaded", contains="(queries_bytes_max)")),
          soon("/v1/query?measurement=big&every=1ns&agg=first&start=0&end=12000")),
    limit("query_result_bytes_max", 65536,
          write("\n".join(f"m f={n} {n}" for n in range(20000))),
          query("measurement=m&end=500&epoch=ns", rows=[[n, float(n)] for n in range(500)]),
          call(lambda run: cut_result(run, "/v1/query?measurement=m&epoch=ns"))),
    limit("query_ms_max", 10,
          *[write("\n".join(f"m f={n} {n}" for n in range(k * 50000, k * 50000 + 50000))) for k in range(8)],
          call(lambda run: timed_out(run, "/v1/query?measurement=m&every=1ns&agg=mean,first,last,min,max,sum&start=0&end=400000")),
          query("measurement=m&epoch=ns&end=1", rows=[[0, 0.0]])),
    limit("queries_max", 2,
          *[write("\n".join(f"m f={n} {n}" for n in range(k * 50000, k * 50000 + 50000))) for k in range(4)],
          held("/v1/query?measurement=m&every=1ns&agg=mean,min,max&start=0&end=200000&format=csv", 1, query("measurement=m&limit=1", json={"next": Any(str)})),
          held("/v1/query?measurement=m&every=1ns&agg=mean,min,max&start=0&end=200000&format=csv", 2,
               query("measurement=m&limit=1", 429, code="too_many_queries", contains="2 queries")),
          soon("/v1/query?measurement=m&limit=1")),
    limit("live_max", 1, call(lambda run: live_readers(run, 1)), write("m f=1 1")),
    limit("live_interval_ms_max", 10, write("m f=1 1"), call(lambda run: live_readers(run, 1))),
    limit("live_heartbeat_ms_max", 100, write("m f=1 1"), call(lambda run: live_readers(run, 1))),
    limit("page_rows_max", 100,
          write(lines(1000)),
          query("measurement=m&limit=100", json={"next": Any(str)}), query("measurement=m&limit=99", json={"next": Any(str)}),
          query("measurement=m&limit=101", 400, code="bad_parameter", contains="100")),
    limit("sources_max", 3, call(lambda run: sources(run, 3))),
    limit("tenant_trials_max", 2, call(lambda run: trials(run, 2, 429, "too_many_trials")), more=TRIALS),
    limit("tenant_trials_max", 0, call(lambda run: trials(run, 0, 429, "too_many_trials")), title="none", more=TRIALS),
    limit("trials_max", 2, call(lambda run: trials(run, 2, 503, "overloaded")), more=TRIALS),
    limit("trial_ms_max", 300, call(lambda run: trial_is_late(run)), more=TRIALS),

    limit("connections_max", 16, call(lambda run: connections(run, 16)), write("m f=1 1")),
    limit("header_ms_max", 1000,
          call(lambda run: slow(run, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", 0.2, {408, None})), get("/healthz")),
    limit("body_ms_max", 1000,
          call(lambda run: slow(run, b"POST /v1/points HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nm f=1 1\n", 0.2, {408, None})),
          query("measurement=m", rows=[])),
    limit("idle_ms_max", 1000,
          call(lambda run: slow(run, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 30, {200}))),
    limit("ingest_bytes_max", 1 << 20,
          write(lines(10)),
          call(lambda run: budget(run)), write(lines(10))),
    limit("column_cache_bytes_max", 256 << 10,
          *times(4, lambda n: write("\n".join(f"m,host=h{k % 4} a={k * 0.37},b={k} {n * 1000000 + k}" for k in range(8000)))),
          request("POST", "/v1/admin/flush"), call(lambda run: columns_kept(run, 256 << 10))),
    limit("column_cache_bytes_max", 0,
          write("\n".join(f"m a={k * 0.37} {k}" for k in range(3000))), request("POST", "/v1/admin/flush"),
          call(lambda run: columns_kept(run, 0)), title="nothing is kept"),
    limit("local_packs_bytes_max", 1,
          write("\n".join(f"m,host=h{k % 4} a={k * 0.37},s=\"{k * 7919 % 100003:x}\" {k}" for k in range(40000))), request("POST", "/v1/admin/compact"),
          call(lambda run: time.sleep(2.5)), metric("weir_packs_went_total", 0),
          query("measurement=m&every=1d&agg=count&fields=a&epoch=ns", rows=[[0, 40000]]), title="what no shard has stays"),
    limit("head_bytes_max", 8 << 20,
          refused_after("head_bytes_max", lambda n: "\n".join(f"m,host=h{k} a={n}.5,b=\"{'x' * 50}{n}\" {n * 1000 + k}" for k in range(1000)),
                        {503, 204}, None, 100),
          request("POST", "/v1/admin/flush"), write("m,host=h1 a=1.5 1"), title="writes wait or are told to", more=[]),
    limit("generation_bytes_max", 1 << 20,
          *times(20, lambda n: write("\n".join(f"m,host=h{k} a={n}.5,b=\"{'x' * 100}\" {n * 1000 + k}" for k in range(1000)))),
          call(lambda run: seals_alone(run, "generation_bytes_max"))),
    limit("generation_age_ms_max", 1000,
          write("m f=1 1"), call(lambda run: seals_alone(run, "generation_age_ms_max")), query("measurement=m&epoch=ns", rows=[[1, 1.0]])),
    limit("compact_packs_max", 3,
          *times(2, lambda n: write(f"m f={n} {n}")), *[step for n in range(2) for step in (write(f"m g={n} {n}"), request("POST", "/v1/admin/flush"))],
          call(lambda run: time.sleep(2.5)), metric("weir_compactions_total", 0),
          write("m f=9 9"), request("POST", "/v1/admin/flush"), call(lambda run: merges_alone(run)),
          query("measurement=m&epoch=ns", rows=[[0, 0.0, 0.0], [1, 1.0, 1.0], [9, 9.0, None]])),
    limit("compact_percent_max", 1,
          write("\n".join(f"m f={n}.25,s=\"{n * 7919}\" {n}" for n in range(30000))), request("POST", "/v1/admin/flush"),
          write("\n".join(f"m f={n}.5 {n}" for n in range(30000))),
          call(lambda run: slow_merge(run)), query("measurement=m&epoch=ns&limit=1", json={"next": Any(str)})),
    limit("compact_percent_max", 100,
          write("\n".join(f"m f={n}.25 {n}" for n in range(30000))), request("POST", "/v1/admin/compact"),
          query("measurement=m&epoch=ns&every=1d&agg=count", rows=[[0, 30000]]), title="all of a core's time"),
    limit("wal_bytes_max", 64 << 20,
          *times(30, lambda n: write("\n".join(f"m,host=h{k} s=\"{n}{'x' * 200}\" {n}" for k in range(1000)), {204, 503})),
          request("POST", "/v1/admin/flush"), write("m,host=h1 s=\"y\" 1")),
    limit("idempotency_keys_max", 3,
          *[write(f"m f={n} {n}", headers={"Idempotency-Key": f'"key-{n}"'}) for n in range(4)],
          write("m f=99 99", 422, headers={"Idempotency-Key": '"key-3"'}, code="idempotency_mismatch"),
          write("m f=98 98", 204, headers={"Idempotency-Key": '"key-0"'})),
    limit("idempotency_ms_max", 1000,
          write("m f=1 1", headers={"Idempotency-Key": '"k"'}), write("m f=2 2", 422, headers={"Idempotency-Key": '"k"'}),
          call(lambda run: time.sleep(1.2)), write("m f=2 2", headers={"Idempotency-Key": '"k"'})),
    scenario("limits out of their range, unknown ones and words are refused at start",
             call(lambda run: bad_flags(run))),
]


def live_readers(run, count):
    """So many come in, and one more where live_max says so."""
    streams = [Stream(run) for _ in range(count)]
    if any(stream.answer.status != 200 or not stream.next() for stream in streams):
        run.fail(f"{count} readers are within the limit")
    if "live_max" in run.scenario["name"]:
        run.request("GET", "/v1/live?measurement=m", 429, code="too_many_live_readers")
    run.request("POST", "/v1/points", 204, body="m f=2 2", headers={"Content-Type": "text/plain"})
    for stream in streams:
        want(run, stream.rows()[0], [(2, None, "added", 2.0)])
        stream.close()


def trial(run, port, want, body=None, **rest):
    document = {"name": "x", "schedule": {"every": "1h"}, "request": {"url": f"http://127.0.0.1:{port}/"}, "decode": "json", "rows": "/*",
                "time": {"path": "t"}, "measurement": "m", "values": [{"path": "v", "field": "v"}], "limits": {"concurrency": 8}}
    return run.request("POST", "/v1/sources:test", want, headers={"Content-Type": "application/json"},
                       body=json.dumps({"document": document, **({} if body is None else {"body": body})}), **rest)


def sources(run, most):
    """So many names, of which one may be used again, and no other."""
    def put(name, want, **rest):
        document = {"schedule": {"every": "1d"}, "request": {"url": "http://127.0.0.1:9/"}, "decode": "json", "rows": "/*",
                    "time": {"path": "t"}, "measurement": "m", "values": [{"path": "v", "field": "v"}], "paused": True}
        run.request("PUT", f"/v1/sources/{name}", want, headers={"Content-Type": "application/json"}, body=json.dumps(document), **rest)

    run.request("PUT", "/v1/secrets/key", 201, headers={"Content-Type": "application/json"}, body='{"value": "v", "hosts": ["a.example"]}')
    for n in range(most):
        put(f"s{n}", 201)
    put("more", 422, code="too_many_sources", contains=f"{most} sources")
    put("s0", 200)
    run.request("DELETE", "/v1/sources/s0", 204)
    put("more", 422, code="too_many_sources")
    put("s0", 201)


def trials(run, count, status, code):
    """So many wait for their pages, in whose time questions are answered by the only thread that they have; one more is refused."""
    with socket.create_server(("127.0.0.1", 0)) as remote:
        port, pages, waiting = remote.getsockname()[1], [], []
        for _ in range(count):
            waiting.append(threading.Thread(target=trial, args=(run, port, 200)))
            waiting[-1].start()
            pages.append(remote.accept()[0])
        refused = trial(run, port, status, code=code)
        if "retry-after" not in refused.headers:
            run.fail(f"{refused.headers}")
        trial(run, port, 200, body="[]")
        run.request("GET", "/v1/query?measurement=m", {200, 404})
        for page in pages:
            page.recv(4096)
            page.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]")
            page.close()
        for thread in waiting:
            thread.join()


def trial_is_late(run):
    with socket.create_server(("127.0.0.1", 0)) as remote:
        trial(run, remote.getsockname()[1], 504, code="timeout", contains="limit trial_ms_max")


def not_depth(run, answer):
    if "nested_too_deep" in answer.text():
        run.fail("eight brackets are within the limit of eight")


def lines_of(run, answer, count):
    if answer.text().count("\n") != count:
        run.fail(f"{answer.text().count(chr(10))} lines, wanted {count}")


def cut_result(run, path):
    """A result above its cap is refused, or cut so that the client sees a broken transfer."""
    import http.client
    try:
        answer = run.server.request("GET", path)
    except (http.client.IncompleteRead, ConnectionError):
        return
    if answer.status != 422:
        run.fail(f"wanted 422 or a broken transfer, got {answer.status} with {len(answer.body)} bytes")
    run.check("GET", path, answer, 422, "query_result_limit", {})


def timed_out(run, path):
    import http.client
    try:
        answer = run.server.request("GET", path)
    except (http.client.IncompleteRead, ConnectionError):
        return
    run.check("GET", path, answer, {503, 504}, "timeout", {})


def budget(run):
    """Bodies that reserve more than there is are told to come back, before they are read."""
    held = []
    for _ in range(8):
        connection = socket.create_connection(run.server.address, timeout=5)
        connection.sendall(b"POST /v1/points HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 900000\r\n\r\nm f=1 1\n")
        held.append(connection)
    statuses = []
    deadline = time.monotonic() + 5
    while not statuses and time.monotonic() < deadline:
        for connection in held:
            connection.settimeout(0.1)
            try:
                piece = connection.recv(4096)
                if piece.startswith(b"HTTP/1.1 "):
                    statuses.append(int(piece.split(b" ")[1]))
                    with run.lock:
                        run.seen.add(("POST", "/v1/points", 503, "overloaded"))
            except OSError:
                pass
    for connection in held:
        connection.close()
    if not statuses or set(statuses) != {503}:
        run.fail(f"8 bodies of 900,000 bytes were promised with a budget of 1 MiB: {statuses}")


def bad_flags(run):
    program = run.server.program
    for flags, words in [(["--limit-tags-max", "many"], "tags"), (["--limit-tags-max", "-1"], "tags"),
                         (["--limit-tags-max", "18446744073709551616"], "tags"), (["--limit-tag-max", "5"], "tags")]:
        result = subprocess.run([program, "serve", "--data", run.data + "-none", "--listen", "127.0.0.1:0", *flags],
                                capture_output=True, text=True, timeout=20, env=clean_environment())
        if result.returncode == 0 or words not in result.stderr + result.stdout:
            run.fail(f"{flags}: exit {result.returncode}, {result.stderr[-300:]}")
