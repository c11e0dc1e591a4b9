"""The questions of bench/query, each as text for Weir, VictoriaMetrics and InfluxDB, and their answers read back.

A question is drawn once (hosts, times) and put to all of them.  Windows are [t, t + length) in Weir and InfluxDB, and
(t, t + length] in VictoriaMetrics, which is therefore asked a millisecond before each window's end: it sees the same
samples.  An answer is read into {(tags..., time in seconds, field): value}, so that they can be compared."""
import json
import random
from urllib.parse import quote

START, HOSTS, STEP = 1700000000, 100, 10  # as bench/data.c has them
FIELDS = ("usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait", "usage_irq", "usage_softirq",
          "usage_steal", "usage_guest", "temperature")
MINUTE, HOUR, DAY = 60, 3600, 86400


class Kind:
    """A kind of question.  `draw` gives what differs from one to the next, `weir`, `victoria` and `influx` make paths of it.  Forms: `windows`; `newest`, the last five windows before a time, from an open range; `above`, rows; `last`, points."""

    def __init__(self, title, hosts, fields, hours, every=None, by_host=False, aggregate="max", form="windows"):
        self.title, self.hosts, self.fields, self.hours = title, hosts, FIELDS[:fields], hours
        self.every, self.by_host, self.aggregate, self.form = every, by_host, aggregate, form
        self.prefix = {"above": "", "last": "last"}.get(form, aggregate)  # of Weir's columns

    def draw(self, chance):
        hosts = sorted(chance.sample(range(HOSTS), self.hosts)) if self.hosts < HOSTS else None
        width = round(self.hours * HOUR)
        grid = self.every or STEP
        start = START + chance.randrange(0, DAY - width - grid)
        start += -start % grid
        return hosts, start, start + width

    # --- Weir ---

    def weir(self, drawn):
        hosts, start, end = drawn
        parts = ["measurement=cpu", "epoch=s"]
        if len(self.fields) < len(FIELDS):
            parts.append("fields=" + ",".join(self.fields))
        if hosts is not None:
            names = "|".join(f"host_{host}" for host in hosts)
            parts.append("match=" + quote(f"hostname{'=~' if len(hosts) > 1 else '='}{names}", safe=""))
        if self.form == "last":
            return "/v1/query?" + "&".join(parts + ["agg=last", "group_by=hostname"])
        if self.form == "above":
            parts.append("where=" + quote(f"{self.fields[0]}>90", safe=""))
        if self.form in ("windows", "newest"):
            parts += [f"agg={self.aggregate}", f"every={self.every}s"]
        if self.by_host and self.form != "above":  # rows come series by series anyway
            parts.append("group_by=hostname")
        if self.form == "newest":
            return "/v1/query?" + "&".join(parts + [f"end={end}", "order=desc", "limit=5"])
        return "/v1/query?" + "&".join(parts + [f"start={start}", f"end={end}"])

    def weir_read(self, text):
        rows = {}
        for series in json.loads(text)["series"]:
            for row in series["rows"]:
                for name, value in zip(series["columns"][1:], row[1:]):
                    if value is not None:
                        time = 0 if self.form == "last" else row[0]
                        rows[series["tags"].get("hostname", ""), time, name.removeprefix(f"{self.prefix}_")] = value
        return rows

    # --- VictoriaMetrics ---

    def victoria(self, drawn):
        hosts, start, end = drawn
        name = f"cpu_{self.fields[0]}" if len(self.fields) == 1 else f"cpu_({'|'.join(self.fields)})"
        matchers = [f'__name__{"=~" if len(self.fields) > 1 else "="}"{name}"']
        if hosts is not None:
            matchers.append(f'hostname{"=~" if len(hosts) > 1 else "="}"{"|".join(f"host_{host}" for host in hosts)}"')
        selected = "{" + ",".join(matchers) + "}"
        if self.form == "last":
            return f"/api/v1/query?nocache=1&time={START + DAY - STEP}&query={quote(selected, safe='')}"
        if self.form == "above":
            return f"/api/v1/query_range?nocache=1&start={start}&end={end - STEP}&step={STEP}&query={quote(selected + ' > 90', safe='')}"
        if self.form == "newest":
            return None
        over = {"max": "max", "mean": "avg"}[self.aggregate]
        text = f"{over}({over}_over_time({selected}[{self.every}s])) by (__name__{', hostname' if self.by_host else ''})"
        return (f"/api/v1/query_range?nocache=1&start={start + self.every - 0.001:.3f}&end={end - 0.001:.3f}"
                f"&step={self.every}&query={quote(text, safe='')}")

    def victoria_read(self, text):
        rows = {}
        for series in json.loads(text)["data"]["result"]:
            name = series["metric"]["__name__"][len("cpu_"):]
            host = series["metric"].get("hostname", "") if self.by_host else ""
            for time, value in series.get("values") or [series["value"]]:
                at = 0 if self.form == "last" else int(time) if self.form == "above" else round(time + 0.001) - self.every
                rows[host, at, name] = float(value)
        return rows

    # --- InfluxDB ---

    def influx(self, drawn):
        hosts, start, end = drawn
        where = [] if self.form == "last" else [f"time < {end}s"] if self.form == "newest" else [f"time >= {start}s", f"time < {end}s"]
        if hosts is not None:
            where.append("(" + " OR ".join(f"hostname='host_{host}'" for host in hosts) + ")")
        groups = ["hostname"] if self.by_host else []
        columns = ", ".join(self.fields)
        if self.form == "above":
            where.append(f"{self.fields[0]} > 90")
        elif self.form == "windows" or self.form == "newest":
            columns = ", ".join(f"{self.aggregate}({field})" for field in self.fields)
            groups.append(f"time({self.every}s)")
        text = f"SELECT {columns} FROM cpu" + (" WHERE " + " AND ".join(where) if where else "") + \
               (" GROUP BY " + ", ".join(groups) if groups else "")
        if self.form == "last":
            text += " ORDER BY time DESC LIMIT 1"
        elif self.form == "newest":
            text += " ORDER BY time DESC LIMIT 5"
        return f"/query?db=bench&epoch=s&q={quote(text, safe='')}"

    def influx_read(self, text):
        rows = {}
        for series in json.loads(text)["results"][0].get("series", ()):
            for row in series["values"]:
                for field, value in zip(self.fields, row[1:]):
                    if value is not None:
                        rows[series.get("tags", {}).get("hostname", ""), 0 if self.form == "last" else row[0], field] = value
        return rows

    def path(self, database, drawn):
        """None: there is no such question in its language."""
        return {"weir": self.weir, "victoria-metrics": self.victoria, "influxdb": self.influx}[database](drawn)

    def read(self, database, text):
        return {"weir": self.weir_read, "victoria-metrics": self.victoria_read, "influxdb": self.influx_read}[database](text)


