"""PyPI influxdb-client, the client of InfluxDB 2."""
from checks import check, failure, points, task, want
from influxdb_client import InfluxDBClient, Point, WriteOptions
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException


def connect(token, **more):
    return InfluxDBClient(url=task["url"], token=token, org="any", **more)


client = connect(task["writer"])


for number, unit in enumerate(task["units"]):
    @check(f"writes points in {unit}" + (", gzip" if number % 2 else ""))
    def write():
        with connect(task["writer"], enable_gzip=bool(number % 2)) as other, other.write_api(write_options=SYNCHRONOUS) as api:
            rows = []
            for tags, fields, time in points(unit):
                point = Point(f"{task['measurement']}-{unit}").time(time, unit)
                for name, value in tags.items():
                    point.tag(name, value)
                for name, value in fields.items():
                    if name != "u":
                        point.field(name, float(value) if name == "f" else value)
                rows.append(point)
            for at in range(0, len(rows), 100):
                api.write("any", record=rows[at:at + 100], write_precision=unit)


@check("503 with Retry-After is waited for and sent again")
def slow():
    seen = []
    options = WriteOptions(batch_size=500, flush_interval=1000, jitter_interval=0, retry_interval=100, max_retries=50, max_retry_time=60000)
    with connect(task["slow"]) as other, other.write_api(write_options=options, retry_callback=lambda *arguments: seen.append(arguments[-1]),
                                                         error_callback=lambda *arguments: print("FAILED a batch:", arguments[-1])) as api:
        for n in range(task["slow_points"]):
            api.write("any", record=Point("slow").field("n", n).time(n, "ns"))
    want(seen and all(error.response.status == 503 for error in seen), f"503 on the way, got {seen}")


@check("a bad line is an ApiException with its line and reason")
def bad():
    with client.write_api(write_options=SYNCHRONOUS) as api:
        error = failure(ApiException, lambda: api.write("any", record=["kinds f=1 1", "kinds f=oops 2"]))
    want(error.status == 400 and 'partial write: line 2: column 9: field "f": oops' in error.message, f"the reason, got {error}")


@check("a wrong token is 401, one without the scope 403")
def strangers():
    for token, status in (("wrong", 401), (task["reader"], 403)):
        with connect(token) as other, other.write_api(write_options=SYNCHRONOUS) as api:
            want(failure(ApiException, lambda: api.write("any", record="kinds f=1")).status == status, status)


@check("ping, version, health and ready")
def probes():
    want(client.ping() and client.version() == task["version"], task["version"])
    want(client.health().status == "pass" and client.health().name == "weir", "pass")
    want(client.ready().status == "ready", "ready")


@check("buckets and Flux are not implemented, and say so")
def buckets():
    for test in (lambda: client.buckets_api().find_buckets(), lambda: client.query_api().query("buckets()")):
        error = failure(ApiException, test)
        want(error.status == 501 and "/v1/query" in error.message, f"501, got {error}")


client.close()
