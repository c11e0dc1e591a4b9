"""CSV and NDJSON in: the options, the shapes of published files, and what is bad in them."""
import json

from steps import query, quote, refused, scenario, stable, write


def csv(body, text="", want=204, **rest):
    return write(body, want, type="text/csv", query=text, **rest)


def bad(body, text, errors, **rest):
    return refused(body, errors, query=text, type="text/csv", **rest)


def ndjson(*points):
    return "".join((point if isinstance(point, str) else json.dumps(point)) + "\n" for point in points)


def point(**members):
    return {"measurement": "m", "time": 1, "fields": {"f": 1.5}, **members}


EPOCH = "measurement=m&time_format=epoch&precision=s"

SCENARIOS = [
    scenario("CSV: types by what cells hold, and tags",
             csv("time,host,a,b,on,note\r\n1,x,2,2.5,true,\"say \"\"hi\"\", twice\"\r\n2,y,,3,,\r\n", EPOCH + "&tags=host"),
             stable(query("measurement=m&epoch=s&fields=a,b,on,note&match=host=x", columns=["time", "a", "b", "on", "note"],
                          rows=[[1, 2, 2.5, True, 'say "hi", twice']]),
                    query("measurement=m&epoch=s&fields=a,b,on,note&match=host=y", rows=[[2, None, 3.0, None, None]]))),
    scenario("CSV: date and time in two columns, semicolons, a text for no value",
             csv("\ufeffDate;Time;Power;Volts\n31/1/2007;23:45:00;0.234;245.880\n3/2/2007;00:51:00;?;239.710\n4/2/2007;00:00:00;?;?\n",
                 f"measurement=h&separator=semicolon&time=Date,Time&time_format={quote('%d/%m/%Y %H:%M:%S')}&null=%3F"),
             stable(query("measurement=h", columns=["time", "Power", "Volts"],
                          rows=[["2007-01-31T23:45:00Z", 0.234, 245.88], ["2007-02-03T00:51:00Z", None, 239.71]]))),
    scenario("CSV: a spreadsheet's day and a period",
             csv('"Date","Period","Temp"\r\n36526,1,13.7\r\n36526,48,13.5\r\n',
                 "measurement=v&time=Date&time_format=excel&period=Period&period_length=30m&tz=%2B10:00"),
             query("measurement=v", rows=[["1999-12-31T14:00:00Z", 13.7], ["2000-01-01T13:30:00Z", 13.5]])),
    scenario("CSV: local times, the hour that comes twice and the one that never comes",
             csv("time,v\n2024-10-27 00:30,1\n2024-10-27 01:30,2\n2024-10-27 01:30,3\n2024-10-27 02:30,4\n", "measurement=l&tz=Europe/London"),
             query("measurement=l", rows=[["2024-10-26T23:30:00Z", 1], ["2024-10-27T00:30:00Z", 2], ["2024-10-27T01:30:00Z", 3],
                                          ["2024-10-27T02:30:00Z", 4]]),
             bad("time,v\n2024-03-31 00:30,1\n2024-03-31 01:30,2\n", "measurement=l&tz=Europe/London", [(3, "bad_time")],
                 contains="2024-03-31 01:30:00 was on no clock"),
             csv("time,v\n2024-06-01,1\n", "measurement=n&tz=America/New_York"),
             query("measurement=n", rows=[["2024-06-01T04:00:00Z", 1]])),
    scenario("CSV: declared types, ignored columns, only some fields",
             csv("time,zip,load,junk\n1,00123,7,NaN\n", EPOCH + "&types=zip:string,load:f64&ignore=junk"),
             query("measurement=m&epoch=s", columns=["time", "load", "zip"], rows=[[1, 7.0, "00123"]]),
             csv("time,a,b\n1,2,3\n", "measurement=o&time_format=epoch&precision=s&fields=b"),
             query("measurement=o&epoch=s", columns=["time", "b"], rows=[[1, 3]])),
    scenario("CSV: without a header, with another one, with a column of measurements",
             csv("1,x,3\n", EPOCH + "&header=no&columns=time,,v"),
             query("measurement=m&epoch=s", columns=["time", "v"], rows=[[1, 3]]),
             csv("a,a\n2,4\n", EPOCH + "&header=skip&columns=time,v"),
             query("measurement=m&epoch=s", rows=[[1, 3], [2, 4]]),
             csv("time,name,host,value\n1,temp,a,20.5\n1,door,a,open\n", "measurement_column=name&tags=host&time_format=epoch&precision=s"),
             query("measurement=temp&epoch=s", rows=[[1, 20.5]]), query("measurement=door&epoch=s", rows=[[1, "open"]])),
    scenario("CSV: tabs, pipes and decimal commas",
             csv("time\tv\n1\t2.5\n", EPOCH + "&separator=tab"), csv("time|v\n2|3.5\n", EPOCH + "&separator=%7C"),
             csv("time;v\n3;\"4,5\"\n4;5\n", EPOCH + "&separator=%3B&decimal=comma"),
             query("measurement=m&epoch=s", rows=[[1, 2.5], [2, 3.5], [3, 4.5], [4, 5.0]])),
    scenario("CSV: every bad row is told and nothing is kept; on_error=skip keeps the good ones",
             bad("time,f\n1,2\nx,3\n2,3,4\n3,abc\n4,NaN\n5,x\"y\n", EPOCH,
                 [(3, "bad_time"), (4, "bad_syntax"), (5, "field_type_conflict"), (6, "not_finite"), (7, "bad_syntax")], contains="types=f:string"),
             query("measurement=m", rows=[]),
             csv("time,f\n1,2\nx,3\n2,3\n", EPOCH + "&on_error=skip", 200, json={"accepted": 2, "rejected": 1}),
             query("measurement=m&epoch=s", rows=[[1, 2], [2, 3]]),
             bad("time,f\n3,text\n", EPOCH, [(2, "field_type_conflict")])),
    scenario("CSV: a bad header or parameter is told by its name",
             csv("date,f\n1,2\n", EPOCH, 400, code="bad_parameter", contains=["there is no column", "date, f"], json={"parameter": "time"}),
             csv("time,f\n1,2\n", EPOCH + "&tags=host", 400, code="bad_parameter", json={"parameter": "tags"}),
             csv("time,f,f\n1,2,3\n", EPOCH, 400, code="duplicate_field"),
             csv("time,f,\n1,2,3\n", EPOCH, 400, code="bad_syntax", contains="header=skip"),
             csv("time\n1\n", EPOCH, 400, code="no_fields"),
             csv("time,f\n1,2\n", "", 400, code="missing_parameter", json={"parameter": "measurement"}),
             csv("time,f\n1,2\n", "measurement=m&tz=Mars", 400, code="bad_parameter", contains="tz database"),
             csv("time,f\n1,2\n", "measurement=m&time_format=%25H", 400, code="bad_parameter", contains="no year"),
             csv("time,f\n1,2\n", "measurement=m&precision=s", 400, code="bad_parameter", json={"parameter": "precision"}),
             csv("", "measurement=m")),
    scenario("parameters of CSV are refused with other bodies",
             *[write("m f=1 1", 400, query=text, code="bad_parameter", contains="text/csv alone")
               for text in ("time_format=excel", "measurement=m", "tz=UTC", "null=x&null=y")],
             write("[]", 400, type="application/json", query="tags=a", code="bad_parameter"),
             write("", 400, type="application/x-ndjson", query="tags=a", code="bad_parameter")),
    scenario("NDJSON: a point a line",
             *[write(ndjson(point(time=n), "", point(measurement="o", tags={"a": "b"}, time=n)), type=type)
               for n, type in enumerate(("application/x-ndjson", "application/jsonl", "application/x-ndjson; charset=utf-8"))],
             stable(query("measurement=m&epoch=ns", rows=[[0, 1.5], [1, 1.5], [2, 1.5]]),
                    query("measurement=o&epoch=ns", series=[({"a": "b"}, [[0, 1.5], [1, 1.5], [2, 1.5]])])),
             write("", type="application/x-ndjson")),
    scenario("NDJSON: a bad line is told and harms no other",
             refused(ndjson(point(), "{", point(fields={}), '{"measurement":"m"} x', point(time="noon")),
                     [(2, "bad_syntax"), (3, "no_fields"), (4, "bad_syntax"), (5, "bad_time")], type="application/x-ndjson"),
             query("measurement=m", rows=[]),
             write(ndjson(point(), "{", point(time=2)), 200, type="application/jsonl", query="on_error=skip",
                   json={"accepted": 2, "rejected": 1, "errors": [{"line": 2, "code": "bad_syntax"}]}),
             query("measurement=m&epoch=ns", rows=[[1, 1.5], [2, 1.5]])),
]
