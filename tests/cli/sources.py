"""weir source: the examples that the program has, each added by --set alone and pulled from the simulator, and what is told of it."""
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from checking import check, until  # noqa: E402
from weirsim.control import SECRETS  # noqa: E402

HOSTS = {"api.octopus.energy": "/octopus", "api.eia.gov": "/eia", "web-api.tp.entsoe.eu": "/entsoe", "data.elexon.co.uk": "/elexon",
         "api.met.no": "/metno", "api.open-meteo.com": "/openmeteo", "environment.data.gov.uk": "/ea"}
# What each wants, its measurement, and tags that its rows have then.
EXAMPLES = {
    "ea-water-quality": ({"determinand": "0076", "place": "TH-PTHR0107"}, "water", {"determinand": "0076", "point": "TH-PTHR0107"}),
    "eia-hourly-demand": ({"respondent": "BPAT"}, "demand", {"respondent": "BPAT"}),
    "elexon-fuelhh": ({}, "generation", {"fuel": "WIND"}),
    "entsoe-load": ({"zone": "10YDK-1--------W", "area": "DK1"}, "load", {"zone": "10YDK-1--------W", "area": "DK1"}),
    "met-norway": ({"lat": "59.9133", "lon": "10.7389", "contact": "ops@example.org"}, "forecast", {"lat": "59.9133", "lon": "10.7389", "source": "met.no"}),
    "octopus-consumption": ({"mpan": "2000012345678", "serial": "12L0123456"}, "electricity", {"mpan": "2000012345678", "direction": "import"}),
    "open-meteo": ({"lat": "52.52", "lon": "13.41", "site": "berlin"}, "weather", {"lat": "52.52", "lon": "13.41", "site": "berlin", "source": "open-meteo"}),
}


JOIN = """{"start":"now-1d","end":"now","every":"6h","join":"inner","format":"csv","selections":{
  "weather":{"measurement":"weather","match":["site=berlin"],"fields":["wind"],"agg":["mean"]},
  "grid":{"measurement":"generation","match":["fuel=WIND"],"fields":["power"],"agg":["mean"]}}}"""


class Simulator:
    def __enter__(self):
        self.process = subprocess.Popen([os.path.join(ROOT, "tests", "weirsim", "weirsim"), "--port", "0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        check("listens on" in line, line)
        self.netloc = "127.0.0.1:" + line.split(" (")[0].rpartition(":")[2]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()


def sets(settings):
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def rewritten(case, name, remote):
    """The example as a file that asks the simulator."""
    text = case.weir("source", "example", name).stdout.decode()
    for host, path in HOSTS.items():
        text = text.replace(f"https://{host}/", f"http://{remote.netloc}{path}/")
    check(remote.netloc in text, f"{name} asks none of {', '.join(HOSTS)}")
    return case.path(name + ".yaml", text)


def files_that_grow_are_followed_by_settings_alone(case):
    folder = os.path.dirname(case.path("temps-1.csv", "time,sensor,temperature,humidity,power\n2026-04-10T12:00:00.25Z,a,21.5,40,100\n"))
    case.use(case.server(flags=["--pull-files", folder]))
    case.weir("source", "add", "growing-file", "--set", f"paths={folder}/temps-*.csv")
    count = lambda: [series["rows"][0][1] for series in case.get("/v1/query?measurement=lab&match=sensor%3Da&fields=power&agg=count")["series"]]  # noqa: E731
    show = lambda: case.weir("source", "show", "growing-file").stdout  # noqa: E731
    until(20, show, lambda: count() == [1])
    with open(os.path.join(folder, "temps-1.csv"), "a", encoding="ascii") as file:
        file.write("2026-04-10T12:00:00.5Z,a,21.5,40,101\n")
    until(20, show, lambda: count() == [2])


def each_example_is_pulled_by_its_settings_alone(case):
    listed = case.use(case.server()) or case.weir("source", "examples").stdout.decode()
    check({line.split()[0] for line in listed.splitlines()[1:]} == {*EXAMPLES, "growing-file"}, listed)
    with Simulator() as remote:
        case.use(case.server(flags=["--pull-allow", "127.0.0.1"]))
        since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 40 * 86400))
        for name, (settings, measurement, tags) in EXAMPLES.items():
            path = rewritten(case, name, remote)
            history = {"from": since} if "${set:from" in open(path, encoding="utf-8").read() else {}
            said = case.weir("source", "add", path, *sets({**settings, **history})).stderr.decode()
            for word in said.splitlines()[1:]:  # what it says is what mends it
                line = word.partition(": weir ")[2].split()
                secret = line[2]
                check(line[:2] == ["secret", "set"] and f"its secret {secret} is missing" in said and line[3:5] == ["--host", remote.netloc], said)
                case.weir(*line[:5], stdin=SECRETS[secret].encode())
            taken = case.weir("source", "add", path, *sets({**settings, **history}), want=1).stderr.decode()
            check(f"there is a source {name}: --replace" in taken, taken)
            again = case.weir("source", "add", path, *sets({**settings, **history}), "--replace").stderr.decode()
            check("secret" not in again and f"the source {name} was there" in again, again)
            tried = json.loads(case.weir("source", "test", path, *sets({**settings, **history})).stdout)
            check(tried["outcome"] == "ok" and tried["faulty"] == 0 and tried["warnings"] == [], f"{tried}")
            case.weir("source", "pull", name)
        for name, (settings, measurement, tags) in EXAMPLES.items():
            where = "&".join(f"match={key}%3D{value}" for key, value in tags.items())
            until(60, lambda: case.weir("source", "show", name).stdout,
                  lambda: (shown := json.loads(case.weir("source", "show", name).stdout))["status"]["state"] in ("resting", "filling") and shown["status"]["written"] > 0
                  and shown["status"]["error"] is None and shown["status"]["faulty"] == 0)
            check(json.loads(case.weir("source", "show", name).stdout)["status"]["warnings"] == [], f"{name} warns of what it has")
            series = case.get(f"/v1/query?measurement={measurement}&{where}&agg=count")["series"]
            check(series and series[0]["rows"][0][1] > 0, f"{name}: {series}")
            found = case.get(f"/v1/series?measurement={measurement}&{where}")["items"]
            check(all("" not in one["tags"].values() for one in found) and (name != "met-norway" or "site" not in found[0]["tags"]), f"{found}")
        joined = case.weir("query", "--document", "-", stdin=JOIN.encode()).stdout.decode().splitlines()
        check(joined[0] == "time,weather.mean_wind,grid.mean_power" and len(joined) > 1, f"electricity beside weather: {joined}")
        rows = case.weir("source", "list").stdout.decode()
        check(all(name in rows for name in EXAMPLES), rows)
        fetched = json.loads(case.weir("source", "fetches", "open-meteo", "--limit", "1").stdout)["fetches"]
        check(len(fetched) == 1 and fetched[0]["outcome"] == "ok", f"{fetched}")
        said = case.weir("source", "backfill", "open-meteo", "--start", since, "--end", "now", want=1).stderr.decode()
        check("has no `window`" in said, said)
        case.weir("source", "backfill", "elexon-fuelhh", "--start", since, "--end", "now")
        case.weir("source", "pause", "open-meteo")
        check("it is paused" in case.weir("source", "pull", "open-meteo").stderr.decode(), "a pull of one that rests")
        check("paused" in [line for line in case.weir("source", "list").stdout.decode().splitlines() if line.startswith("open-meteo")][0], "paused")
        case.weir("source", "resume", "open-meteo")
        case.weir("source", "delete", "open-meteo")
        check("open-meteo" not in case.weir("source", "list").stdout.decode(), "it is deleted")


