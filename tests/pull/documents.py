"""The documents of tests/weirsim/sources, with seconds between pulls and days of history, and what each has to have brought: the
simulator's truth in the names that the document gives."""
import json
import os

from stand import DAY, HOUR, SOURCES, iso

FORECAST_HOURS = {"temperature_2m": "temperature", "wind_speed_10m": "wind", "precipitation": "rain"}
DETAILS = {"air_temperature": "temperature", "wind_speed": "wind", "precipitation_amount": "rain"}
DEMAND = {"ND": "national", "TSD": "transmission", "EMBEDDED_WIND_GENERATION": "wind"}


def load(name, remote, every="2s", **changes):
    """A key that is None is taken out of its block."""
    with open(os.path.join(SOURCES, name + ".json"), encoding="utf-8") as file:
        document = json.loads(file.read().replace("127.0.0.1:8099", remote.netloc))
    document["schedule"] = {"every": every, "jitter": "0s", **({"respect_expires": True} if document["schedule"].get("respect_expires") else {})}
    for block, some in changes.items():
        if isinstance(some, dict) and isinstance(document.get(block), dict):
            some = {key: value for key, value in {**document[block], **some}.items() if value is not None}
        document[block] = some
    return document


def keyed(tags, time):
    return tuple(sorted(tags.items())), time


def renamed(values, names):
    return {new: values[old] for old, new in names.items() if values.get(old) is not None}


def of_generic(remote, document, first, end):
    return {keyed(tags, time): values for tags, time, values in remote.truth("generic", first, end)}


def of_slow(remote, document, first, end):
    """The ten minutes that each answer has, as the clock of the data stands."""
    return {keyed({"id": each["id"]}, time): values for each in document["foreach"]
            for tags, time, values in remote.truth("generic", end - 600, end, id="slow/" + each["id"])}


def of_big(remote, document, first, end):
    return {keyed(tags, time): values for tags, time, values in remote.truth("big", 1577836800, 1577836800 + 30 * DAY, rows=document["request"]["query"]["rows"])}


def of_elexon(remote, document, first, end):
    return {keyed({"fuel": tags["fuelType"]}, time): {"power": values["generation"]} for tags, time, values in remote.truth("elexon", first, end)}


def of_hydrology(remote, document, first, end):
    rivers = {each["measure"]: each["river"] for each in document["foreach"]}
    return {keyed({"river": rivers[tags["measure"]], **tags}, time): values for tags, time, values in remote.truth("hydrology", first, end)}


UNITS = {"0061": "phunits", "0111": "mg/l", "3408": "no/100ml", "6485": "Coded Result"}


def of_water(remote, document, first, end):
    found = {}
    for each in document["foreach"]:
        for tags, time, values in remote.truth("water", first, end, **each):
            fields = {"result_code" if isinstance(values["result"], str) else "result": values["result"]} if values.get("result") is not None else {}
            if "qualifier" in values:
                fields["result_qualifier"] = values["qualifier"]
            found[keyed({**tags, "unit": UNITS[tags["determinand"]], "material": "RIVER / RUNNING SURFACE WATER"}, time)] = fields
    return found


def of_archive(remote, document, first, end):
    sites = {(each["latitude"], each["longitude"]): each["site"] for each in document["foreach"]}
    return {keyed({"site": site, "kind": "reanalysis"}, time): {"temperature": values["temperature_2m"]} for place, site in sites.items()
            for _, time, values in remote.truth("openmeteo_archive", first, end, latitude=place[0], longitude=place[1])}


def of_places(remote, places, first, end, keys):
    """What weather there is at each: (latitude, longitude) to its tags."""
    found = {}
    for (latitude, longitude), tags in places.items():
        for _, time, values in remote.truth("openmeteo", first, end, latitude=latitude, longitude=longitude, hourly=",".join(FORECAST_HOURS)):
            fields = renamed(values, FORECAST_HOURS)
            if "wind" in fields:
                fields["wind"] *= 0.2777777777777778
            found[keyed({**tags, **keys}, time)] = fields
    return found


def of_forecast(remote, document, first, end):
    """Two days before that of the clock, and three from it on."""
    midnight, places = end // DAY * DAY, {(each["latitude"], each["longitude"]): {"site": each["site"]} for each in document["foreach"]}
    return of_places(remote, places, midnight - 2 * DAY, midnight + 3 * DAY, {"kind": "forecast"})


def of_metno(remote, document, first, end):
    return {keyed({"site": "oslo", "kind": "forecast"}, time): renamed(values, DETAILS) for _, time, values in remote.truth("metno", first, end + 30 * DAY)}


