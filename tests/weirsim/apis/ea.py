"""The Environment Agency of England: samples of water as CSV by POST, where a result is a number, a bound, or a word; and readings of
rivers as CSV.  Times without a zone in both."""
import csv
import io
import re

from weirsim.message import Response, answer_json, answer_text, whole
from weirsim.times import DAY, LONDON, at, dates, day_of, midnight, naive, parse
from weirsim.values import Series, hash_of
from weirsim.world import page_of, refuse

POINTS = {"TH-PTHR0107": ("THAMES AT WALTON, SURREY", "TH", 510000, 166500), "AN-WEL040": ("WELLAND AT SPALDING", "AN", 525100, 322900),
          "SW-70510157": ("EXE AT TREWS WEIR", "SW", 292300, 91800)}
DETERMINANDS = {  # label, unit, base, swing, noise, decimals, least and most that can be told
    "0061": ("pH", "phunits", 790, 30, 20, 2, None, None), "0076": ("Temperature of Water", "cel", 90, 80, 20, 1, None, None),
    "0111": ("Ammoniacal Nitrogen as N", "mg/l", 20, 60, 40, 3, 30, None), "9901": ("Oxygen, Dissolved, % Saturation", "%", 900, 100, 150, 1, None, None),
    "3408": ("E.coli : Confirmed : MF", "no/100ml", 1200, 700, 900, 0, 10, 2000),
    "6485": ("Weather : Temperature", "Coded Result", 0, 0, 0, 0, None, None)}
WORDS = ["Ponded / Still", "Normal flow", "No flow", "High, in spate"]
COLUMNS = ("id,samplingPoint.notation,samplingPoint.prefLabel,samplingPoint.easting,samplingPoint.northing,samplingPoint.region,samplingPoint.area,"
           "samplingPoint.subArea,samplingPoint.samplingPointStatus,samplingPoint.samplingPointType,phenomenonTime,samplingPurpose,sampleMaterialType,"
           "determinand.notation,determinand.prefLabel,result,unit").split(",")
LIMIT_MAX = 2500


def series_of(point, determinand):
    _, _, base, swing, noise, decimals, _, _ = DETERMINANDS[determinand]
    return Series("water", f"{point}/{determinand}", base, swing, noise, decimals, DAY)


def text_of(world, series, row, determinand):
    """A result as it is written."""
    _, unit, _, _, _, decimals, least, most = DETERMINANDS[determinand]
    if unit == "Coded Result":
        return WORDS[hash_of(world.seed, "water", series.name, row.time, row.revision, "word") % len(WORDS)]
    if not isinstance(row.value, (int, float)) or row.value != row.value:
        return "" if row.value is None else str(row.value)
    value, scale = max(0, row.value), 10 ** decimals
    if least is not None and value * scale < least:
        return f"<{least / scale:g}"
    if most is not None and value * scale > most:
        return f">{most / scale:g}"
    return f"{value:g}"


def samples(world, point, determinand, first, last, now):
    """Rows of the days [first, last] on which there was a sample: every fourth or so, between 08:00 and 16:00."""
    for date in dates(first, last):
        bits = hash_of(world.seed, "water", point, date.toordinal())
        if bits % 4:
            continue
        time = midnight(date, LONDON) + 9 * 3600 + (bits >> 8) % 480 * 60
        row = world.values.row(series_of(point, determinand), time, now)
        if row:
            yield row


def wrong(status, text):
    refuse(answer_json({"status": status, "error": text}, status))


def observation_of(world, point, determinand, row):
    name, region, easting, northing = POINTS[point]
    label, unit = DETERMINANDS[determinand][:2]
    stamp = naive(row.time, LONDON)
    return [f"{point}-{stamp[:10].replace('-', '')}-{determinand}", point, name, easting, northing, region, "AREA", "SUB AREA", "open",
            "FRESHWATER - RIVERS", stamp, "ENVIRONMENTAL MONITORING (GQA & RE ONLY)", "RIVER / RUNNING SURFACE WATER", determinand, label,
            text_of(world, series_of(point, determinand), row, determinand), unit]


def asked(request):
    """(points, determinand, first day, last day)."""
    if request.header("API-Version") != "1":
        wrong(400, "the header API-Version: 1 is required")
    if "text/csv" not in (request.header("Accept") or ""):
        wrong(406, "only text/csv is simulated")
    determinands = [one for text in request.all("determinand") for one in text.split(",")]
    if len(determinands) != 1 or determinands[0] not in DETERMINANDS:
        wrong(400, "determinand: exactly one notation is wanted" + ("" if len(determinands) != 1 else ", and there is none such"))
    days = [day_of(request.one(name) or "") for name in ("dateFrom", "dateTo")]
    if None in days:
        wrong(400, "dateFrom and dateTo are dates, YYYY-MM-DD")
    named = request.one("pointNotation")
    if named is not None and named not in POINTS:
        wrong(404, "there is no such sampling point")
    if not named and (days[1] - days[0]).days > 366:
        wrong(400, "the dates span more than a year; name a sampling point")
    return [named] if named else list(POINTS), determinands[0], *days