def a_document_that_is_wrong_says_all_that_is(case):
    case.use(case.server())
    path = case.path("s.yaml", "name: s\nschedule: {every: never}\nrequest: {url: ftp://x}\n")
    said = case.weir("source", "add", path, want=1).stderr.decode()
    check(said.count("/schedule/every") == 1 and said.count("/request/url") == 1, said)
    lines = said.splitlines()  # none says what another one said
    check(lines[-1] == f"weir: the document has {len(lines) - 1} faults", said)
    check(case.weir("source", "check", path, want=1).stderr.decode() == said, said)
    said = case.weir("source", "add", case.path("t.yaml", "name: t\na: [\n"), want=1).stderr.decode()
    check("t.yaml" in said and "line" in said, said)
    raw = case.weir("source", "example", "open-meteo").stdout
    answer = case.weir("source", "add", case.path("raw.yaml", raw), want=1).stderr.decode()
    check("--set lat=VALUE --set lon=VALUE" in answer, answer)


def what_the_readme_says_of_a_first_source_is_so(case):
    """Its lines by bash, but for the two terminals; what it shows has the same lines, and other days."""
    text = open(os.path.join(ROOT, "README.md"), encoding="utf-8").read()
    section = text[text.index("## Pull your first source"):]
    blocks = section[:section.index("\n## ", 5)].split("```")[1::2]
    begins, declares, shown, asks, answered, real = (block.strip("\n").split("\n") for block in blocks)
    check(begins[0].startswith("tests/weirsim/weirsim --port 8099") and begins[1].startswith("WEIR_PULL_ALLOW=127.0.0.1:8099 make run"), f"{begins}")
    with Simulator() as remote:
        case.use(case.server(flags=["--pull-allow", remote.netloc]))
        folder = case.path("here")
        os.makedirs(os.path.join(folder, "tests", "weirsim", "sources"))
        os.makedirs(os.path.join(folder, "build"))
        os.symlink(case.program, os.path.join(folder, "build", "weir"))
        for name in ("openmeteo.json", "elexon.json"):
            with open(os.path.join(ROOT, "tests", "weirsim", "sources", name), encoding="utf-8") as file:
                case.path(os.path.join("here", "tests", "weirsim", "sources", name), file.read().replace("127.0.0.1:8099", remote.netloc))

        def bash(lines):
            done = subprocess.run(["bash", "-ec", "\n".join([declares[0], *lines])], cwd=folder, capture_output=True, text=True, timeout=120, env=case.environment())
            check(done.returncode == 0, f"{lines}: {done.stderr}")
            return done.stdout

        check(bash(declares[1:]).split()[:6] == shown[0].split(), "the list")
        for name in ("openmeteo", "elexon"):  # it is not typed as fast
            case.weir("source", "pull", name)
        until(60, lambda: bash(asks), lambda: len(bash(asks).split("\n")) >= len(answered))
        check(bash(asks).split("\n")[0] == answered[0], bash(asks))
        check(bash(declares[-1:]).split("\n")[1].split()[0] == "elexon", "the list")
    check(real[0].startswith("weir source examples ") and real[1] == "weir source add " + " ".join(["open-meteo", *sets({"lat": "52.52", "lon": "13.41", "site": "berlin"})])
          and real[2] == "weir source add elexon-fuelhh", f"{real}")  # and these have cases of their own


CASES = [what_the_readme_says_of_a_first_source_is_so, files_that_grow_are_followed_by_settings_alone, each_example_is_pulled_by_its_settings_alone, a_document_that_is_wrong_says_all_that_is]
