"""POST /v1/query with JSON: the question of a URL, and joins of selections on time and groups, compared with
what Python makes of the selections' own answers."""
import json
import os
import re
import urllib.parse

from steps import call, flush, hangup, params, query, raw, request, scenario, stable, write
from tenants import bearer, tenant, tenants_file, token

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "reference", "query.md")
JSON = {"Content-Type": "application/json"}


def ask(document, want=200, headers=None, **rest):
    body = document if isinstance(document, (str, bytes)) else json.dumps(document)
    return request("POST", "/v1/query", want, body=body, headers={**JSON, **(headers or {})}, **rest)


def refused(document, code, pointer, want=400, part=""):
    return ask(document, want, code=code, contains=part, json={"pointer": pointer})


# Two zones, half-hourly with holes; a station three times a day; times in seconds.
LINES = "\n".join(
    [f"load,zone={zone} power={n * 7 % 31 + base}.25,n={n * base}i {n * 1800 * 10**9}"
     for zone, base in [("north", 1), ("south", 5)] for n in range(200) if n % (base + 6)] +
    [f"weather,station=oslo temp={n % 5}.5,rain={n}i {(n * 8 * 3600 + 1800) * 10**9}" for n in range(12)])

LOAD = {"measurement": "load", "agg": ["mean", "count"], "fields": ["power"], "every": "1h"}
BY_ZONE = {**LOAD, "group_by": ["zone"]}
DAILY = {"measurement": "weather", "agg": ["mean", "sum"], "every": "1d"}
RAW = {"measurement": "weather", "fields": ["temp"], "match": {"station": "oslo"}}


def single(run, selection, around):
    """The rows of one selection by group: {(zone,): {time: [values]}}, and its columns."""
    question = {**{k: v for k, v in around.items() if k in ("start", "end", "as_of")},
                **{k: v for k, v in selection.items() if k != "spread"}, "epoch": "s"}
    if "agg" in question and "every" in around:
        question.setdefault("every", around["every"])
    body = json.loads(run.request("POST", "/v1/query", body=json.dumps(question), headers=JSON).text())
    groups, columns = {}, []
    for series in body["series"]:
        columns = series["columns"][1:]
        key = tuple(series["tags"].get(tag, "") for tag in selection.get("group_by", []))
        groups[key] = {row[0]: row[1:] for row in series["rows"]}
    return groups, columns


def held(rows, time, spread):
    before = [at for at in rows if at <= time and (spread is True or time - at < spread)]
    return rows[max(before)] if before else None


def joined(run, selections, around, kind):
    """As Python joins them: {group: [[time, values...]]}."""
    parts = [(selection, *single(run, selection, around)) for selection in selections.values()]
    grouped = [groups for selection, groups, _ in parts if selection.get("group_by")]
    keys = sorted({key for groups in grouped for key in groups}) or [()]
    if kind == "inner":
        keys = [key for key in keys if all(key in groups for groups in grouped)]
    if kind == "left" and parts[0][0].get("group_by"):
        keys = [key for key in keys if key in parts[0][1]]
    answer = {}
    for key in keys:
        rows = [(groups.get(key if selection.get("group_by") else (), {}), selection.get("spread"), columns)
                for selection, groups, columns in parts]
        driving = [set(own) for own, spread, _ in rows if not spread]
        times = driving[0] if kind == "left" else set.union(*driving)
        out = []
        for time in sorted(times):
            values = [held(own, time, spread if spread is True else 6 * 3600) if spread else own.get(time)
                      for own, spread, _ in rows]
            if kind == "inner" and None in values:
                continue
            out.append([time, *[v for part, (_, _, columns) in zip(values, rows) for v in part or [None] * len(columns)]])
        if out:
            answer[key] = out
    return answer


def same_as_python(selections, around=None, descending=False):
    def check(run):
        for kind in ("inner", "left", "outer"):
            document = {"selections": selections, "join": kind, "epoch": "s", **(around or {})}
            if descending:
                document["order"] = "desc"
            body = json.loads(run.request("POST", "/v1/query", body=json.dumps(document), headers=JSON).text())
            got = {tuple(series["tags"].values()): series["rows"] for series in body["series"]}
            want = joined(run, selections, around or {}, kind)
            if descending:
                want = {key: rows[::-1] for key, rows in want.items()}
            if got != want or list(got) != list(want):
                run.fail(f"{kind} join of {selections}: {str(got)[:600]}\nwanted {str(want)[:600]}")
            if kind == "outer" and not got:
                run.fail("a join of nothing proves nothing")
    return call(check)


