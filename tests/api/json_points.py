"""JSON in: the three shapes, and what is bad in them."""
from steps import query, refused, scenario, stable, write


def point(**members):
    return {"measurement": "m", "time": 1, "fields": {"f": 1.5}, **members}


def bad(body, errors, **rest):
    return refused(body, errors, type="application/json", **rest)


SCENARIOS = [
    scenario("an object with points, and a bare array",
             write({"points": [{"measurement": "cpu", "tags": {"host": "a"}, "time": 1700000000000000000,
                                "fields": {"user": 1.5, "n": 3, "on": True, "note": "x"}}]}),
             write([{"measurement": "cpu", "tags": {"host": "a"}, "time": "2023-11-14T22:13:21Z",
                     "fields": {"user": 2}}]),
             stable(query("measurement=cpu&epoch=ns&fields=user,n,on,note", columns=["time", "user", "n", "on", "note"],
                          rows=[[1700000000000000000, 1.5, 3, True, "x"],
                                [1700000001000000000, 2, None, None, None]]))),
    scenario("numbers without point or exponent are i64, others f64",
             write('[{"measurement":"m","time":1,"fields":{"a":1,"b":1.0,"c":1e0,"d":9223372036854775807,'
                   '"e":-9223372036854775808,"z":-0.0}}]', type="application/json"),
             stable(query("measurement=m&epoch=ns", rows=[[1, 1, 1.0, 1.0, 2 ** 63 - 1, -2 ** 63, -0.0]]))),
    scenario("times: RFC 3339 with an offset, an integer with precision, absent = now",
             write([point(time="1970-01-01T01:00:00.000000001+01:00")]),
             write([point(time=7)], query="precision=s"),
             write([{"measurement": "now", "fields": {"f": 1}}]),
             query("measurement=m&epoch=ns", rows=[[1, 1.5], [7000000000, 1.5]]),
             query("measurement=now&start=now-1m&end=now%2B1m", that=lambda run, answer: one_row(run, answer))),
    scenario("null retracts a field",
             write([point(fields={"f": 1.5, "g": 2.5})]),
             write([point(fields={"f": None})]),
             stable(query("measurement=m&epoch=ns", columns=["time", "f", "g"], rows=[[1, None, 2.5]]))),
    scenario("escapes and unicode in JSON strings",
             write('[{"measurement":"m","tags":{"k\\u00e9":"\\ud83d\\ude00 \\"x\\""},"time":1,"fields":'
                   '{"s":"tab\\tnewline\\n quote\\" back\\\\ \\u20ac"}}]', type="application/json"),
             stable(query("measurement=m&epoch=ns",
                          series=[({"ké": "\U0001f600 \"x\""}, [[1, "tab\tnewline\n quote\" back\\ €"]])]))),
    scenario("content types with parameters and case",
             write([point()], type="Application/JSON; charset=utf-8"),
             write("m f=2 2", type="text/plain; charset=utf-8"),
             write("m f=3 3", type=None),
             query("measurement=m&epoch=ns", rows=[[1, 1.5], [2, 2.0], [3, 3.0]])),
    scenario("every bad point is told by its place, and nothing is kept",
             bad([point(), point(fields={"f": [1]}), point(time="noon"), point(fields={}), {"fields": {"f": 1}},
                  point(time=2 ** 63)],
                 [(2, {"bad_syntax", "bad_number"}), (3, "bad_time"), (4, "no_fields"), (5, {"bad_syntax", "bad_name", "missing_parameter"}),
                  (6, {"time_out_of_range", "number_out_of_range", "bad_syntax", "bad_time"})]),
             bad([point(), point(fields={"f": "text"}), point(time=3), point(fields={"f": True})],
                 [(2, "field_type_conflict"), (4, "field_type_conflict")]),
             query("measurement=m", rows=[])),
    scenario("JSON that is not JSON, or not points",
             write('{"points":[{"measurement":"m"', 400, type="application/json", code="bad_syntax"),
             write('[] trailing', 400, type="application/json", code="bad_syntax"),
             write('"text"', 400, type="application/json", code="bad_syntax"),
             write('{"point":[]}', 400, type="application/json", code="bad_syntax"),
             write('', 400, type="application/json", code="bad_syntax"),
             write(b'[{"measurement":"\xff","fields":{"f":1}}]', 400, type="application/json"),
             write("[]", 204, type="application/json"),
             query("measurement=m", rows=[])),
    scenario("members of wrong types are bad points",
             *[bad([point(**members)], [(1, codes)]) for members, codes in [
                 ({"measurement": 5}, {"bad_syntax", "bad_name"}), ({"tags": []}, "bad_syntax"),
                 ({"tags": {"a": 1}}, "bad_syntax"), ({"fields": []}, {"bad_syntax", "no_fields"}),
                 ({"fields": {"f": [1]}}, {"bad_syntax", "bad_number"}), ({"fields": {"f": {}}}, {"bad_syntax", "bad_number"}),
                 ({"time": 1.5}, "bad_time"), ({"time": True}, {"bad_time", "bad_syntax"}), ({"extra": 1}, {"bad_syntax", "bad_name"}),
                 ({"measurement": ""}, {"bad_name", "bad_syntax"}), ({"tags": {"": "x"}}, {"bad_name", "bad_syntax"})]]),
    scenario("a member twice is refused",
             write('[{"measurement":"m","time":1,"fields":{"f":1,"f":2}}]', 400, type="application/json"),
             write('[{"measurement":"m","measurement":"n","time":1,"fields":{"f":1}}]', 400, type="application/json"),
             query("measurement=m", rows=[])),
    scenario("integers beyond i64 and floats beyond f64",
             write('[{"measurement":"m","time":1,"fields":{"f":18446744073709551616}}]', 400, type="application/json"),
             write('[{"measurement":"m","time":1,"fields":{"f":1e999}}]', 400, type="application/json"),
             write('[{"measurement":"m","time":1,"fields":{"f":NaN}}]', 400, type="application/json"),
             query("measurement=m", rows=[])),
    scenario("on_error=skip for JSON points",
             write([point(), point(time="noon"), point(time=3)], 200, query="on_error=skip",
                   json={"accepted": 2, "rejected": 1, "errors": [{"line": 2, "code": "bad_time"}]}),
             query("measurement=m&epoch=ns", rows=[[1, 1.5], [3, 1.5]])),
]


def one_row(run, answer):
    import json
    series = json.loads(answer.text())["series"]
    if len(series) != 1 or len(series[0]["rows"]) != 1:
        run.fail(f"wanted one row, got {series}")
