#!/usr/bin/env python3
"""tests/real/questions.py PROGRAM DIR: every curl line of docs/questions.md and README.md is run as it stands there, by bash, in
the folder of the published files DIR against a fresh server.  Its answer must be the one that the page shows, byte for byte (a
standard deviation within 1e-14), and that of SQLite, which gets the files by code of its own below: names, times and texts equal, numbers within 1e-9.  From the
head, from sealed packs and from compacted ones.  Counts in build/results/questions.txt.

On a page a line `…` stands for lines that are left out.  Ingest times differ with each run: one that a page shows stands for the
one that came in its place, in later answers and commands too; they are told by their year, as all data is older."""
import csv
import datetime
import functools
import io
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.dirname(HERE)]
sys.dont_write_bytecode = True

from server import Server, clean_environment  # noqa: E402

README, PAGE = "README.md", "docs/questions.md"
ADDRESS = "http://127.0.0.1:8090"
# Columns whose last digits may differ between the head and packs (docs/reference/query.md, Aggregates), and by how much.
LAST_DIGITS = {"std": 1e-14}
INGEST_TIME = re.compile(r"\b20(?:2[4-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
UTC = datetime.timezone.utc

# --- the files in SQLite ---


def clock(text, form, zone):
    """Unix seconds of a local time; zoneinfo decides about hours that come twice (none of the files' rows lies in one)."""
    return int(datetime.datetime.strptime(text, form).replace(tzinfo=zone).timestamp())


def calendar(seconds, zone):
    """Unix seconds at which the local day, week (Monday), month and year of a moment began."""
    return beginnings(datetime.datetime.fromtimestamp(seconds, zone).date(), zone)


@functools.lru_cache(maxsize=None)
def beginnings(day, zone):
    begins = day, day - datetime.timedelta(days=day.weekday()), day.replace(day=1), day.replace(month=1, day=1)
    return [int(datetime.datetime.combine(begin, datetime.time(), zone).timestamp()) for begin in begins]


def table(base, name, zone, columns, rows):
    """`rows` are (Unix seconds, values...).  Of rows of one time the last wins, column by column."""
    names = [column.split()[0] for column in columns]
    base.execute(f"CREATE TABLE {name} (utc INTEGER PRIMARY KEY, day, week, month, year, {', '.join(columns)})")
    marks = ", ".join("?" * (5 + len(names)))
    kept = ", ".join(f"{column} = coalesce(excluded.{column}, {column})" for column in names)
    base.executemany(f"INSERT INTO {name} VALUES ({marks}) ON CONFLICT DO UPDATE SET {kept}",
                     ((utc, *calendar(utc, zone), *values) for utc, *values in rows))


def number(text):
    return None if text in ("", "?") else float(text)


def read(folder, file, separator=","):
    with open(os.path.join(folder, file), newline="", encoding="ascii") as lines:
        yield from csv.DictReader(lines, delimiter=separator)


def fill(base, folder):
    paris, melbourne, seattle = map(zoneinfo.ZoneInfo, ("Europe/Paris", "Australia/Melbourne", "America/Los_Angeles"))
    powers = ["Global_active_power", "Global_reactive_power", "Voltage", "Global_intensity", "Sub_metering_1", "Sub_metering_2",
              "Sub_metering_3"]
    table(base, "household", paris, [name + " REAL" for name in powers],
          ([clock(row["Date"] + " " + row["Time"], "%d/%m/%Y %H:%M:%S", paris)] + [number(row[name]) for name in powers]
           for row in read(folder, "household_power.txt", ";")))
    # Day 25569 of a spreadsheet is 1970-01-01.  The file is in standard time, ten hours ahead, all year.
    table(base, "victoria", melbourne, ["Temp REAL"],
          (((int(row["Date"]) - 25569) * 86400 + (int(row["Period"]) - 1) * 1800 - 36000, number(row["Temp"]))
           for row in read(folder, "victoria_temperature_half_hourly.csv")))
    table(base, "weather", seattle, ["precipitation REAL", "temp_max REAL", "temp_min REAL", "wind REAL", "weather TEXT"],
          ((clock(row["date"], "%Y-%m-%d", seattle), *(number(row[name]) for name in ("precipitation", "temp_max", "temp_min", "wind")),
            row["weather"]) for row in read(folder, "seattle_weather.csv")))
    for name in ("ambient", "machine"):
        table(base, name, UTC, ["value REAL"], ((clock(row["timestamp"], "%Y-%m-%d %H:%M:%S", UTC), number(row["value"]))
                                                for row in read(folder, name + "_temperature.csv")))
    base.execute("CREATE TABLE corrections (utc INTEGER, precipitation REAL)")


# --- the questions in SQL ---

def quantile(column, share, source, by=None):
    """SQL of the quantile between the two values next to its rank."""
    part = f"PARTITION BY {by}" if by else ""
    whole, behind = "CAST(rank AS INTEGER)", "(rank - CAST(rank AS INTEGER))"
    return (f"SELECT {by or 0} AS part, sum(CASE place WHEN {whole} THEN {column} * (1 - {behind})"
            f" WHEN {whole} + 1 THEN {column} * {behind} END) AS answer"
            f" FROM (SELECT *, row_number() OVER ({part} ORDER BY {column}) - 1 AS place,"
            f" (count(*) OVER ({part}) - 1) * {share} AS rank FROM ({source}))"
            f" GROUP BY part")


def description(table_name, column):
    """SQL of a field's row of GET /v1/stats; a text's where `column` holds texts."""
    cut = f"SELECT {column} FROM {table_name} WHERE {column} IS NOT NULL"
    ends = ", ".join(f"(SELECT {column} FROM {table_name} WHERE {column} IS NOT NULL ORDER BY utc {way} LIMIT 1) AS {name}"
                     for name, way in (("first", "ASC"), ("last", "DESC")))
    quantiles = ", ".join(f"(SELECT answer FROM ({quantile(column, share / 100, cut)})) AS p{share}" for share in (5, 25, 50, 75, 95))
    mean = f"(SELECT avg({column}) FROM {table_name})"
    numbers = (f"min({column}) AS min, max({column}) AS max, avg({column}) AS mean,"
               f" sqrt(sum(({column} - {mean}) * ({column} - {mean})) / (count({column}) - 1)) AS std, {quantiles}")
    if column == "weather":
        numbers = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
    total = "NULL" if column == "weather" else f"sum({column})"
    return (f"SELECT '{column}' AS field, count({column}) AS count, count(*) - count({column}) AS missing, {numbers}, {ends},"
            f" {total} AS sum FROM {table_name}")


YEAR_2009 = "utc >= unixepoch('2008-12-31 13:00') AND utc < unixepoch('2009-12-31 13:00')"
# Every minute's power in kW for a sixtieth of an hour; and straight lines between the minutes.
MINUTES = "SELECT {0} AS time, sum(Global_active_power / 60) AS sum_kwh FROM household GROUP BY {0} ORDER BY 1"
LINES = """SELECT {0} AS time, sum(area) AS integral_Global_active_power FROM (SELECT *,
    (Global_active_power + lag(Global_active_power) OVER w) / 2 * (utc - lag(utc) OVER w) / 3600 AS area
    FROM household WINDOW w AS (ORDER BY utc)) GROUP BY {0} ORDER BY 1"""
VERSIONS = """SELECT utc AS time, 'ingest time' AS known_from, iif(corrected, 'ingest time', NULL) AS known_to, precipitation
    FROM (SELECT utc, precipitation, 1 AS corrected FROM weather WHERE utc IN (SELECT utc FROM corrections)
    UNION ALL SELECT utc, precipitation, 0 FROM corrections) ORDER BY corrected DESC"""
NOVEMBER = "utc >= unixepoch('2015-11-01 07:00') AND utc < unixepoch('2015-12-01 08:00')"

# By heading of docs/questions.md, a statement for each curl line below it.  One that begins with INSERT goes with a write.
ANSWERS = {
    "How much electricity does the house use?": [
        MINUTES.format("day"),
        MINUTES.format("month"),
        LINES.format("month"),
    ],
    "How warm was it on the days when clocks turned?": [
        """SELECT day AS time, count(Temp) AS count_Temp, avg(Temp) AS mean_Temp FROM victoria
           WHERE utc >= unixepoch('2007-03-23 13:00') AND utc < unixepoch('2007-03-26 14:00') GROUP BY day ORDER BY day""",
        """SELECT day AS time, count(Temp) AS count_Temp, avg(Temp) AS mean_Temp FROM victoria
           WHERE utc >= unixepoch('2007-10-26 14:00') AND utc < unixepoch('2007-10-29 13:00') GROUP BY day ORDER BY day""",
    ],
    "What is exceeded one hour in twenty, month by month?": [
        "SELECT part AS time, answer AS p95_Temp FROM ("
        + quantile("Temp", 0.95, "SELECT * FROM victoria WHERE " + YEAR_2009, "month") + ") ORDER BY 1",
    ],
    "Which half hours were the hottest, and which days?": [
        "SELECT utc AS time, Temp FROM victoria ORDER BY Temp DESC, utc LIMIT 5",
        "SELECT day AS time, max(Temp) AS max_Temp FROM victoria GROUP BY day ORDER BY 2 DESC, 1 LIMIT 5",
    ],
    "How long was it above 35 degrees?": [
        "SELECT year AS time, count(Temp) AS count_Temp FROM victoria WHERE Temp > 35 GROUP BY year ORDER BY 1",
    ],
    "How does January compare, year by year?": [
        "SELECT month AS time, avg(Temp) AS mean_Temp FROM victoria WHERE strftime('%m-%d', month, 'unixepoch') = '12-31'"
        " GROUP BY month ORDER BY 1",
    ],
    "A year on a plot of 1,000 pixels?": [
        f"""WITH cut AS (SELECT utc, Temp, (utc - unixepoch('2008-12-31 13:00')) * 1000 / (365 * 86400) AS bucket
            FROM victoria WHERE {YEAR_2009}),
            ranked AS (SELECT *, row_number() OVER (PARTITION BY bucket ORDER BY utc) AS opens,
            row_number() OVER (PARTITION BY bucket ORDER BY utc DESC) AS closes,
            row_number() OVER (PARTITION BY bucket ORDER BY Temp, utc) AS low,
            row_number() OVER (PARTITION BY bucket ORDER BY Temp DESC, utc) AS high FROM cut)
            SELECT utc AS time, Temp FROM ranked WHERE 1 IN (opens, closes, low, high) ORDER BY utc""",
    ],
    "When was the sensor silent?": [
        """WITH RECURSIVE days (day) AS (SELECT min(day) FROM ambient UNION ALL
           SELECT day + 86400 FROM days WHERE day < (SELECT max(day) FROM ambient))
           SELECT day AS time, 0 AS count_value FROM days WHERE day NOT IN (SELECT day FROM ambient) ORDER BY day""",
        """SELECT day AS time, avg(value) AS mean_value FROM ambient WHERE day >= unixepoch('2013-08-26')
           AND day < unixepoch('2013-08-30') GROUP BY day UNION ALL SELECT unixepoch('2013-08-28'), NULL ORDER BY 1""",
        """SELECT day AS time, avg(value) AS mean_value FROM ambient WHERE day >= unixepoch('2013-08-26')
           AND day < unixepoch('2013-08-30') GROUP BY day UNION ALL SELECT unixepoch('2013-08-28'), (
           SELECT avg(mean) FROM (SELECT avg(value) AS mean FROM ambient
           WHERE day IN (unixepoch('2013-08-27'), unixepoch('2013-08-29')) GROUP BY day)) ORDER BY 1""",
    ],
    "Which weeks were the wettest?": [
        "SELECT week AS time, sum(precipitation) AS sum_precipitation FROM weather GROUP BY week ORDER BY 2 DESC, 1 LIMIT 5",
    ],
    "On how many days did it rain?": [
        "SELECT year AS time, count(*) AS count_weather FROM weather WHERE weather = 'rain' GROUP BY year ORDER BY 1",
    ],
    "What did the load do beside the weather?": [
        """SELECT time, load AS "load.mean_Global_active_power", air AS "air.mean_Temp" FROM
           (SELECT utc / 3600 * 3600 AS time, avg(Global_active_power) AS load FROM household GROUP BY 1) JOIN
           (SELECT utc / 3600 * 3600 AS time, avg(Temp) AS air FROM victoria GROUP BY 1) USING (time) ORDER BY time""",
        """SELECT day AS time, inside AS "machine.mean_value", outside AS "room.mean_value", inside - outside AS over FROM
           (SELECT day, avg(value) AS inside FROM machine GROUP BY day) LEFT JOIN
           (SELECT day, avg(value) AS outside FROM ambient GROUP BY day) USING (day) ORDER BY day""",
    ],
    "What are the values like?": [
        " UNION ALL ".join(description("weather", column) for column in ("precipitation", "temp_max", "temp_min", "weather", "wind")),
    ],
    "What did we believe on Tuesday?": [
        "INSERT INTO corrections SELECT unixepoch('2015-11-15 08:00'), 31.5",
        VERSIONS,
        f"SELECT unixepoch('2015-11-01 07:00') AS time, sum(precipitation) AS sum_precipitation FROM weather WHERE {NOVEMBER}",
        f"""SELECT unixepoch('2015-11-01 07:00') AS time, sum(coalesce(corrections.precipitation, weather.precipitation))
            AS sum_precipitation FROM weather LEFT JOIN corrections USING (utc) WHERE {NOVEMBER}""",
    ],
    "What has changed since?": [
        """SELECT utc AS time, 'changed' AS change, 'ingest time' AS known_from, corrections.precipitation, weather.temp_max,
           weather.temp_min, weather.weather, weather.wind FROM corrections JOIN weather USING (utc)""",
    ],
}


# --- the pages ---

class Fault(Exception):
    pass


class Line:
    """One curl line of a page: where, the command, and the lines shown below it."""

    def __init__(self, page, number, heading, command):
        self.name, self.heading, self.command, self.shown = f"{page}:{number}", heading, command, []

    @property
    def key(self):
        """The command, whenever the data was loaded."""
        return INGEST_TIME.sub("(ingest time)", self.command)

    @property
    def writes(self):
        return re.search(r"curl .*(?:-d |--data-binary )", self.command) and "/v1/points" in self.command


def curl_lines(page):
    """What the console blocks of a page hold.  In one, `$ ` begins a command, which a backslash continues, and `# ` a remark."""
    found, heading, block, item = [], None, False, None
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        for count, text in enumerate(file.read().split("\n"), 1):
            if text.startswith("```"):
                block, item = text == "```console", None
            elif not block:
                heading = text.lstrip("# ") if text.startswith("#") else heading
            elif text.startswith("$ "):
                item = Line(page, count, heading, text[2:])
                if text.startswith("$ curl "):
                    found.append(item)
                elif text != f"$ W={ADDRESS}":
                    raise Fault(f"{item.name}: '{text}' is not run by anybody")
            elif text.startswith("# "):
                item = None
            elif item and not item.shown and item.command.endswith("\\"):
                item.command += "\n" + text
            elif item:
                item.shown.append(text)
            else:
                raise Fault(f"{page}:{count}: whose answer is '{text}'?")
    return found


class Run:
    """The lines of one page after another against one server."""

    def __init__(self, server, folder, base):
        self.folder = folder
        self.address = "http://%s:%d" % server.address
        self.begun = datetime.datetime.now(UTC)
        self.ingest_times = {}  # as shown -> as it came
        self.base = sqlite3.connect(":memory:")
        base.backup(self.base)

    def ask(self, line):
        """The lines that the command writes."""
        command = line.command.replace(ADDRESS, self.address)
        for shown in INGEST_TIME.findall(command):
            if shown not in self.ingest_times:
                raise Fault(f"no answer before has shown the ingest time {shown}")
            command = command.replace(shown, self.ingest_times[shown])
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                              env=dict(clean_environment(), W=self.address, LC_ALL="C.UTF-8"), check=False)
        if done.returncode:
            raise Fault(f"exit code {done.returncode}: {done.stderr.decode()[-300:]}")
        got = done.stdout.decode().replace("\r\n", "\n").split("\n")
        return got[:-1] if got[-1] == "" else got

    def equals_shown(self, line, got):
        shown = line.shown
        pairs = list(zip(shown, got))
        if "…" in shown:
            head = shown.index("…")
            tail = len(shown) - head - 1
            if len(got) <= head + tail:
                raise Fault(f"nothing is left out of {got}")
            pairs = pairs[:head] + (list(zip(shown[-tail:], got[-tail:])) if tail else [])
        elif len(shown) != len(got):
            raise Fault(f"the page shows {len(shown)} lines, there came {len(got)}: {got[:4]}")
        for want, text in pairs:
            want = self.last_digits(shown[0].split(","), want, text)
            here, there = INGEST_TIME.findall(want), INGEST_TIME.findall(text)
            if INGEST_TIME.sub("", want) != INGEST_TIME.sub("", text) or len(here) != len(there):
                raise Fault(f"the page shows\n  {want}\nthere came\n  {text}")
            for known, came in zip(here, there):
                if self.ingest_times.setdefault(known, came) != came:
                    raise Fault(f"the page shows {known} for {self.ingest_times[known]} and for {came}")

    @staticmethod
    def last_digits(names, want, text):
        """`want`, with the cells of LAST_DIGITS as they came where they are near enough."""
        cells, came = want.split(","), text.split(",")
        if len(names) == len(cells) == len(came):
            for index, name in enumerate(names):
                if name in LAST_DIGITS and name not in cells and cells[index] and came[index]:
                    near = abs(float(cells[index]) - float(came[index])) <= LAST_DIGITS[name] * abs(float(cells[index]))
                    cells[index] = came[index] if near else cells[index]
        return ",".join(cells)

    def equals_sql(self, sql, line, got):
        cursor = self.base.execute(sql)
        names = [column[0] for column in cursor.description]
        rows = list(csv.reader(io.StringIO("\n".join(got) + "\n")))
        if "| " not in line.command:  # what goes through a shell's pipe leaves its header there
            if rows[0] != names:
                raise Fault(f"columns {rows[0]}, SQLite has {names}")
            rows = rows[1:]
        want = cursor.fetchall()
        if len(rows) != len(want):
            raise Fault(f"{len(rows)} rows, SQLite has {len(want)}: {want[:3]}")
        for row, wanted in zip(rows, want):
            for name, text, value in zip(names, row, wanted, strict=True):
                if not self.same(name, text, value):
                    raise Fault(f"{name} is '{text}', SQLite has {value!r}, in {row}")

    def same(self, name, text, value):
        if value is None:
            return text == ""
        if value == "ingest time":
            moment = datetime.datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00") if INGEST_TIME.fullmatch(text) else self.begun
            return self.begun < moment < datetime.datetime.now(UTC) + datetime.timedelta(seconds=1)
        if name == "time":
            return text == datetime.datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(value, str):
            return text == value
        try:
            return abs(float(text) - value) <= 1e-9 * max(1.0, abs(value))
        except ValueError:
            return False

    def check(self, line, sql):
        """`sql` is None for lines that load the data, and for those of README's tour."""
        got = self.ask(line)
        self.equals_shown(line, got)
        if sql and sql.startswith("INSERT"):
            self.base.execute(sql)
        elif sql:
            self.equals_sql(sql, line, got)


