"""The catalog: /v1/measurements, /v1/series, /v1/tags/{k}/values, /v1/fields, with pages."""
import json
import urllib.parse

from steps import Any, call, get, quote, scenario, stable, write

SEED = ("cpu,host=a,region=eu user=1,on=t 1\ncpu,host=b,region=eu user=2i,note=\"x\" 1\n"
        "mem,host=c free=1u 1\nmem,rack=r1 free=1u 1")


def walk(path, member, limit):
    """All items of a list, page by page, equal the list in one page, without an item twice."""
    def go(run):
        whole = json.loads(run.request("GET", path + ("&" if "?" in path else "?") + "limit=1000").text())
        if whole["next"] is not None:
            run.fail("1000 items are not enough for this test")
        items, cursor = [], None
        while True:
            text = path + ("&" if "?" in path else "?") + f"limit={limit}"
            if cursor:
                text += "&cursor=" + urllib.parse.quote(cursor, safe="")
            answer = run.request("GET", text)
            page = json.loads(answer.text())
            if len(page["items"]) > limit or (page["next"] is None) == ("link" in answer.headers):
                run.fail(f"a page of {len(page['items'])}, next {page['next']}, Link {answer.headers.get('link')}")
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
            if len(items) > 2000:
                run.fail("pages without end")
        if items != whole["items"] or not items:
            run.fail(f"{len(items)} items in pages, {len(whole['items'])} in one: {member}")
    return call(go)


SCENARIOS = [
    scenario("measurements, sorted",
             get("/v1/measurements", json={"items": [], "next": None}),
             write(SEED),
             stable(get("/v1/measurements", json={"items": ["cpu", "mem"], "next": None}))),
    scenario("fields with their kinds and types",
             write(SEED),
             stable(get("/v1/fields?measurement=cpu", json={"items": [
                        {"field": "note", "kind": "string", "types": ["string"]}, {"field": "on", "kind": "bool", "types": ["bool"]},
                        {"field": "user", "kind": "number", "types": ["f64", "i64"]}]}),
                    get("/v1/fields?measurement=none", json={"items": []})),
             get("/v1/fields", 400, code="missing_parameter", contains="measurement")),
    scenario("series of a measurement, by matcher",
             write(SEED),
             stable(get("/v1/series?measurement=cpu&match=host%3Da",
                        json={"items": [{"measurement": "cpu", "tags": {"host": "a", "region": "eu"}}]}),
                    get("/v1/series?measurement=mem&match=host%3D", json={"items": [{"tags": {"rack": "r1"}}]}),
                    get("/v1/series?measurement=cpu", json={"items": [Any(dict), Any(dict)]}),
                    get("/v1/series?measurement=none", json={"items": []})),
             get("/v1/series?measurement=cpu&match=host", 400, code="bad_parameter")),
    scenario("tag keys",
             write(SEED),
             stable(get("/v1/tags", json={"items": ["host", "rack", "region"]}),
                    get("/v1/tags?measurement=cpu", json={"items": ["host", "region"]}))),
    scenario("values of a tag, of one measurement and of all",
             write(SEED),
             stable(get("/v1/tags/host/values", json={"items": ["a", "b", "c"]}),
                    get("/v1/tags/host/values?measurement=cpu", json={"items": ["a", "b"]}),
                    get("/v1/tags/none/values", json={"items": []}))),
    scenario("a tag key with bytes that a path must escape",
             write("m,a\\ b/ü=x f=1 1"),
             get(f"/v1/tags/{quote('a b/ü')}/values", json={"items": ["x"]})),
    scenario("pages of every list",
             write("\n".join(f"m{n % 13:02},host=h{n:03} f{n % 17:02}={n} 1" for n in range(300))
                   + "\n" + "\n".join(f"wide,host=h{n:03} f{n:03}=1 1" for n in range(150))),
             *[walk(path, path, limit) for path in ("/v1/measurements", "/v1/fields?measurement=wide",
                                                    "/v1/series?measurement=wide", "/v1/tags/host/values",
                                                    "/v1/tags/host/values?measurement=wide")
               for limit in (1, 7, 150)]),
    scenario("limits and cursors of lists are checked",
             get("/v1/measurements?limit=0", 400, code="bad_parameter"),
             get("/v1/measurements?limit=x", 400, code="bad_parameter"),
             get("/v1/measurements?cursor=%FF", 400, code="bad_cursor"),
             get("/v1/measurements?limt=1", 400, code="unknown_parameter", contains="limit"),
             get("/v1/series?measurment=cpu", 400, code="unknown_parameter", contains="measurement")),
]