def observation(world, request):
    full = world.limits.take("water", request.wall)
    if full:
        refuse(answer_text("Forbidden\n", 403, wait_until=full[1]))
    points, determinand, first, last = asked(request)
    skip, limit = whole(request.one("skip", "0"), 0, 10**9), whole(request.one("limit", "100"), 1, LIMIT_MAX)
    if skip is None or limit is None:
        wrong(400, f"skip is from 0 on, limit from 1 to {LIMIT_MAX}")
    rows = []
    for point in points:
        series = series_of(point, determinand)
        found = list(samples(world, point, determinand, first, last, request.now))
        rows += [observation_of(world, point, determinand, row) for row in world.spoiled(request, series, found)]
    shown, total = page_of(request, rows, skip, limit)
    if not shown:
        return Response(200, b"", "text/csv")  # not even a header: that is the end
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\r\n")
    if request.header("CSV-Header") == "present":
        writer.writerow(COLUMNS)
    writer.writerows(shown)
    headers = []
    if skip + limit < total:
        after = skip if "cursor_repeat" in request.quirks else skip + limit
        headers = [("Link", f'<{request.address(skip=str(after))}>; rel="next"')]
    return answer_text(table.getvalue(), kind="text/csv; charset=utf-8", headers=headers)


def truth_of_water(world, query, first, end, as_of):
    """Of a bound the number, and beside it what stood before; of a word the word."""
    for point in [query["point"]] if "point" in query else POINTS:
        for determinand in [query["determinand"]] if "determinand" in query else DETERMINANDS:
            series = series_of(point, determinand)
            for row in samples(world, point, determinand, at(first, LONDON).date(), at(end, LONDON).date(), as_of):
                if not first <= row.time < end:
                    continue
                text = text_of(world, series, row, determinand)
                values = {"result": text} if determinand == "6485" else {"result": float(text.lstrip("<>")) if text else None}
                if text[:1] in ("<", ">"):
                    values["qualifier"] = text[0]
                yield {"point": point, "determinand": determinand}, row.time, values


# --- readings of rivers ---

MEASURES = {"1b1e2bf1-7f42-4d9e-8a3a-6a7f1b0c9d01-level-i-900-m-qualified": (400, 60, 25),
            "5d3f7a80-22c1-4f0b-9e57-0c2c94f8ab02-flow-i-900-m3s-qualified": (12000, 4000, 900)}
READINGS = "/ea/hydrology/id/measures/{measure}/readings.csv"
BEGIN = parse("2024-01-01T00:00:00Z")
READINGS_MAX = 2000000


def measure_of(name):
    return Series("hydrology", name, *MEASURES[name], 3, 900)


def bounds(request):
    """[first, end) of mineq-date, min-date, max-date, maxeq-date."""
    first, end = BEGIN, request.now + 1
    for name, change in (("mineq-date", 0), ("min-date", 1), ("max-date", 0), ("maxeq-date", 1)):
        text = request.one(name)
        if text is None:
            continue
        second = parse(text)
        if second is None:
            refuse(answer_text(f"{name}: not a date\n", 400))
        if name.startswith("min"):
            first = max(first, second + (86400 if change and len(text) == 10 else change))
        else:
            end = min(end, second + (86400 if change and len(text) == 10 else change))
    return first, end


def quality_of(world, name, row):
    if row.value is None:
        return "Incomplete", "Missing", ""
    kinds = ["Good", "Good", "Good", "Unchecked", "Estimated", "Suspect"]
    return "Complete", kinds[hash_of(world.seed, "hydrology", name, row.time, "quality") % len(kinds)], "Edited" if row.revision else ""


def readings(world, request, measure):
    most = world.limits.allowed["hydrology"]["concurrent"]
    if most and request.under_way > most:
        refuse(answer_text("Only one request at a time, please\n", 429))
    if measure not in MEASURES:
        refuse(answer_text("There is no such measure\n", 404))
    limit, offset = whole(request.one("_limit", "100000"), 0, READINGS_MAX), whole(request.one("_offset", "0"), 0, 10**9)
    if limit is None or offset is None:
        refuse(answer_text("_limit or _offset is out of range\n", 400))
    rows = world.rows(request, measure_of(measure), *bounds(request))
    shown, _ = page_of(request, rows, offset, limit or READINGS_MAX)
    address = "http://environment.data.gov.uk/hydrology/id/measures/" + measure
    lines = ["measure,dateTime,date,value,completeness,quality,qcode"]
    for row in shown:
        completeness, quality, code = quality_of(world, measure, row)
        stamp = naive(row.time)
        lines.append(f"{address},{stamp},{stamp[:10]},{'' if row.value is None else row.value},{completeness},{quality},{code}")
    return answer_text("\n".join(lines) + "\n", kind="text/csv; charset=utf-8")


def truth_of_hydrology(world, query, first, end, as_of):
    for name in [query["measure"]] if "measure" in query else MEASURES:
        for row in world.values.rows(measure_of(name), max(BEGIN, first), end, as_of):
            yield {"measure": name}, row.time, {"value": row.value, "quality": quality_of(world, name, row)[1]}


ROUTES = [({"GET", "POST"}, re.compile("/ea/water-quality/data/observation"), observation),
          ({"GET"}, re.compile(READINGS.format(measure=r"(?P<measure>[\w-]+)")), readings)]
TRUTHS = {"water": truth_of_water, "hydrology": truth_of_hydrology}
EXAMPLES = ["-X POST -H 'Accept: text/csv' -H 'CSV-Header: present' -H 'API-Version: 1' "
            "'/ea/water-quality/data/observation?dateFrom=2026-01-01&dateTo=2026-01-31&determinand=0111&skip=0&limit=2500'",
            "'" + READINGS.format(measure=next(iter(MEASURES))) + "?mineq-date=2026-01-01&max-date=2026-01-02&_limit=100000'"]
