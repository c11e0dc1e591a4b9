"""Open-Meteo: columns side by side, one object for a place and an array for several, limits by weight whose end is told in words."""
import re

from weirsim.message import answer_json, whole
from weirsim.times import DAY, HOUR, UTC, at, day_of, midnight, naive, zone
from weirsim.values import Row, Series, hash_of
from weirsim.world import SPANS, refuse

VARIABLES = {  # unit; base, swing and noise in tenths
    "temperature_2m": ("°C", 40, 120, 25),
    "relative_humidity_2m": ("%", 550, 250, 60),
    "wind_speed_10m": ("km/h", 120, 60, 80),
    "precipitation": ("mm", -10, 12, 9),
    "surface_pressure": ("hPa", 10050, 80, 30),
}
RUN = 6 * HOUR  # a new forecast that often
OVER = {"minute": "Minutely API request limit exceeded. Please try again in one minute.",
        "hour": "Hourly API request limit exceeded. Please try again in the next hour.",
        "day": "Daily API request limit exceeded. Please try again tomorrow."}


def wrong(reason, status=400, **more):
    refuse(answer_json({"error": True, "reason": reason}, status, **more))


def series_of(source, latitude, longitude, variable):
    _, base, swing, noise = VARIABLES[variable]
    return Series(source, f"{grid(latitude)},{grid(longitude)}/{variable}", base, swing, noise, 1, HOUR)


def grid(degrees):
    """Places are cells of an eighth of a degree."""
    return round(float(degrees) * 8) / 8


def places(request):
    found = []
    for name, most in (("latitude", 90), ("longitude", 180)):
        texts = ",".join(request.all(name)).split(",")
        try:
            numbers = [float(text) for text in texts]
        except ValueError:
            wrong(f"Data corrupted at path ''. Cannot initialize Float from invalid String value {','.join(texts)} for key {name}."
                  if request.all(name) else f"Value of type 'String' required for key '{name}'.")
        for number in numbers:
            if not -most <= number <= most:
                wrong(f"{name.capitalize()} must be in range of -{most} to {most}°. Given: {number}.")
        found.append(numbers)
    if len(found[0]) != len(found[1]):
        wrong("Parameter 'latitude' and 'longitude' must have the same number of elements")
    return list(zip(*found))


def variables_of(request):
    names = [name for text in request.all("hourly") for name in text.split(",") if name]
    for name in names:
        if name not in VARIABLES:
            wrong(f"Data corrupted at path ''. Cannot initialize SurfacePressureAndHeightVariable from invalid String value {name}.")
    for name in ("daily", "current", "minutely_15"):
        if request.one(name):
            wrong(f"'{name}' is not simulated, only hourly")
    return names


def count_of(request, name, default, most):
    text = request.one(name)
    number = default if text is None else whole(text, 0, most)
    if number is None:
        wrong(f"{name.replace('_', ' ').capitalize()} is invalid. Allowed range 0 to {most}. Given {text}.")
    return number


def days_of(request, offset, archive):
    """The first day, and how many."""
    today = at(request.now + offset).date()
    texts = request.one("start_date"), request.one("end_date")
    if archive or any(texts):
        if not archive and (request.one("past_days") or request.one("forecast_days")):
            wrong("Parameter 'past_days' is mutually exclusive with 'start_date' and 'end_date'")
        for name, text in zip(("start_date", "end_date"), texts):
            if not text:
                wrong(f"Parameter '{name}' is required")
            if not day_of(text):
                wrong(f"Invalid date format. Make sure to use 'YYYY-MM-DD'. Given {text}.")
        first, last = day_of(texts[0]), day_of(texts[1])
        if last < first:
            wrong("End-date must be larger or equals than start-date")
        most = today if archive else type(today).fromordinal(today.toordinal() + 15)
        if last > most:
            wrong(f"Parameter 'end_date' is out of allowed range from 1940-01-01 to {most}")
        return first, (last - first).days + 1
    past = count_of(request, "past_days", 0, 92)
    ahead = count_of(request, "forecast_days", 7, 16)
    return type(today).fromordinal(today.toordinal() - past), past + ahead