def as_of_then(run):
    """A join at an earlier S is what the selections were then, also beside what they are now."""
    before = json.loads(run.request("POST", "/v1/query", body=json.dumps(
        {"selections": {"a": RAW, "b": LOAD}, "epoch": "s"}), headers=JSON).text())
    run.request("POST", "/v1/points", 204, body="weather,station=oslo temp=99.5 1800000000000\nload,zone=north power=1 1",
                headers={"Content-Type": "text/plain"})
    again = json.loads(run.request("POST", "/v1/query", body=json.dumps(
        {"selections": {"a": RAW, "b": LOAD}, "epoch": "s", "as_of": before["as_of"]}), headers=JSON).text())
    if again["series"] != before["series"]:
        run.fail("an earlier S gives other rows than it gave then")
    both = json.loads(run.request("POST", "/v1/query", body=json.dumps(
        {"selections": {"now": RAW, "then": {**RAW, "as_of": before["as_of"]}}, "epoch": "s",
         "let": "change = now.temp - then.temp", "limit": 1}), headers=JSON).text())
    if both["series"][0]["rows"] != [[1800, 99.5, 0.5, 99.0]]:
        run.fail(f"now beside then: {both}")


def url_and_json_agree(run):
    """What a URL asks and what JSON asks is one question, pages included."""
    for text, document in [
            ("fields=power,n&match=zone%3Dnorth&limit=9", {"fields": ["power", "n"], "match": {"zone": "north"}, "limit": 9}),
            ("agg=mean,p95&every=1d&group_by=zone&fill=0", {"agg": ["mean", "p95"], "every": "1d", "group_by": "zone", "fill": 0}),
            ("where=power%3E20&where=n%3C100&start=3600000000000", {"where": ["power>20", "n<100"], "start": 3600000000000}),
            ("let=x%3Dpower*2&fields=x&downsample=m4&points=20", {"let": "x=power*2", "fields": "x", "downsample": "m4", "points": 20}),
            ("top=3,power&strict=true", {"top": [3, "power"], "strict": True})]:
        path = "/v1/query?measurement=load&epoch=ns&" + text
        document = {"measurement": "load", "epoch": "ns", **document}
        for page in range(3):
            first = json.loads(run.request("GET", path).text())
            second = json.loads(run.request("POST", "/v1/query", body=json.dumps(document), headers=JSON).text())
            if first["series"] != second["series"] or first["next"] != second["next"] or not first["series"]:
                run.fail(f"{path}: {str(first)[:300]} {str(second)[:300]}")
            if not first["next"]:
                break
            path = path.split("&cursor")[0] + "&cursor=" + urllib.parse.quote(first["next"])
            document["cursor"] = first["next"]


def example_of_docs(run):
    """docs/reference/query.md, Joins: its lines, question and answer."""
    text = open(DOCS, encoding="utf-8").read()
    lines, question, answer = (re.search(rf"```{kind}\n(.*?)```", text, re.S).group(1) for kind in ("lines", "question", "answer"))
    run.request("POST", "/v1/points", 204, body=lines, headers={"Content-Type": "text/plain"})
    got = run.request("POST", "/v1/query", body=question, headers=JSON).text()
    if got != answer:
        run.fail(f"got\n{got}\nwanted\n{answer}")


def etag(run):
    document = json.dumps({"selections": {"a": RAW, "b": LOAD}, "start": 0})
    first = run.request("POST", "/v1/query", body=document, headers=JSON)
    tagged = {**JSON, "If-None-Match": first.headers["etag"]}
    run.request("POST", "/v1/query", 304, body=document, headers=tagged)
    run.request("POST", "/v1/points", 204, body="load,zone=west power=3 7", headers={"Content-Type": "text/plain"})
    run.request("POST", "/v1/query", 200, body=document, headers=tagged)


def padded(size):
    """A question of exactly so many bytes."""
    text = json.dumps({"measurement": "load", "limit": 1})
    return text + " " * (size - len(text))


def chunked(size):
    body = padded(size).encode()
    head = b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return head + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


