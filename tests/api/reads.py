"""GET and POST /v1/query: ranges, matchers, order, pages, windows, formats, conditions, errors."""
import json
import re

from steps import ABSENT, Any, Saved, call, params, query, request, scenario, stable, write

HOSTS = "\n".join(f"cpu,host={host},region={region} user={n}.5,sys={n}i {n * 1000}"
                  for host, region in [("a", "eu"), ("b", "eu"), ("c", "us")] for n in range(5))
A, B, C = {"host": "a", "region": "eu"}, {"host": "b", "region": "eu"}, {"host": "c", "region": "us"}


def rows(first, last):
    return [[n * 1000, n, n + 0.5] for n in range(first, last)]


def match(*expressions):
    return query("measurement=cpu&epoch=ns", params=params(match=list(expressions)))


def matched(expressions, tags):
    step = match(*expressions)
    step["checks"]["series"] = [(item, rows(0, 5)) for item in tags]
    return step


def problem(text, code, status=400, **rest):
    return query(text, status, code=code, **rest)


def pages(text, page):
    """The pages one after another are what the whole is."""
    def walk(run):
        whole = json.loads(run.request("GET", f"/v1/query?{text}&shape=rows").text())
        got, path, count = [], f"/v1/query?{text}&shape=rows&limit={page}", 0
        while path:
            answer = run.request("GET", path)
            body = json.loads(answer.text())
            part = body if isinstance(body, list) else body["rows"]
            if len(part) > page:
                run.fail(f"{len(part)} rows on a page of {page}")
            got += part
            count += 1
            link = re.search(r'<([^>]+)>\s*;\s*rel="?next', answer.headers.get("link", ""))
            path = link.group(1) if link else None
            if path and path.startswith("http"):
                path = "/" + path.split("/", 3)[3]
            if count > 1000:
                run.fail("pages without end")
        whole = whole if isinstance(whole, list) else whole["rows"]
        if got != whole:
            run.fail(f"{len(got)} rows in {count} pages are not the {len(whole)} of the whole: {got[:3]} {whole[:3]}")
    return call(walk)


BIG = "\n".join(f"p,host=h{s:02} v={n}i {n * 10 + s}" for s in range(7) for n in range(33))