def limited(world, request, weight):
    allowed = world.limits.allowed["openmeteo"]
    if allowed["concurrent"] and request.under_way > allowed["concurrent"]:
        wrong("Too many concurrent requests", 429)
    full = world.limits.take("openmeteo", request.wall, weight)
    if full:
        span, until = full
        wrong(OVER.get(span, OVER["minute"]), 429, wait_until=until if span in SPANS else None)


def columns(world, request, source, place, names, times):
    """By name a value for each time; the archive has null where nothing is known yet."""
    issued = request.now // RUN * RUN
    fault = request.quirks.get("values")
    for name in names:
        series = series_of(source, *place, name)
        if source == "openmeteo":
            rows = [Row(time, world.values.forecast(series, time, issued), 0, issued, False) for time in times]
        else:
            rows = [world.values.row(series, time, request.now) or Row(time, None, 0, 0, False) for time in times]
        rows = [row._replace(duplicate=False) for row in rows]
        if fault:
            rows = world.spoiled(request, series, rows)
        yield name, [positive(name, row.value) for row in rows]


def positive(name, value):
    """Rain and wind are not below zero."""
    return max(0.0, value) if name in ("precipitation", "wind_speed_10m") and isinstance(value, float) else value


def answer(world, request, source, archive):
    where, names = places(request), variables_of(request)
    zone_name = request.one("timezone", "GMT")
    tz = zone("GMT" if zone_name == "auto" else zone_name)
    if tz is None:
        wrong("Invalid timezone")
    # One offset for the whole answer, today's, whatever clocks did meanwhile.
    offset = int(at(request.now, tz).utcoffset().total_seconds())
    first, days = days_of(request, offset, archive)
    limited(world, request, len(where) * max(1, len(names) / 10) * max(1, days / 14))
    start = midnight(first, UTC) - offset
    times = list(range(start, start + days * DAY, HOUR))
    unix = request.one("timeformat") == "unixtime"
    took = hash_of(world.seed, request.target, request.now) % 10000 / 10000  # so no two answers are the same bytes
    documents = []
    for number, place in enumerate(where):
        document = {"latitude": grid(place[0]), "longitude": grid(place[1]), "generationtime_ms": took, "utc_offset_seconds": offset,
                    "timezone": "GMT" if tz is UTC else zone_name, "timezone_abbreviation": "GMT" if tz is UTC else at(request.now, tz).tzname(),
                    "elevation": 38.0}
        if number:
            document["location_id"] = number
        if names:
            document["hourly_units"] = {"time": "unixtime" if unix else "iso8601", **{name: VARIABLES[name][0] for name in names}}
            document["hourly"] = {"time": [time if unix else naive(time + offset, minutes=True) for time in times],
                                  **dict(columns(world, request, source, place, names, times))}
        documents.append(document)
    return answer_json(documents if len(documents) > 1 else documents[0], kind="application/json; charset=utf-8")


def forecast(world, request):
    return answer(world, request, "openmeteo", False)


def archive(world, request):
    return answer(world, request, "openmeteo_archive", True)


def truth_of(source):
    def truth(world, query, first, end, as_of):
        latitude, longitude = query.get("latitude", "52.52"), query.get("longitude", "13.41")
        names = query.get("hourly", "temperature_2m").split(",")
        issued = as_of // RUN * RUN
        for time in range(first + -first % HOUR, end, HOUR):
            values = {}
            for name in names:
                series = series_of(source, latitude, longitude, name)
                if source == "openmeteo":
                    value = world.values.forecast(series, time, issued)
                else:
                    row = world.values.row(series, time, as_of)
                    value = row.value if row else None
                values[name] = positive(name, value)
            yield {"latitude": latitude, "longitude": longitude}, time, values
    return truth


ROUTES = [({"GET"}, re.compile("/openmeteo/v1/forecast"), forecast), ({"GET"}, re.compile("/openmeteo/v1/archive"), archive)]
TRUTHS = {"openmeteo": truth_of("openmeteo"), "openmeteo_archive": truth_of("openmeteo_archive")}
EXAMPLES = ["'/openmeteo/v1/forecast?latitude=52.52&longitude=13.41&hourly=temperature_2m,precipitation&past_days=2&forecast_days=2'",
            "'/openmeteo/v1/archive?latitude=52.52,53.55&longitude=13.41,9.99&hourly=temperature_2m&start_date=2026-01-01&end_date=2026-01-02'"]
