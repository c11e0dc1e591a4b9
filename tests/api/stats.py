"""GET /v1/stats: a row a field and group."""
import json
import random
import statistics

from steps import Any, Saved, call, flush, get, params, quote, request, scenario, stable, write

COLUMNS = ["field", "count", "missing", "min", "max", "mean", "std", "p5", "p25", "p50", "p75", "p95", "first", "last", "sum"]
HEAD = "field,host," + ",".join(COLUMNS[1:])

# a: v at 3 of 4 times; b: no v; c: texts and bools
ROWS = "\n".join(["m,host=a v=1,n=1i 10", "m,host=a v=2.5,n=2i 20", "m,host=a n=9i 30", "m,host=a v=4 40",
                  "m,host=b n=18446744073709551615u 10", 'm,host=c s="x",on=true 10', 'm,host=c s="y" 20'])


def stats(what, **rest):
    return get("/v1/stats?measurement=m&" + what, **rest)


def table(text, *rows):
    return stats(text + "&format=csv", text="".join(row + "\n" for row in rows))


def quantile(values, part):
    """NumPy's default: linear between the nearest ranks."""
    values = sorted(values)
    at = (len(values) - 1) * part
    low = int(at)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (at - low)


random.seed(5)
MANY = [[random.gauss(10, 4) for _ in range(3000)] for _ in range(3)]


def close(a, b):
    return abs(a - b) <= 1e-9 * max(1, abs(a), abs(b))


def check_many(run):
    """Against Python's own statistics, all three hosts as one group and apart."""
    for grouped in (False, True):
        answer = run.server.request("GET", "/v1/stats?measurement=many" + ("&group_by=host" if grouped else ""))
        series = json.loads(answer.text())["series"]
        want = MANY if grouped else [[v for host in MANY for v in host]]
        if len(series) != len(want):
            run.fail(f"{len(series)} groups, want {len(want)}")
        for one, values in zip(series, want):
            row = dict(zip(one["columns"], one["rows"][0]))
            told = {"count": len(values), "missing": 0, "min": min(values), "max": max(values), "mean": statistics.fmean(values),
                    "std": statistics.stdev(values), "sum": sum(values)}
            told.update({f"p{n}": quantile(values, n / 100) for n in (5, 25, 50, 75, 95)})
            if grouped:
                told.update(first=values[0], last=values[-1])
            for name, value in told.items():
                if not close(row[name], value):
                    run.fail(f"{one['tags']} {name}: {row[name]}, want {value}")


SCENARIOS = [
    scenario("of each field and group one row",
             write(ROWS),
             stable(table("group_by=host&fields=v,n", HEAD,
                          "n,a,3,1,1,9,4.0,4.358898943540674,1.1,1.5,2.0,5.5,8.3,1,9,12",
                          "v,a,3,1,1.0,4.0,2.5,1.5,1.15,1.75,2.5,3.25,3.85,1.0,4.0,7.5",
                          "n,b,1,0,18446744073709551615,18446744073709551615,1.8446744073709552e+19,,1.8446744073709552e+19,1.8446744073709552e+19,"
                          "1.8446744073709552e+19,1.8446744073709552e+19,1.8446744073709552e+19,18446744073709551615,18446744073709551615,18446744073709551615",
                          "v,b,0,1,,,,,,,,,,,,", "n,c,0,2,,,,,,,,,,,,", "v,c,0,2,,,,,,,,,,,,"),
                    table("match=host%3Dc&group_by=host&fields=s,on", HEAD, "on,c,1,1,,,,,,,,,,true,true,", "s,c,2,0,,,,,,,,,,x,y,"),
                    stats("match=host%3Da&fields=v", columns=COLUMNS,
                          rows=[["v", 3, 1, 1.0, 4.0, 2.5, 1.5, 1.15, 1.75, 2.5, 3.25, 3.85, 1.0, 4.0, 7.5]]))),
    scenario("ranges, conditions and computed columns",
             write(ROWS),
             stable(table("group_by=host&match=host%3Da&fields=v&start=20&end=40&epoch=ns", HEAD, "v,a,1,1,2.5,2.5,2.5,,2.5,2.5,2.5,2.5,2.5,2.5,2.5,2.5"),
                    table("group_by=host&fields=v&where=n%3E1&match=host%3Da", HEAD, "v,a,1,1,2.5,2.5,2.5,,2.5,2.5,2.5,2.5,2.5,2.5,2.5,2.5"),
                    table("group_by=host&fields=x&let=x%3Dv*n&match=host%3Da&end=20&epoch=ns", HEAD, "x,a,1,0,1.0,1.0,1.0,,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0"),
                    table("group_by=host&start=100", HEAD))),
    scenario("corrections, deletions and as_of",
             write(ROWS), get("/v1/query?measurement=m", save={"before": "as_of"}),
             write("m,host=a v=3 20"),
             request("DELETE", "/v1/points?measurement=m&match=host%3Da&start=40", 204),
             stable(table("group_by=host&match=host%3Da&fields=v", HEAD, "v,a,2,1,1.0,3.0,2.0,1.4142135623730951,1.1,1.5,2.0,2.5,2.9,1.0,3.0,4.0"),
                    get("/v1/stats?measurement=m&match=host%3Da&fields=v", params=params(as_of=Saved("before")),
                        rows=[["v", 3, 1, 1.0, 4.0, 2.5, 1.5, 1.15, 1.75, 2.5, 3.25, 3.85, 1.0, 4.0, 7.5]]))),
    scenario("as many values as NumPy would be asked for",
             *[write("\n".join(f"many,host=h{k} v={value!r} {n}" for n, value in enumerate(values))) for k, values in enumerate(MANY)],
             call(check_many), flush(), call(check_many)),
    scenario("flat shapes, NDJSON, and an ETag of its own",
             write(ROWS),
             stats("shape=rows&fields=v&match=host%3Db&group_by=host", json={"rows": [{"field": "v", "host": "b", "count": 0, "missing": 1, "sum": None}]}),
             stats("format=ndjson&fields=v&match=host%3Db", lines=[Any(dict), {"_end": {"rows": 1, "next": None}}]),
             stats("fields=v&match=host%3Db", save={"tag": "header:ETag"})),
    scenario("faults are named",
             write(ROWS),
             stats("limit=5", want=400, code="not_supported", contains="have no pages"),
             stats("cursor=x", want=400, code="not_supported", contains="have no pages"),
             stats("every=1h", want=400, code="unknown_parameter", contains="every"),
             stats("format=line_protocol", want=400, code="bad_parameter"),
             stats("where=" + quote("s>1"), want=400, code="bad_parameter", contains="holds strings"),
             get("/v1/stats", 400, code="missing_parameter", contains="measurement"),
             get("/v1/stats?measurement=none", json={"series": []})),
]
