"""DELETE /v1/points: a tombstone, which as_of sees before."""
from steps import Saved, get, params, query, request, scenario, stable, write


def delete(text, want=(200, 204), **rest):
    return request("DELETE", "/v1/points?" + text, set(want) if isinstance(want, tuple) else want, **rest)


FOUR = "\n".join(f"m,host={host} f={n},g={n} {n}" for host in "ab" for n in range(4))
A, B = {"host": "a"}, {"host": "b"}


def span(first, last):
    return [[n, float(n), float(n)] for n in range(first, last)]


SCENARIOS = [
    scenario("a range of one series is hidden, half open, and as_of sees before",
             write(FOUR), query("measurement=m", save={"before": "as_of"}),
             delete("measurement=m&match=host%3Da&start=1970-01-01T00:00:00.000000001Z&end=1970-01-01T00:00:00.000000003Z"),
             stable(query("measurement=m&epoch=ns", series=[(A, span(0, 1) + span(3, 4)), (B, span(0, 4))]),
                    query("measurement=m&epoch=ns", params=params(as_of=Saved("before")),
                          series=[(A, span(0, 4)), (B, span(0, 4))]),
                    query("measurement=m&epoch=ns&every=1d&agg=count,sum", columns=["time", "count_f", "sum_f", "count_g", "sum_g"], rows=[[0, 6, 9.0, 6, 9.0]]))),
    scenario("columns alone",
             write(FOUR), delete("measurement=m&start=0&end=10&fields=f"),
             stable(query("measurement=m&epoch=ns&match=host%3Da", columns=["time", "f", "g"], rows=[[n, None, float(n)] for n in range(4)]),
                    query("measurement=m&epoch=ns&match=host%3Da&fields=f", rows=[]))),
    scenario("what is written after a deletion is there",
             write(FOUR), delete("measurement=m&start=0&end=10"), query("measurement=m", rows=[]),
             write("m,host=a f=7 2"),
             stable(query("measurement=m&epoch=ns", series=[(A, [[2, 7.0, None]])]))),
    scenario("a deletion after sealing hides what packs hold",
             write(FOUR), request("POST", "/v1/admin/flush"), delete("measurement=m&match=host%3Db&start=0&end=10"),
             stable(query("measurement=m&epoch=ns", series=[(A, span(0, 4))]))),
    scenario("parameters: what is deleted must be said",
             write(FOUR),
             delete("start=0&end=10", 400, code="missing_parameter", contains="measurement"),
             delete("measurement=m&start=5&end=5", 400, code="bad_parameter"),
             delete("measurement=m&start=5&end=1", 400, code="bad_parameter"),
             delete("measurement=m&start=noon&end=10", 400, code="bad_parameter", contains="start"),
             delete("measurement=m&start=0&end=10&match=host", 400, code="bad_parameter", contains="match"),
             delete("measurement=m&start=0&end=10&match=host%3D~(", 400, code="bad_parameter", contains="match"),
             delete("measurement=m&start=0&end=10&fileds=f", 400, code="unknown_parameter", contains="fields"),
             query("measurement=m&epoch=ns", series=[(A, span(0, 4)), (B, span(0, 4))])),
    scenario("without a range all times are meant",
             write(FOUR + "\nn f=1 1"), delete("measurement=m&match=host%3Da"),
             stable(query("measurement=m&epoch=ns", series=[(B, span(0, 4))]), query("measurement=n&epoch=ns", rows=[[1, 1.0]]))),
    scenario("what is erased is hidden from as_of too",
             write(FOUR), query("measurement=m", save={"before": "as_of"}),
             delete("measurement=m&match=host%3Da&start=0&end=10&erase=true", 200, json={"erased": True}),
             stable(query("measurement=m&epoch=ns", series=[(B, span(0, 4))]),
                    query("measurement=m&epoch=ns", params=params(as_of=Saved("before")), series=[(B, span(0, 4))]))),
    scenario("what does not exist can be deleted, and nothing happens",
             delete("measurement=nothing&start=0&end=10"), get("/v1/measurements", json={"items": []})),
]
