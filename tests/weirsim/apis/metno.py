"""MET Norway: who asks has to say who he is, to keep to Expires, and to send Last-Modified back as it came."""
import re

from weirsim.message import Response, answer_html, answer_json
from weirsim.times import DAY, HOUR, http_date, iso
from weirsim.values import Series, hash_of
from weirsim.world import refuse

DETAILS = {"air_temperature": ("celsius", 40, 120, 25), "air_pressure_at_sea_level": ("hPa", 10050, 80, 30),
           "relative_humidity": ("%", 550, 250, 60), "wind_speed": ("m/s", 45, 15, 20)}
RAIN = (-8, 9, 7)
RUN = 6 * HOUR
NOBODY = re.compile(r"(?i)^(curl|wget|python|java|okhttp|go-http|mozilla|libwww|axios|node)?([/ -].*)?$")
CONTACT = re.compile(r"@|https?://|[a-zA-Z]\.[a-zA-Z]{2,}")


def series_of(latitude, longitude, name):
    shape = RAIN if name == "precipitation_amount" else DETAILS[name][1:]
    return Series("metno", f"{float(latitude):.2f},{float(longitude):.2f}/{name}", *shape, 1, HOUR)


def issued_at(world, now):
    """The last run of the model, which is there some minutes after its hour."""
    run = now // RUN * RUN
    ready = run + 900 + hash_of(world.seed, "metno", "run", run) % 1800
    return (run, ready) if ready <= now else issued_at(world, run - 1)


def coordinates(request):
    for name, most in (("lat", 90), ("lon", 180)):
        text = request.one(name)
        if text is None or not re.fullmatch(r"-?\d+(\.\d+)?", text) or abs(float(text)) > most:
            refuse(answer_html(400, "Bad Request", f"{name} is missing or out of range"))
        if len(text.partition(".")[2]) > 4:
            refuse(answer_html(403, "Forbidden", "Too many decimals: truncate coordinates to 4"))
    return request.one("lat"), request.one("lon")


def precise(value):
    return max(0.0, value) if isinstance(value, float) else value


def timeseries(world, latitude, longitude, run, spoil=lambda series, time, value: value):
    """(time, details, rain of the next hour or None): hours for two days, then every six."""
    for time in [*range(run, run + 2 * DAY, HOUR), *range(run + 2 * DAY, run + 9 * DAY, 6 * HOUR)]:
        details = {}
        for name in DETAILS:
            series = series_of(latitude, longitude, name)
            details[name] = spoil(series, time, world.values.forecast(series, time, run))
        rain = world.values.forecast(series_of(latitude, longitude, "precipitation_amount"), time, run)
        yield time, details, (precise(rain) if time < run + 2 * DAY else None)


def compact(world, request, version):
    agent = request.header("User-Agent") or ""
    if NOBODY.match(agent) or not CONTACT.search(agent):
        refuse(answer_html(403, "Forbidden", "Identify yourself by a User-Agent with a way to reach you"))
    full = world.limits.take("metno", request.wall)
    if full:
        refuse(answer_html(429, "Too Many Requests", "Please reduce the traffic", wait_until=full[1]))
    latitude, longitude = coordinates(request)
    run, ready = issued_at(world, request.now)
    modified = http_date(ready)
    expires = request.wall + 1500 + hash_of(world.seed, "metno", request.target, int(request.wall // 1500)) % 900
    headers = [("Expires", http_date(expires)), ("Last-Modified", modified), ("Vary", "Accept, Accept-Encoding")]
    if request.header("If-Modified-Since") == modified:  # the same text, byte for byte
        return Response(304, kind=None, headers=headers)

    def spoil(series, time, value):
        row = world.spoiled(request, series, world.values.rows(series, time, time + 1, time)) if "values" in request.quirks else []
        return row[0].value if row else value

    items = []
    for time, details, rain in timeseries(world, latitude, longitude, run, spoil):
        data = {"instant": {"details": details}}
        if rain is not None:
            data["next_1_hours"] = {"summary": {"symbol_code": "rain" if rain else "cloudy"}, "details": {"precipitation_amount": rain}}
        items.append({"time": iso(time), "data": data})
    units = {name: unit for name, (unit, *_) in DETAILS.items()} | {"precipitation_amount": "mm"}
    document = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [float(longitude), float(latitude), 5]},
                "properties": {"meta": {"updated_at": iso(ready), "units": units}, "timeseries": items}}
    return answer_json(document, 203 if version == "1.9" else 200, headers=headers)


def truth(world, query, first, end, as_of):
    """The last run's rows."""
    latitude, longitude = query.get("lat", "59.9133"), query.get("lon", "10.7389")
    for time, details, rain in timeseries(world, latitude, longitude, issued_at(world, as_of)[0]):
        if first <= time < end:
            yield {"lat": latitude, "lon": longitude}, time, {**details, "precipitation_amount": rain}


ROUTES = [({"GET"}, re.compile(r"/metno/weatherapi/locationforecast/(?P<version>2\.0|1\.9)/compact"), compact)]
TRUTHS = {"metno": truth}
EXAMPLES = ["-A 'me/1.0 me@example.org' '/metno/weatherapi/locationforecast/2.0/compact?lat=59.9133&lon=10.7389'   # 1.9: deprecated, 203"]