def kinds():
    one = [Kind(f"max of {fields} by minute, {hosts} host{'s' * (hosts > 1)}, {hours} h", hosts, fields, hours, every=MINUTE)
           for fields in (1, 5) for hosts in (1, 8) for hours in (1, 12)]
    return one + [
        Kind("max of all 10 by hour, 1 host, 8 h", 1, 10, 8, every=HOUR),
        Kind("max of all 10 by hour, 8 hosts, 8 h", 8, 10, 8, every=HOUR),
        Kind("mean of 1 by host and hour, 12 h", HOSTS, 1, 12, every=HOUR, by_host=True, aggregate="mean"),
        Kind("mean of 5 by host and hour, 12 h", HOSTS, 5, 12, every=HOUR, by_host=True, aggregate="mean"),
        Kind("mean of all 10 by host and hour, 12 h", HOSTS, 10, 12, every=HOUR, by_host=True, aggregate="mean"),
        Kind("rows above 90, 1 host, 12 h", 1, 1, 12, by_host=True, form="above"),
        Kind("rows above 90, all hosts, 12 h", HOSTS, 1, 12, by_host=True, form="above"),
        Kind("last point of every host", HOSTS, 10, 1, by_host=True, form="last"),
        Kind("the last 5 minutes' maxima before a time, all hosts", HOSTS, 1, 5 / 60, every=MINUTE),
        Kind("the newest 5 of all minutes' maxima before a time, all hosts", HOSTS, 1, 1, every=MINUTE, form="newest"),
    ]


def differences(left, right):
    """What differs between two answers, as text, or ''.  Means may differ in their last digits."""
    if left.keys() != right.keys():
        odd = sorted(left.keys() ^ right.keys(), key=str)
        return f"{len(left)} and {len(right)} values; in one only: {odd[:3]}"
    wrong = [key for key, value in left.items() if abs(value - right[key]) > 1e-9 * max(1, abs(value))]
    return f"{len(wrong)} of {len(left)} values differ, at {wrong[0]}: {left[wrong[0]]} and {right[wrong[0]]}" if wrong else ""


def chance_of(kind, seed):
    return random.Random(f"{seed} {kind.title}")
