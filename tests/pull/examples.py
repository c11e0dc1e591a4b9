"""The sources that are shipped (examples/sources), as they are but for the host, the pace of pulls and how long is waited: each under
all that goes wrong at remote APIs, one thing after another, until it has what its API has."""
import base64
import os
import re
import time
import urllib.parse

import yaml

from documents import DETAILS, UNITS, keyed, of_places, renamed
from stand import DAY, HOUR, ROOT, check, check_log, differences, iso, rates_held, shown, until
from weirsim.control import SECRETS

EXAMPLES = os.path.join(ROOT, "examples", "sources")
# What is left for the user to set, where the file says no default.
SETTINGS = {"mpan": "2000012345678", "serial": "12L0123456", "lat": "52.52", "lon": "13.41", "site": "berlin", "respondent": "BPAT",
            "zone": "10YDK-1--------W", "determinand": "0076", "place": "TH-PTHR0107", "contact": "ops@example.org"}
HOSTS = {"api.octopus.energy": "/octopus", "api.eia.gov": "/eia", "web-api.tp.entsoe.eu": "/entsoe", "data.elexon.co.uk": "/elexon",
         "api.met.no": "/metno", "api.open-meteo.com": "/openmeteo", "environment.data.gov.uk": "/ea"}
NOT_SIMULATED = {"10YDK-2--------M": "10Y1001A1001A83F", "DK2": "DE"}  # a zone of quarter hours, with points left out


def settled(text):
    """`${set:KEY}` and `${set:KEY:-DEFAULT}` as the command line would put them in."""
    def place(found):
        check(found[3] is not None or found[1] in SETTINGS, f"there is nothing to be set for {found[1]}")
        return found[3] if found[3] is not None else SETTINGS[found[1]]
    return re.sub(r"\$\{set:([\w.-]+)(:-([^}]*))?\}", place, text)


def example(name, remote):
    """A document of examples/sources that asks the simulator."""
    with open(os.path.join(EXAMPLES, name + ".yaml"), encoding="utf-8") as file:
        text = settled(file.read())
    for host, path in HOSTS.items():
        text = text.replace(f"https://{host}", f"http://{remote.netloc}{path}")
    for old, new in NOT_SIMULATED.items():
        text = text.replace(old, new)
    check(remote.netloc in text, f"{name} asks none of {', '.join(HOSTS)}")
    return json_of(yaml.safe_load(text))


def json_of(node):
    """What YAML calls a time is a text here."""
    if isinstance(node, dict):
        return {key: json_of(value) for key, value in node.items()}
    if isinstance(node, list):
        return [json_of(value) for value in node]
    return iso(node.timestamp()) if hasattr(node, "timestamp") else str(node) if hasattr(node, "isoformat") else node


def sooner(document):
    """Pulls of seconds, and waits that are not longer."""
    document["schedule"] = {"every": "1s", "jitter": "0s"}  # what expires does so in half an hour
    document["retry"] = {"base": "100ms", "cap": "200ms", "max": 6}
    document["timeouts"] = {"first_byte": "2s", "idle": "1s", "connect": "5s"}
    for rule in document.get("outcomes", []):
        if "for" in rule:
            rule["for"] = "1s"
    return document


# --- what each has to have ---

def of_water(remote, document, first, end):
    regions = {"TH-PTHR0107": "TH", "AN-WEL040": "AN", "SW-70510157": "SW"}
    units = UNITS | {"0076": "cel", "9901": "%"}
    found = {}
    for each in document["foreach"]:
        for tags, time, values in remote.truth("water", first, end, determinand=each["determinand"], point=each["place"]):
            if "result" in values:
                fields = {"result_code" if isinstance(values["result"], str) else "result": values["result"]}
                fields |= {"result_qualifier": values["qualifier"]} if "qualifier" in values else {}
                found[keyed({**tags, "unit": units[tags["determinand"]], "material": "RIVER / RUNNING SURFACE WATER", "region": regions[tags["point"]]},
                            time)] = fields
    return found


def of_demand(remote, document, first, end):
    return {keyed({"respondent": tags["respondent"]}, time): {"energy": values["value"]} for each in document["foreach"]
            for tags, time, values in remote.truth("eia", first, end, respondent=each["respondent"], type="D")}


def of_fuel(remote, document, first, end):
    return {keyed({"fuel": tags["fuelType"]}, time): {"power": values["generation"]} for tags, time, values in remote.truth("elexon", first, end)}


def of_load(remote, document, first, end):
    return {keyed({"zone": each["zone"]}, time): {"power": values["quantity"]} for each in document["foreach"]
            for _, time, values in remote.truth("entsoe", first, end, domain=each["zone"])}


