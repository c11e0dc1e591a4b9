"""PyPI influxdb, the client of InfluxDB 1."""
from checks import check, failure, points, task, want
from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError


def connect(password, **more):
    return InfluxDBClient(task["host"], task["port"], "any", password, "any", **more)


client = connect(task["writer"])


for number, unit in enumerate(task["units"]):
    @check(f"writes points in {unit}" + (", gzip" if number % 2 else ""))
    def write():
        rows = [{"measurement": f"{task['measurement']}-{unit}", "tags": tags, "time": time,
                 "fields": {name: float(value) if name == "f" else value for name, value in fields.items() if name != "u"}}
                for tags, fields, time in points(unit)]
        connect(task["writer"], gzip=bool(number % 2)).write_points(rows, time_precision=unit, batch_size=100)


@check("ping tells the version")
def ping():
    want(client.ping() == task["version"], task["version"])


@check("databases are listed and made")
def databases():
    want({"name": "main"} in client.get_list_database(), "main")
    client.create_database("another one")


@check("a bad line is an error with its line and reason")
def bad():
    error = failure(InfluxDBClientError, lambda: client.write(["kinds f=1 1", "kinds f=oops 2"], {"db": "any"}, 204, "line"))
    want(error.code == 400 and "partial write: line 2: column 9: field" in error.content, f"the reason, got {error}")


@check("a wrong password is 401, a token without the scope 403")
def strangers():
    for password, status in (("wrong", 401), (task["reader"], 403)):
        error = failure(InfluxDBClientError, lambda: connect(password).write_points([{"measurement": "kinds", "fields": {"f": 1.0}}]))
        want(error.code == status, f"{status}, got {error}")


@check("a query is an error that says where to ask")
def query():
    want("/v1/query" in str(failure(InfluxDBClientError, lambda: client.query("select * from kinds"))), "/v1/query")
