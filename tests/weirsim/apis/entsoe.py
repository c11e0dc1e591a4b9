"""ENTSO-E: XML with times as start + (position - 1) * resolution, points left out where they repeat (A03), nothing told as an
acknowledgement at 200, too much told in words, outages as documents in a zip."""
import datetime
import io
import re
import zipfile

from weirsim.message import Response, answer_text
from weirsim.times import DAY, HOUR, UTC, at, iso, midnight, zone
from weirsim.values import Series, hash_of
from weirsim.world import ENTSOE_TOKEN, refuse

DOMAINS = {  # resolution in seconds, curve, and what values are multiples of, so that some repeat
    "10YDK-1--------W": (HOUR, "A01", 1), "10Y1001A1001A83F": (900, "A03", 500), "10YGB----------A": (1800, "A01", 1)}
PLANTS = {"B04": 900, "B16": 300, "B19": 1200}  # kinds of generation
UNITS = {"10YDK-1--------W": ["45W000000000029J", "45W000000000046J"], "10Y1001A1001A83F": ["11WD7BOXP3A-B--O", "11WD2BASF1A---B3"],
         "10YGB----------A": ["48W00000DRAXX-1B"]}
BRUSSELS = zone("Europe/Brussels")
NAMES = {"A65": "generationloaddocument:3:0", "A75": "generationloaddocument:3:0", "A80": "outagedocument:3:0"}
DOCUMENTS_MAX = 100


def series_of(domain, plant=None):
    base = PLANTS[plant] if plant else 3000
    return Series("entsoe", f"{domain}/{plant or 'load'}", base, base // 2, base // 20, 0, DOMAINS[domain][0])


def acknowledgement(text, status=200, **more):
    document = ('<?xml version="1.0" encoding="UTF-8"?>\n<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
                f"<mRID>weirsim</mRID><Reason><code>999</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>\n")
    refuse(answer_text(document, status, "text/xml; charset=UTF-8", **more))


def minute(second):
    return at(second).strftime("%Y-%m-%dT%H:%MZ")


def moment(request, name):
    text = request.one(name) or ""
    try:
        if not re.fullmatch(r"\d{12}", text):
            raise ValueError
        return int(datetime.datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp())
    except ValueError:
        acknowledgement(f"The value of {name} is missing or invalid; the format is yyyyMMddHHmm.", 400)


def rounded(domain, row):
    """Its value as published, in multiples."""
    step = DOMAINS[domain][2]
    return row.value // step * step if isinstance(row.value, int) else row.value


def duration(seconds):
    return f"PT{seconds // 60}M"


def periods(domain, rows):
    """A period for each run of rows without a gap; a null is one.  A03 leaves out what is as the point before."""
    step, curve, _ = DOMAINS[domain]
    runs = []
    for row in rows:
        if row.value is None:
            continue
        if not runs or runs[-1][-1].time not in (row.time - step, row.time):
            runs.append([])
        runs[-1].append(row)
    for run in runs:
        points, last = [], None
        for row in run:
            value = rounded(domain, row)
            if curve != "A03" or value != last:
                points.append(f"<Point><position>{(row.time - run[0].time) // step + 1}</position><quantity>{value}</quantity></Point>")
            last = value
        yield (f"<Period><timeInterval><start>{minute(run[0].time)}</start><end>{minute(run[-1].time + step)}</end></timeInterval>"
               f"<resolution>{duration(step)}</resolution>{''.join(points)}</Period>")


def document(kind, request, series, interval):
    root = "Unavailability_MarketDocument" if kind == "A80" else "GL_MarketDocument"
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="urn:iec62325.351:tc57wg16:451-6:{NAMES[kind]}">'
            f"<mRID>{hash_of(7, request.target, request.now):032x}</mRID><revisionNumber>{interval[2]}</revisionNumber><type>{kind}</type>"
            f"<process.processType>A16</process.processType><createdDateTime>{iso(request.now)}</createdDateTime>"
            f"<time_Period.timeInterval><start>{minute(interval[0])}</start><end>{minute(interval[1])}</end></time_Period.timeInterval>"
            f"{''.join(series)}</{root}>\n")


def load(world, request, kind, domain, first, end):
    """Load (A65), or generation of each kind (A75), of the whole days of Brussels that the interval touches."""
    last = at(end - 1, BRUSSELS).date()
    first, end = midnight(at(first, BRUSSELS).date(), BRUSSELS), midnight(last.fromordinal(last.toordinal() + 1), BRUSSELS)
    series = []
    for number, plant in enumerate([None] if kind == "A65" else PLANTS, 1):
        found = list(periods(domain, world.rows(request, series_of(domain, plant), first, end)))
        if not found:
            continue
        role = "outBiddingZone_Domain" if kind == "A65" else "inBiddingZone_Domain"
        sort = f"<MktPSRType><psrType>{plant}</psrType></MktPSRType>" if plant else ""
        series.append(f"<TimeSeries><mRID>{number}</mRID><businessType>A04</businessType><objectAggregation>A01</objectAggregation>"
                      f'<{role}.mRID codingScheme="A01">{domain}</{role}.mRID><quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name>'
                      f"<curveType>{DOMAINS[domain][1]}</curveType>{sort}{''.join(found)}</TimeSeries>")
    if not series:
        acknowledgement(f"No matching data found for Data item {kind} and interval {minute(first)}/{minute(end)}.")
    return answer_text(document(kind, request, series, (first, end, 1)), kind="text/xml; charset=UTF-8")