def statements(lines):
    """{key of a line: SQL} of the page of questions; everything that is asked there must have its statement, and the other way round."""
    left = {heading: list(sqls) for heading, sqls in ANSWERS.items()}
    found = {}
    for line in lines:
        if "--data-binary" in line.command:
            found[line.key] = None
        elif not left.get(line.heading):
            raise Fault(f"{line.name}: nothing in {os.path.basename(__file__)} answers '{line.heading}' independently")
        else:
            found[line.key] = left[line.heading].pop(0)
            if bool(line.writes) != found[line.key].startswith("INSERT"):
                raise Fault(f"{line.name}: its statement is that of another line")
    forgotten = [heading for heading, sqls in left.items() if sqls]
    if forgotten:
        raise Fault(f"{PAGE} does not ask: {forgotten}")
    return found


def settle(server, paths):
    for path in paths:
        answer = server.request("POST", path, b"")
        if answer.status != 200:
            raise Fault(f"{path}: {answer.status} {answer.text()[:300]}")


def contents_are_true():
    """Each heading of the page stands once in its table of contents, under the anchor that its text gives, and nothing else does."""
    with open(os.path.join(ROOT, PAGE), encoding="utf-8") as file:
        text = file.read()
    told = re.findall(r"\[([^]]+)\]\(#([^)]+)\)", text)
    there = [(heading, re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")) for heading in re.findall(r"^## (.+)$", text, re.M)]
    if sorted(told) != sorted(there):
        raise Fault(f"the table of contents of {PAGE} is wrong about {sorted(set(told) ^ set(there))}")


def run_page(program, folder, base, lines, sql_of, settling=()):
    """`settling`: what is posted once all files are there, so that answers come from packs."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="weir-questions-") as scratch, Server(program, os.path.join(scratch, "data")) as server:
        server.start()
        run = Run(server, folder, base)
        loaded = False
        for line in lines:
            try:
                if not loaded and "--data-binary" not in line.command:
                    settle(server, settling)
                    loaded = True
                run.check(line, sql_of(line))
                passed += 1
            except (Fault, ValueError, IndexError, sqlite3.Error, subprocess.SubprocessError) as error:
                failed += 1
                print(f"FAILED {line.name}: {line.command}\n  {type(error).__name__}: {error}", flush=True)
                if not server.alive():
                    raise Fault(f"the server ended\n{server.log_tail()}") from error
        server.stop()
    return passed, failed


def main():
    program, folder = sys.argv[1:3] if len(sys.argv) == 3 else sys.exit(__doc__)
    if not os.path.isdir(folder or "/nonexistent"):
        sys.exit(f"tests/real: '{folder}' is no folder: make test-real DATA=DIR")
    asked, short = curl_lines(PAGE), curl_lines(README)
    sql = statements(asked)
    contents_are_true()
    loads = [line for line in asked if "--data-binary" in line.command]
    strangers = [line.name for line in short if "$W" in line.command and line.key not in sql]
    if not loads or strangers:
        raise Fault(f"{README} shows lines that {PAGE} has not: {strangers}")
    base = sqlite3.connect(":memory:")
    fill(base, folder)
    base.commit()  # else its copies would wait for it
    flush, compact = "/v1/admin/flush", "/v1/admin/compact"
    counts = [run_page(program, folder, base, asked, lambda line: sql[line.key]),
              run_page(program, folder, base, asked, lambda line: sql[line.key], (flush, compact)),
              run_page(program, folder, base, loads + short, lambda line: sql.get(line.key), (flush,))]
    passed, failed = map(sum, zip(*counts))
    results = os.environ.get("WEIR_RESULTS", os.path.join(ROOT, "build", "results"))
    os.makedirs(results, exist_ok=True)
    with open(os.path.join(results, "questions.txt"), "w", encoding="ascii") as file:
        file.write(f"passed {passed} failed {failed} skipped 0\n")
    print(f"questions: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Fault as error:
        sys.exit(f"tests/real/questions.py: {error}")