SCENARIOS = [
    scenario("a question as JSON is that of a URL", write(LINES), call(url_and_json_agree), flush(), call(url_and_json_agree)),
    scenario("joins are those that Python makes of the single answers",
             write(LINES),
             stable(same_as_python({"load": BY_ZONE, "weather": RAW}),
                    same_as_python({"weather": RAW, "load": BY_ZONE}),
                    same_as_python({"load": BY_ZONE, "weather": {**DAILY, "spread": True}}),
                    same_as_python({"load": BY_ZONE, "weather": {**RAW, "spread": "6h"}}, {"start": 36000, "end": 190000}),
                    same_as_python({"load": BY_ZONE, "weather": {**RAW, "spread": True}}, descending=True),
                    same_as_python({"load": BY_ZONE, "other": {**BY_ZONE, "every": "2h", "where": "power>20"}, "weather": {**DAILY, "spread": True}}),
                    same_as_python({"a": {**BY_ZONE, "match": {"zone": "north"}}, "b": {**BY_ZONE, "match": "zone!=west"}}),
                    same_as_python({"a": {"measurement": "load", "agg": "max"}, "b": {"measurement": "weather", "agg": ["min"], "fill": "previous"}},
                                   {"every": "4h", "start": 0, "end": 300000}),
                    same_as_python({"a": LOAD, "b": RAW, "c": {**DAILY, "spread": True}}))),
    scenario("a join has a moment", write(LINES), call(as_of_then)),
    scenario("the example of the docs", call(example_of_docs)),
    scenario("all formats",
             write("a v=1i 10\na v=2i 20\nb w=5 20"),
             stable(*[ask({"selections": {"a": {"measurement": "a"}, "b": {"measurement": "b"}}, "epoch": "ns", **more}, **checks)
                      for more, checks in [
                          ({}, {"json": {"series": [{"tags": {}, "columns": ["time", "a.v", "b.w"], "rows": [[10, 1, None], [20, 2, 5.0]]}], "next": None}}),
                          ({"shape": "rows"}, {"json": {"rows": [{"time": 10, "a.v": 1, "b.w": None}, {"time": 20, "a.v": 2, "b.w": 5.0}]}}),
                          ({"format": "csv"}, {"text": "time,a.v,b.w\n10,1,\n20,2,5.0\n"}),
                          ({"format": "ndjson", "limit": 1}, {"contains": '{"time":10,"a.v":1,"b.w":null}\n{"_end":{"rows":1,'}),
                          ({"join": "inner", "int64": "string", "format": "ndjson"}, {"contains": '{"time":"20","a.v":"2","b.w":5.0}\n'})]])),
    scenario("an ETag of all selections", write(LINES), call(etag)),
    scenario("errors point into the document",
             write(LINES),
             refused({"selections": {"load": {**LOAD, "every": "1x"}}}, "bad_parameter", "/selections/load/every"),
             refused({"selections": {"load": {**LOAD, "evry": "1h"}}}, "unknown_parameter", "/selections/load/evry", part="did you mean"),
             refused({"selections": {"load": LOAD}, "start": "yesterday"}, "bad_parameter", "/start"),
             refused({"selections": {"load": LOAD}, "cursor": "x"}, "not_supported", "/cursor"),
             refused({"selections": {"load": {"measurement": "load"}}}, "bad_parameter", "/selections/load/match", part="2 series"),
             refused({"selections": {"load": LOAD}, "let": "x=load.mean_pover"}, "bad_parameter", "/let", part="load.mean_power"),
             refused({"selections": {"load": LOAD}, "as_of": "2200-01-01T00:00:00Z"}, "as_of_in_future", "/as_of"),
             refused({"selections": {"load": LOAD}, "format": "line_protocol"}, "bad_parameter", "/format"),
             refused({"measurement": "load", "fields": ["a", 1]}, "bad_parameter", "/fields/1"),
             ask("{", 400, code="bad_syntax"), ask("[" * 9 + "]" * 9, 400, code="nested_too_deep"), ask("", 400, code="missing_parameter"),
             request("POST", "/v1/query?limit=1", 400, body="{}", headers=JSON, code="bad_parameter", json={"parameter": "limit"}),
             ask('{"measurement":"load"}', 415, headers={"Content-Encoding": "gzip"}, code="unsupported_encoding"),
             request("POST", "/v1/query", 415, body="x", headers={"Content-Type": "text/csv"}, code="unsupported_media_type",
                     headers_out={"Accept-Post": "application/json, application/x-www-form-urlencoded"}),
             request("GET", "/v1/query", 400, body="{}", headers=JSON),
             request("POST", "/v1/query", 200, body="measurement=load&limit=1", headers={"Content-Type": "application/x-www-form-urlencoded"}),
             request("POST", "/v1/query?measurement=load&limit=1", 200)),
    scenario("a body has at most 64 KiB",
             write(LINES),
             ask(padded(65535)), ask(padded(65536)), ask(padded(65537), 413, code="body_too_large"),
             raw(chunked(65536), [200]), raw(chunked(65537), [413])),
    scenario("memory is limited over all selections",
             write("\n".join(f"m,s={s} v={n}.5 {n}" for s in "ab" for n in range(20000))),
             ask({"selections": {"a": {"measurement": "m", "match": {"s": "a"}}}, "limit": 1}),
             ask({"selections": {name: {"measurement": "m", "match": {"s": "a"}} for name in "abcd"}, "limit": 1}, 422,
                 code="query_memory_limit"),
             flags=["--limit-query-memory-bytes-max", "1400000"]),
    scenario("rows are limited over all selections",
             write("\n".join(f"m v={n} {n}" for n in range(600))),
             ask({"selections": {"a": {"measurement": "m"}}, "limit": 1}),
             ask({"selections": {"a": {"measurement": "m"}, "b": {"measurement": "m"}}, "limit": 1}, 422, code="query_rows_limit"),
             flags=["--limit-query-rows-max", "1000"]),
    scenario("a join sees its own tenant alone",
             write("m v=1 1", headers=bearer("aall")), write("m v=2 1\nn w=3 1", headers=bearer("ball")),
             *[ask({"selections": {"a": {"measurement": "m"}, "b": {"measurement": "n"}}, "format": "csv", "epoch": "ns"},
                   headers=bearer(name), text=text)
               for name, text in [("aall", "time,a.v\n1,1.0\n"), ("ball", "time,a.v,b.w\n1,2.0,3.0\n")]],
             ask({"selections": {"a": {"measurement": "m"}}}, 401),
             tenants=[tenant("alpha", token("aall")), tenant("beta", token("ball"))]),
]