def outages(world, domain, first, end, now):
    """(unit, id, start, end, megawatts left, revision) of those that touch [first, end); one a week and unit at most, known two days before."""
    for unit in UNITS[domain]:
        for week in range(first // (7 * DAY) - 1, end // (7 * DAY) + 1):
            bits = hash_of(world.seed, "entsoe", unit, week)
            start = week * 7 * DAY + bits % 150 * HOUR
            stop = start + (2 + (bits >> 16) % 70) * HOUR
            if bits >> 62 and start < end and stop > first and now >= start - 2 * DAY:
                revision = 1 + (now >= start) * ((bits >> 32) % 2)  # when it begins, some turn out otherwise
                yield unit, f"{bits:016x}"[:12], start, stop, (bits >> 40) % 200 + 50 * revision, revision


def unavailable(world, request, domain, first, end):
    offset = request.one("offset", "0")
    if not offset.isdigit() or int(offset) > 4800 or int(offset) % 100:
        acknowledgement("offset is 0 to 4800 in steps of 100", 400)
    found = list(outages(world, domain, first, end, request.now))[int(offset):int(offset) + DOCUMENTS_MAX]
    if not found:
        acknowledgement(f"No matching data found for Data item UNAVAILABILITY_OF_GENERATION_UNITS and interval {minute(first)}/{minute(end)}.")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (unit, name, start, stop, left, revision) in enumerate(found, 1):
            series = (f"<TimeSeries><mRID>1</mRID><businessType>A53</businessType><biddingZone_Domain.mRID codingScheme=\"A01\">{domain}"
                      f"</biddingZone_Domain.mRID><curveType>A03</curveType><production_RegisteredResource.mRID codingScheme=\"A01\">{unit}"
                      "</production_RegisteredResource.mRID><Available_Period><timeInterval>"
                      f"<start>{minute(start)}</start><end>{minute(stop)}</end></timeInterval><resolution>PT60M</resolution><Point>"
                      f"<position>1</position><quantity>{left}</quantity></Point></Available_Period></TimeSeries>")
            entry = zipfile.ZipInfo(f"{number:03d}-UNAVAILABILITY_{name}.xml", (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            text = re.sub("<mRID>[0-9a-f]{32}</mRID>", f"<mRID>{name}</mRID>", document("A80", request, [series], (start, stop, revision)))
            archive.writestr(entry, text)
    return Response(200, data.getvalue(), "application/zip", headers=[("Content-Disposition", 'attachment; filename="outages.zip"')])


def admitted(world, request):
    token = request.one("securityToken") or request.header("SECURITY_TOKEN")
    if token != ENTSOE_TOKEN:
        acknowledgement("Unauthorized. Missing or invalid security token.", 401)
    until = world.limits.shut_until("entsoe", token, request.wall)
    if not until and world.limits.take("entsoe", request.wall, 1, token):
        until = request.wall + world.limits.allowed["entsoe"]["banned_s"]
        world.limits.shut("entsoe", token, until)
    if until:
        refuse(answer_text("Max allowed requests per minute from each unique IP is max up to 400 requests only\n", 429, wait_until=until))


def api(world, request):
    admitted(world, request)
    kind = request.one("documentType")
    if kind not in NAMES:
        acknowledgement(f"Input parameter does not exist or is invalid: DocumentType {kind}", 400)
    parameter = {"A65": "outBiddingZone_Domain", "A75": "in_Domain", "A80": "BiddingZone_Domain"}[kind]
    domain = request.one(parameter)
    if domain not in DOMAINS:
        acknowledgement(f"Input parameter does not exist or is invalid: {parameter} {domain}", 400)
    if kind != "A80" and request.one("processType") != "A16":
        acknowledgement(f"Input parameter does not exist or is invalid: ProcessType {request.one('processType')}", 400)
    first, end = moment(request, "periodStart"), moment(request, "periodEnd")
    if end <= first:
        acknowledgement("periodEnd has to be behind periodStart", 400)
    most = world.limits.allowed["entsoe"]["days_outages" if kind == "A80" else "days"]
    if end - first > most * DAY:
        acknowledgement("The amount of requested data exceeds allowed limit. "
                        f"Requested days: {-(-(end - first) // DAY)}, allowed: {most}.", 400)
    if kind == "A80":
        return unavailable(world, request, domain, first, end)
    return load(world, request, kind, domain, first, end)


def truth(world, query, first, end, as_of):
    """Load, or with `plant` generation; a null is a gap, so there is no such row."""
    for domain in [query["domain"]] if "domain" in query else DOMAINS:
        for plant in [query["plant"]] if "plant" in query else [None]:
            for row in world.values.rows(series_of(domain, plant), first, end, as_of):
                if row.value is not None:
                    yield {"domain": domain} | ({"plant": plant} if plant else {}), row.time, {"quantity": rounded(domain, row)}


def truth_of_outages(world, query, first, end, as_of):
    for domain in [query["domain"]] if "domain" in query else DOMAINS:
        for unit, name, start, stop, left, revision in outages(world, domain, first, end, as_of):
            if start >= first:
                yield {"domain": domain, "unit": unit, "id": name}, start, {"quantity": left, "revision": revision, "until": minute(stop)}


ROUTES = [({"GET"}, re.compile("/entsoe/api"), api)]
TRUTHS = {"entsoe": truth, "entsoe_outages": truth_of_outages}
EXAMPLES = [f"'/entsoe/api?securityToken={ENTSOE_TOKEN}&documentType=A65&processType=A16&outBiddingZone_Domain=10YDK-1--------W"
            "&periodStart=202601010000&periodEnd=202601020000'",
            f"-o outages.zip '/entsoe/api?securityToken={ENTSOE_TOKEN}&documentType=A80&BiddingZone_Domain=10Y1001A1001A83F"
            "&periodStart=202601010000&periodEnd=202602010000'"]