def of_norway(remote, document, first, end):
    return {keyed({"lat": each["lat"], "lon": each["lon"], "source": "met.no"}, time): renamed(values, DETAILS) for each in document["foreach"]
            for _, time, values in remote.truth("metno", end - 2 * DAY, end + 30 * DAY, lat=each["lat"], lon=each["lon"])}


def of_consumption(remote, document, first, end):
    return {keyed({"mpan": each["mpan"], "direction": "import"}, time): {"energy": values["consumption"]} for each in document["foreach"]
            for _, time, values in remote.truth("octopus", first, end, mpan=each["mpan"])}


def of_weather(remote, document, first, end):
    midnight, places = end // DAY * DAY, {(each["lat"], each["lon"]): {"lat": each["lat"], "lon": each["lon"]} for each in document["foreach"]}
    return of_places(remote, places, midnight - 7 * DAY, midnight + 2 * DAY, {"source": "open-meteo"})


# name: (what is wanted, days of history, changes).  Windows and pages are small, so that there are many requests.
KNOWN = {
    "ea-water-quality": (of_water, 56, {"window": {"step": "P14D"}, "page": {"limit": 5}, "limits": {"rates": ["70/1s"]}}),
    "eia-hourly-demand": (of_demand, 3, {"window": {"step": "P1D"}, "page": {"limit": 10}}),
    "elexon-fuelhh": (of_fuel, 2, {"window": {"step": "P1D"}, "limits": {"rates": ["40/1s"]}}),
    "entsoe-load": (of_load, 6, {"window": {"step": "P1D"}}),
    "met-norway": (of_norway, 0, {}),
    "octopus-consumption": (of_consumption, 8, {"window": {"step": "P2D"}, "limits": {"rates": ["40/1s"]}}),
    "open-meteo": (of_weather, 0, {}),
}


def made(name, remote, now):
    """The document, what it has to bring, and from when on."""
    wanted, days, changes = KNOWN[name]
    document = sooner(example(name, remote))
    for block, some in changes.items():
        document[block] = {**document.get(block, {}), **some}
    if days:
        document["window"]["from"] = iso(now - days * DAY)
    if name == "octopus-consumption":
        document["request"]["query"]["page_size"] = "20"
    return document, wanted, now - days * DAY if days else None


# --- what goes wrong, by guides on how APIs do ---

WRONG = [{"type": "cut", "at": 200}, {"type": "cut", "at": -1}, {"type": "reset", "at": 60}, {"type": "dribble", "chunks": 5, "ms": 300},
         {"type": "hang", "at": 100, "ms": 1500}, {"type": "lognormal", "median_ms": 200, "max_ms": 800}, {"type": "stall", "ms": 2500},
         {"type": "bad_chunk", "at": 80}, {"type": "wrong_length", "by": 10}, {"type": "gzip_truncated", "by": 10}, {"type": "html", "status": 200},
         {"type": "html", "status": 502}, {"type": "error_json"}, {"type": "status", "status": 429}, {"type": "status", "status": 429, "retry_after": 1},
         {"type": "status", "status": 429, "retry_after": 1, "as": "date"}, {"type": "status", "status": 503}, {"type": "status", "status": 503, "retry_after": 1},
         {"type": "status", "status": 503}, {"type": "redirect_loop"}, {"type": "redirect"}, {"type": "duplicate_page"}, {"type": "shifted_page"},
         {"type": "cursor_repeat"}, {"type": "values", "as": "null"}, {"type": "values", "as": "nan"}, {"type": "values", "as": "-"},
         {"type": "values", "as": "0"}, {"type": "bom"}, {"type": "date", "by_s": -3600}, {"type": "date", "by_s": 86400}]
SILENT = {"values", "duplicate_page", "shifted_page", "cursor_repeat"}  # the pull behind it may be the first to see them
GOOD = {"type": "delay", "ms": 0}


def script(case, remote, path, good):
    """One after another, by chance, in the order of arrival; each is followed by so many answers that are as they ought to be."""
    faults = [dict(fault) for wrong in case.chance.sample(WRONG, len(WRONG)) for fault in (wrong, *[GOOD] * good)]
    for fault in faults:
        if fault["type"] == "redirect":
            fault["to"] = "http://" + remote.netloc
    return [{"match": {"path": "^" + path}, "nth": 1, "of": "rule", "fault": fault} for fault in faults]


