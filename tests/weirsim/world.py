"""All that one simulator knows: seed, clocks, values, faults, limits, log; and what an API asks of it."""
import threading

from weirsim import faults as fault_kinds
from weirsim.clock import Clock
from weirsim.faults import Script
from weirsim.log import Log
from weirsim.message import Refusal
from weirsim.times import LONDON, twice
from weirsim.values import Values, share_of

# What clients have to give.  Nothing of it is a secret of anybody's.
OCTOPUS_KEY = "sk_live_weirsim"
EIA_KEY = "weirsim-eia-key"
ENTSOE_TOKEN = "weirsim-entsoe-token"
OAUTH = ("weirsim-client", "weirsim-secret")

# What the real ones allow, as far as it is known.  0: no such limit.
LIMITS = {
    "openmeteo": {"minute": 600, "hour": 5000, "day": 10000, "concurrent": 0},
    "eia": {"second": 5, "hour": 9000, "suspended_s": 30},
    "entsoe": {"minute": 400, "banned_s": 600, "days": 366, "days_outages": 100},
    "elexon": {"minute": 0, "days": 7},
    "metno": {"second": 20},
    "water": {"minute": 75},
    "hydrology": {"concurrent": 1},
    "oauth": {"expires_s": 300},
    "cursor": {"expires_s": 60},
}
SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


class Limits:
    """Counters that begin anew with each second, minute, hour and day of the wall's clock, and who is shut out until when."""

    def __init__(self):
        self.lock = threading.Lock()
        self.allowed = {name: dict(some) for name, some in LIMITS.items()}
        self.clear()

    def clear(self):
        with self.lock:
            self.counts, self.until, self.under_way = {}, {}, {}

    def set(self, changes):
        for name, some in changes.items():
            if name not in LIMITS:
                raise KeyError(f"limit {name!r}: there are {', '.join(LIMITS)}")
            for key in some:
                if key not in LIMITS[name]:
                    raise KeyError(f"limit {name}.{key}: there are {', '.join(LIMITS[name])}")
        for name, some in changes.items():
            self.allowed[name].update(some)

    def take(self, name, wall, weight=1, who=""):
        """None, or the span whose limit has been reached and when it ends."""
        with self.lock:
            spans = [span for span in ("day", "hour", "minute", "second") if self.allowed[name].get(span)]
            for span in spans:
                length = SPANS[span]
                number, count = self.counts.get((name, who, span), (None, 0))
                if number == wall // length and count + weight > self.allowed[name][span] and count:
                    return span, (wall // length + 1) * length
            for span in spans:
                number, count = self.counts.get((name, who, span), (None, 0))
                now = wall // SPANS[span]
                self.counts[(name, who, span)] = (now, (count if number == now else 0) + weight)
        return None

    def shut(self, name, who, until):
        with self.lock:
            self.until[(name, who)] = until

    def shut_until(self, name, who, wall):
        with self.lock:
            until = self.until.get((name, who), 0)
        return until if wall < until else None

    def enter(self, name, change):
        """How many requests of that API are under way with this one."""
        with self.lock:
            self.under_way[name] = self.under_way.get(name, 0) + change
            return self.under_way[name]


class World:
    def __init__(self, seed=1, now=None, rate=1.0, rules=(), rates=None):
        self.start = {"now": now, "rate": rate, "rules": rules, "rates": rates or {}}
        self.log, self.limits, self.clock, self.wall = Log(), Limits(), Clock(), Clock()
        self.big, self.big_lock = (None, b""), threading.Lock()  # a day's bytes of the large page, and the seed that they are of
        self.reset(seed)

    def reset(self, seed=None):
        """As it was started; with another seed, if one is given."""
        self.seed = self.seed if seed is None else seed
        self.values = Values(self.seed)
        self.values.set_rates(self.start["rates"])
        self.faults = Script(self.seed, self.start["rules"])
        wall = Clock()
        now = self.start["now"]
        self.clock.set(wall.now() if now is None else now, self.start["rate"])
        self.wall.set(wall.now(), 1.0)
        self.limits.set(LIMITS)
        self.limits.clear()
        self.log.clear()

    def rows(self, request, series, first, end):
        """What a page of this API shows now: the rows that are, and what a fault makes of them."""
        rows = self.values.rows(series, first, end, request.now)
        return self.spoiled(request, series, rows)

    def spoiled(self, request, series, rows):
        """What stands in place of a value is as wrong as it may be; where there is none, nothing is: a later null would not take it back."""
        shown = []
        fault = request.quirks.get("values")
        for row in rows:
            if fault and row.value is not None and share_of(self.seed, "values", series.source, series.name, row.time) < fault["share"]:
                row = row._replace(value=fault_kinds.VALUES[fault["as"]])
            again = row.duplicate or ("dst_twice" in request.quirks and twice(row.time, LONDON))
            shown += [row, row] if again else [row]
        return shown


def page_of(request, rows, first, limit):
    """The rows of a page that begins at `first`, and how many all pages have; faults of paging have their turn."""
    total = len(rows)
    if "duplicate_page" in request.quirks:
        first = max(0, first - limit)
    if "shifted_page" in request.quirks and first > 0:
        first = max(0, first - request.quirks["shifted_page"]["by"])
        total += request.quirks["shifted_page"]["by"]
    return rows[first:first + limit], total


def refuse(response):
    raise Refusal(response)