SCENARIOS = [
    scenario("all series of a measurement, and ranges are half open",
             write(HOSTS),
             stable(query("measurement=cpu&epoch=ns", series=[(A, rows(0, 5)), (B, rows(0, 5)), (C, rows(0, 5))]),
                    query("measurement=cpu&epoch=ns&match=host%3Da&start=1970-01-01T00:00:00.000001Z&end=1970-01-01T00:00:00.000003Z",
                          rows=rows(1, 3)),
                    query("measurement=cpu&epoch=ns&match=host%3Da&start=1000&end=3001", rows=rows(1, 4)),
                    query("measurement=cpu&epoch=ns&match=host%3Da&start=4001", rows=[]))),
    scenario("matchers: =, !=, =~, !~, anchored, an absent tag is empty",
             write(HOSTS),
             matched(["host=a"], [A]), matched(["host!=a"], [B, C]), matched(["host=~a|c"], [A, C]),
             matched(["host=~[ab]"], [A, B]), matched(["host!~a|b"], [C]), matched(["region=eu", "host!=a"], [B]),
             matched(["host=~.*", "region=~e."], [A, B]), matched(["rack="], [A, B, C]), matched(["rack!="], []),
             matched(["host="], []), matched(["host=~b.+"], [])),
    scenario("fields chosen, in the order asked for",
             write(HOSTS),
             query("measurement=cpu&epoch=ns&match=host%3Da&fields=user,sys&end=1", columns=["time", "user", "sys"], rows=[[0, 0.5, 0]]),
             query("measurement=cpu&epoch=ns&match=host%3Da&fields=user&end=1", columns=["time", "user"], rows=[[0, 0.5]]),
             query("measurement=cpu&epoch=ns&fields=nothing", rows=[])),
    scenario("a row that has none of the fields asked for is not there",
             write("m f=1 1\nm g=2 2\nm f=3,g=3 3"),
             stable(query("measurement=m&epoch=ns&fields=f", rows=[[1, 1.0], [3, 3.0]]),
                    query("measurement=m&epoch=ns", rows=[[1, 1.0, None], [2, None, 2.0], [3, 3.0, 3.0]]))),
    scenario("order=desc turns the times round, limit cuts",
             write(HOSTS),
             query("measurement=cpu&epoch=ns&match=host%3Da&order=desc", rows=list(reversed(rows(0, 5)))),
             query("measurement=cpu&epoch=ns&match=host%3Da&limit=2", rows=rows(0, 2), json={"next": Any(str)}),
             query("measurement=cpu&epoch=ns&match=host%3Da&limit=5", rows=rows(0, 5)),
             query("measurement=cpu&epoch=ns&match=host%3Da&order=desc&limit=1", rows=rows(4, 5))),
    scenario("pages of any size are the whole",
             write(BIG),
             *[pages(f"measurement=p&epoch=ns{more}", page) for page in (1, 7, 33, 34, 230, 231, 1000)
               for more in ("", "&order=desc")],
             request("POST", "/v1/admin/flush"), pages("measurement=p&epoch=ns", 10)),
    scenario("a cursor keeps its S: what is written between pages is not seen",
             write(BIG), query("measurement=p&match=host%3Dh00&epoch=ns&limit=5", save={"cursor": "next"}),
             write("p,host=h00 v=99i 55\np,host=h00 v=99i 60"),
             query("measurement=p&match=host%3Dh00&epoch=ns&limit=3", params=params(cursor=Saved("cursor")),
                   rows=[[n * 10, n] for n in range(5, 8)])),
    scenario("a cursor of another question, or damaged, is refused",
             write(BIG), query("measurement=p&limit=5", save={"cursor": "next"}),
             query("measurement=q&limit=5", 400, params=params(cursor=Saved("cursor")), code="bad_cursor"),
             query("measurement=p&limit=5&cursor=xx", 400, code="bad_cursor"),
             query("measurement=p&limit=5&cursor=", 400, code="bad_cursor")),
    scenario("windows: count, sum, min, max, mean, first, last, over all series",
             write("\n".join(f"m,host={h} f={n}.5,i={n}i {n}" for h in "ab" for n in range(10))),
             stable(query("measurement=m&epoch=ns&every=4ns&agg=count,sum,min,max,mean,first,last&fields=f",
                          columns=["time"] + [f"{name}_f" for name in ("count", "sum", "min", "max", "mean", "first", "last")],
                          rows=[[0, 8, 16.0, 0.5, 3.5, 2.0, 0.5, 3.5], [4, 8, 48.0, 4.5, 7.5, 6.0, 4.5, 7.5],
                                [8, 4, 36.0, 8.5, 9.5, 9.0, 8.5, 9.5]]),
                    query("measurement=m&epoch=ns&every=5ns&agg=sum,max&fields=i", rows=[[0, 20, 4], [5, 70, 9]]))),
    scenario("group_by: per tag, several tags, * = per series",
             write("\n".join(f"m,host={h},dc={d} f={v} 1" for h, d, v in [("a", 1, 1), ("b", 1, 2), ("c", 2, 4)])),
             query("measurement=m&epoch=ns&every=1s&agg=sum&group_by=dc", series=[({"dc": "1"}, [[0, 3.0]]), ({"dc": "2"}, [[0, 4.0]])]),
             query("measurement=m&epoch=ns&every=1s&agg=sum&group_by=host,dc", series=[
                 ({"host": h, "dc": d}, [[0, v]]) for h, d, v in [("a", "1", 1.0), ("b", "1", 2.0), ("c", "2", 4.0)]]),
             query("measurement=m&epoch=ns&every=1s&agg=sum&group_by=*", series=[
                 ({"host": h, "dc": d}, [[0, v]]) for h, d, v in [("a", "1", 1.0), ("b", "1", 2.0), ("c", "2", 4.0)]]),
             query("measurement=m&epoch=ns&every=1s&agg=sum&group_by=", series=[({}, [[0, 7.0]])])),
    scenario("windows align to the epoch, also before it",
             write("m f=1 -1\nm f=2 0\nm f=4 86399999999999\nm f=8 86400000000000"),
             query("measurement=m&epoch=ns&start=-86400000000000&every=1d&agg=sum",
                   rows=[[-86400000000000, 1.0], [0, 6.0], [86400000000000, 8.0]])),
    scenario("integer sums are exact beyond i64; f64 sums keep what cancels",
             write("m i=9223372036854775807i,f=1e16 1\nm i=9223372036854775807i,f=1 2\nm i=1i,f=-1e16 3"),
             stable(query("measurement=m&epoch=ns&every=1s&agg=sum&fields=f", rows=[[0, 1.0]]),
                    query("measurement=m&epoch=ns&every=1s&agg=count,min,max&fields=i", rows=[[0, 3, 1, 2 ** 63 - 1]]))),
    scenario("agg without every is one window over the range",
             write(HOSTS),
             query("measurement=cpu&epoch=ns&agg=count,max&fields=sys&start=0&end=10000", rows=[[0, 15, 4]])),
    scenario("epoch units, and RFC 3339 with as many digits as needed",
             write("m f=1 1700000000123456789\nm f=2 1700000001500000000"),
             query("measurement=m", rows=[["2023-11-14T22:13:20.123456789Z", 1.0], ["2023-11-14T22:13:21.500Z", 2.0]]),
             query("measurement=m&epoch=us", rows=[[1700000000123456, 1.0], [1700000001500000, 2.0]]),
             query("measurement=m&epoch=ms", rows=[[1700000000123, 1.0], [1700000001500, 2.0]]),
             query("measurement=m&epoch=s", rows=[[1700000000, 1.0], [1700000001, 2.0]])),
    scenario("NDJSON, by format= and by Accept",
             write(HOSTS),
             *[query("measurement=cpu&epoch=ns&match=host%3Da&end=1001" + more, headers=head,
                     headers_out={"Content-Type": re.compile("^application/x-ndjson")},
                     lines=[{"time": 0, "host": "a", "region": "eu", "sys": 0, "user": 0.5},
                            {"time": 1000, "host": "a", "region": "eu", "sys": 1, "user": 1.5},
                            {"_end": {"rows": 2, "next": None}}])
               for more, head in [("&format=ndjson", {}), ("", {"Accept": "application/x-ndjson"}),
                                  ("&format=ndjson", {"Accept": "text/csv"})]]),
    scenario("line protocol keeps each value's type and can be written again",
             write("m,host=a\\,b f=1,i=-2i,u=3u,on=true,s=\"say \\\"hi\\\"\" 1"),
             *[query("measurement=m" + more, headers=head, headers_out={"Content-Type": re.compile("^text/plain")},
                     contains=["m,host=a\\,b f=1.0,i=-2i,on=true,s=\"say \\\"hi\\\"\",u=3u 1\n# {\"_end\":{\"rows\":1,"])
               for more, head in [("&format=line_protocol", {}), ("", {"Accept": "text/plain"})]],
             query("measurement=m&format=line_protocol&agg=count&fields=f", 400, code="bad_parameter")),
    scenario("CSV has a header row and quotes",
             write("m,host=a\\,b f=1,s=\"say \\\"hi\\\"\" 1"),
             query("measurement=m&epoch=ns&format=csv", contains=['"a,b"', '"say ""hi"""']),
             query("measurement=m&epoch=ns", headers={"Accept": "text/csv"}, contains='"a,b"'),
             query("measurement=none&format=csv", headers_out={"Content-Type": re.compile("^text/csv")})),
    scenario("Accept that nobody can serve is 406; */* and lists are JSON",
             write(HOSTS),
             query("measurement=cpu", 406, headers={"Accept": "image/png"}, code="not_acceptable", contains="application/json"),
             query("measurement=cpu", headers={"Accept": "*/*"}, headers_out={"Content-Type": re.compile("^application/json")}),
             query("measurement=cpu", headers={"Accept": "text/html, application/json;q=0.9, */*;q=0.1"},
                   headers_out={"Content-Type": re.compile("^application/json")}),
             query("measurement=cpu&format=xml", 400, code="bad_parameter", contains="csv")),
    scenario("POST with a form asks the same",
             write(HOSTS),
             request("POST", "/v1/query", body="measurement=cpu&epoch=ns&match=host%3Da&end=1001",
                     headers={"Content-Type": "application/x-www-form-urlencoded"}, rows=rows(0, 2)),
             request("POST", "/v1/query?measurement=cpu", 415, body="{}", headers={"Content-Type": "text/csv"},
                     code="unsupported_media_type")),
    scenario("an ETag changes only when the answer can; equal gives 304 without a body",
             write(HOSTS), write("other f=1 1"),
             query("measurement=cpu", save={"tag": "header:ETag"}, headers_out={"Cache-Control": re.compile("no-cache")}),
             query("measurement=cpu", 304, headers={"If-None-Match": Saved("tag")}, empty=True,
                   headers_out={"ETag": Saved("tag")}),
             query("measurement=cpu", 304, headers={"If-None-Match": "*"}),
             query("measurement=cpu&fields=user", headers={"If-None-Match": Saved("tag")}),
             query("measurement=cpu&format=csv", headers={"If-None-Match": Saved("tag")}),
             write("cpu,host=z user=1 1"),
             query("measurement=cpu", 200, headers={"If-None-Match": Saved("tag")}, save={"after": "header:ETag"}),
             request("DELETE", "/v1/points?measurement=cpu&match=host%3Dz&start=0&end=10", {200, 204}),
             query("measurement=cpu", 200, headers={"If-None-Match": Saved("after")})),
    scenario("an answer is compressed when the client takes it",
             write("\n".join(f"m f={n} {n}" for n in range(1000))),
             *[query("measurement=m&epoch=ns", headers={"Accept-Encoding": name}, headers_out={"Content-Encoding": name},
                     that=lambda run, answer, name=name: check_compressed(run, answer, name)) for name in ("gzip", "zstd")],
             query("measurement=m", headers_out={"Content-Encoding": ABSENT}),
             query("measurement=m", headers={"Accept-Encoding": "identity"}, headers_out={"Content-Encoding": ABSENT})),
    scenario("what was never written is an empty answer",
             query("measurement=none", json={"series": [], "next": None, "partial": False})),
    scenario("HEAD is GET without the body",
             write(HOSTS), request("HEAD", "/v1/query?measurement=cpu", empty=True,
                                   headers_out={"Content-Type": re.compile("^application/json")})),
    scenario("every parameter is checked, and the answer names it",
             write(HOSTS),
             problem("", "missing_parameter", contains="measurement"),
             *[problem(f"measurement=cpu&{name}={value}", "bad_parameter", contains=name)
               for name, value in [("start", "noon"), ("end", "2023-13-01"), ("every", "1x"), ("every", "0s"), ("every", "-1s"),
                                   ("order", "up"), ("limit", "0"), ("limit", "-1"), ("limit", "many"), ("epoch", "h"),
                                   ("match", "host"), ("match", "=a"), ("match", "host%3D~("), ("as_of", "noon"),
                                   ("versions", "some"), ("strict", "perhaps"), ("shape", "round")]],
             problem("measurement=cpu&every=1s&agg=average", "bad_parameter", contains="mean"),
             problem("measurement=cpu&every=1s", "bad_parameter", contains="agg"),
             problem("measurement=cpu&start=5&end=5", "bad_parameter"),
             problem("measurement=cpu&start=6&end=5", "bad_parameter"),
             problem("measurement=cpu&start=0&start=1", "bad_parameter", contains="start"),
             problem("measurement=", "bad_parameter", contains="measurement")),
    scenario("an unknown parameter is refused with the nearest name",
             *[problem(f"measurement=cpu&{wrong}=1", "unknown_parameter", contains=near) for wrong, near in [
                 ("feilds", "fields"), ("strat", "start"), ("ende", "end"), ("limt", "limit"), ("groupby", "group_by"), ("asof", "as_of")]]),
]


def check_compressed(run, answer, name):
    import subprocess
    import zlib
    if name == "gzip":
        plain = zlib.decompress(answer.body, 31)
    else:
        plain = subprocess.run(["zstd", "-dc"], input=answer.body, capture_output=True, check=True).stdout
    if len(json.loads(plain)["series"][0]["rows"]) != 1000:
        run.fail("the compressed answer is another")