def bears_all(name):
    def what_goes_wrong(case):
        remote = case.remote()
        server = case.server(remote, flags=("--pull-contact", SETTINGS["contact"]))
        document, wanted, first = made(name, remote, case.ready_at)
        for secret in SECRETS:
            case.ask(server, "PUT", "/v1/secrets/" + secret, {"value": SECRETS[secret], "hosts": ["127.0.0.1"]}, want=None)
        path = urllib.parse.urlsplit(document["request"]["url"]).path.partition("$")[0]
        remote.set("limits", {"water": {"minute": 0}})  # who reaches it would have to wait for five minutes
        remote.set("faults", script(case, remote, path, 1 if first is not None else 0))
        case.declare(server, document)
        now = [case.ready_at]

        def over():
            """With something new each time for what would say that it is as it was."""
            if first is None and now[0] < case.ready_at + 20 * DAY:
                now[0] += 6 * HOUR
                remote.set("clock", {"now": now[0]})
                time.sleep(0.3)
            return len(entries := remote.log("^" + path)) > len(WRONG) and all(entry["fault"] is None for entry in entries[-3:])

        until(60, lambda: f"all is met but {sorted({fault['type'] for fault in WRONG} - {entry['fault'] for entry in remote.log()})}; {case.how(server, name)}", over)
        rows = wanted(remote, document, first, now[0])
        check(rows, "there is something to compare")
        begin = first if first is not None else min(time for _, time in rows)
        until(40, lambda: f"{differences(case.rows(server, document['measurement'], begin, None), rows)}; {case.how(server, name)}",
              lambda: case.rows(server, document["measurement"], begin, None) == rows)
        log = remote.log("^" + path)
        check_log.concurrency(log, document.get("limits", {}).get("concurrency", 2), slack=0.2)
        spans = {"s": 1, "m": 60, "h": HOUR, "d": DAY}
        rates = [rate.partition("/") for rate in document.get("limits", {}).get("rates", [])]
        rates_held([server], log, [(int(count), spans[span[-1]] * int(span[:-1])) for count, _, span in rates])
        check_log.waits(log, slack=0.5)
        check_log.user_agent(log, r"^weir(/\S+)? \(\+ops@example\.org\)$")  # with the version, but where the document says it
        if first is None:
            # What stands behind a redirect is the answer of the address that was asked.
            check_log.validators([entry | {"path": re.sub(r"[?&]_loop=\d+", "", entry["path"])} for entry in log])
        nowhere(case, server, remote, [name], but=("api_key=", "securityToken="))
        wrong = [entry["fault"] for entry in log if entry["fault"] not in (None, "delay")]
        check(len(wrong) >= len(WRONG) and len(set(wrong)) == len({fault["type"] for fault in WRONG}), f"went wrong: {sorted(wrong)}")
        case.tell(f"{len(rows)} rows by {len(log)} requests, of which {len(wrong)} went wrong in {len(set(wrong))} ways")
    what_goes_wrong.__name__ = f"{name.replace('-', '_')}_has_its_rows_whatever_goes_wrong"
    return what_goes_wrong


def spellings(secret, user=None):
    """As it is, and as it may stand in an address or in a header."""
    basic = [base64.b64encode(text.encode()) for text in ([secret + ":", secret] if user is None else [secret, f"{user}:{secret}"])]
    return {secret.encode(), urllib.parse.quote(secret).encode(), urllib.parse.quote(secret, safe="").encode(), urllib.parse.quote_plus(secret).encode(),
            *(one.rstrip(b"=")[:-1] for one in basic)}


def nowhere(case, server, remote, names, but=()):
    """No secret in a path, a log, an error, a status or a file of the data directory."""
    check_log.no_secret(remote.log(), SECRETS.values(), but=but)
    told = server.log_text() + "".join(case.ask(server, "GET", f"/v1/sources/{name}{what}", want=None).text() for name in names for what in ("", "/fetches"))
    told += case.ask(server, "GET", "/v1/secrets", want=None).text() + case.ask(server, "GET", "/metrics", want=None).text()
    found = [(f"{what} of {place}") for secret, value in SECRETS.items() for what in (secret,) for text in spellings(value)
             for place in (["what is told"] if text in told.encode() else []) + files_with(server.data, text)]
    check(not found, f"a secret is where it ought not be: {shown(found)}")


def files_with(directory, text):
    found = []
    for folder, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                if text in file.read():
                    found.append(os.path.join(os.path.relpath(folder, directory), name))
    return found


def every_example_is_tried(case):
    there = {name.removesuffix(".yaml") for name in os.listdir(EXAMPLES) if name.endswith(".yaml")}
    known = {*KNOWN, "growing-file"}  # the latter is no API: files.py
    check(there == known, f"files without a case, or cases without a file: {sorted(there ^ known)}")


CASES = [every_example_is_tried, *map(bears_all, KNOWN)]