def of_neso(remote, document, first, end):
    return {keyed({}, time): renamed(values, DEMAND) for _, time, values in remote.truth("neso", first, end)}


def of_octopus(remote, document, first, end):
    return {keyed({"mpan": tags["mpan"], "direction": "import"}, time): {"energy": values["consumption"]} for tags, time, values in remote.truth("octopus", first, end)}


def of_eia(remote, document, first, end):
    """Two of the respondents and two of the types; an hour is known by its end there."""
    found = {}
    for respondent in ("BPAT", "CISO"):
        for kind in ("D", "NG"):
            for tags, time, values in remote.truth("eia", first, end, respondent=respondent, type=kind):
                found[keyed(tags, time)] = {"energy": values["value"]}
    return found


def of_entsoe(remote, document, first, end):
    return {keyed(tags, time): {"power": values["quantity"]} for each in document["foreach"]
            for tags, time, values in remote.truth("entsoe", first, end, domain=each["domain"])}


def of_outages(remote, document, first, end):
    """Each is a document of its own in the archive."""
    return {keyed(tags, time): renamed(values, {"quantity": "available", "revision": "revision", "until": "until"}) for each in document["foreach"]
            for tags, time, values in remote.truth("entsoe_outages", first, end, domain=each["domain"])}


AGENT = {"User-Agent": "weir/test (+ops@example.org)"}
LARGER = {"from": "${window.start}", "to": "${window.end}", "size": "200"}
RATES = {"generic": {"late": 0.02, "revised": 0.05, "null": 0.01}}


MOVES = {"water-quality": 40, "entsoe-outages": 40}  # by how many days the clock is set on, where one shows nothing


def window(days, remote_now, moves, **more):
    """From that many days before on; all of it is asked again by each pull."""
    return {"from": iso(remote_now - days * DAY), "overlap": f"P{days + moves + 1}D", **more}


# name: (what is wanted, days of history, changes of the document).  Those that ask once a while by themselves are told to pull instead.
DOCUMENTS = {
    "cursor": (of_generic, 1, {"window": {"step": "12h"}, "request": {"query": LARGER}}),
    "elexon": (of_elexon, 4, {"window": {"step": "P2D"}, "limits": {"rates": ["60/1s"]}}),
    "hydrology": (of_hydrology, 5, {"window": {"step": "P2D"}}),
    "link": (of_generic, 1, {"window": {"step": "12h"}, "request": {"query": LARGER}}),
    "metno": (of_metno, 0, {"request": {"headers": AGENT}}),
    "neso": (of_neso, 0, {"limits": {"rates": ["20/1s"]}}),
    "next": (of_generic, 1, {"window": {"step": "12h"}, "request": {"query": LARGER}}),
    "openmeteo": (of_forecast, 0, {}),
    "openmeteo-archive": (of_archive, 9, {"window": {"step": "P4D", "lag": "P2D"}, "limits": {"weight": 1}}),
    "page": (of_generic, 1, {"window": {"step": "12h"}, "page": {"limit": 200}}),
    "slow": (of_slow, 0, {"request": {"query": {"ms": "100", "id": "${each.id}", "rows": "10"}}}),
    "water-quality": (of_water, 70, {"window": {"step": "P30D"}, "limits": {"rates": ["70/1m"]}}),
    "big": (of_big, 0, {"request": {"query": {"rows": "20000"}}}),
}
SECRET = {
    "octopus": (of_octopus, 6, {"window": {"step": "P2D"}, "limits": {"rates": ["60/1s"]}}),
    "eia": (of_eia, 6, {"window": {"step": "P2D"}}),
    "entsoe": (of_entsoe, 4, {"window": {"step": "P2D"}}),
    "entsoe-outages": (of_outages, 60, {}),
    "oauth": (of_generic, 1, {"window": {"step": "12h"}}),
}  # those that have secrets: what the simulator wants is in its control.py
DOCUMENTS |= SECRET
PUT_OFF = {"metno", "water-quality", "neso"}  # they have a clock or a limit of their own: pulls are asked for


def made(name, remote, now, every=None):
    wanted, days, changes = DOCUMENTS[name]
    changes = {block: dict(some) for block, some in changes.items()}
    if days:
        changes["window"] = window(days, now, MOVES.get(name, 1), **changes.get("window", {}))
    return load(name, remote, every or ("1h" if name in PUT_OFF else "2s"), **changes), wanted, now - days * DAY if days else now - 30 * HOUR
