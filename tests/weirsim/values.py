"""What the world is: each row a pure function of (seed, source, series, time, revision), so that neither the order of requests nor
how many there are changes a byte.  Whole numbers throughout: the same on every machine.

A row is seen from `time + delay` on (a late one `late_by` later), as revision 0; `revise_every` later it may be revision 1, and so
on.  A deleted one goes `delete_after` behind its first sight.  Shares (`late`, `revised`, `deleted`, `null`, `duplicate`) are
compared with fields of the row's own hash."""
import functools
import hashlib
from typing import NamedTuple

from weirsim.times import DAY, HOUR

MASK = (1 << 64) - 1

SHARES = {"late": 0.02, "revised": 0.05, "deleted": 0.0, "null": 0.01, "duplicate": 0.0}
DEFAULTS = {**SHARES, "delay": 0, "late_by": 6 * HOUR, "revise_every": 12 * HOUR, "revisions": 2, "delete_after": DAY}
# Where a source is not like that.
OF_SOURCE = {
    "octopus": {"delay": DAY, "late_by": 2 * DAY, "late": 0.05, "revised": 0.0, "null": 0.0},
    "eia": {"delay": 2 * HOUR, "late_by": DAY, "revised": 0.2, "revise_every": DAY},
    "entsoe": {"delay": HOUR, "null": 0.005, "revised": 0.1},
    "elexon": {"delay": 2100, "null": 0.0, "late_by": 1800, "revise_every": HOUR, "revised": 0.1},
    "neso": {"delay": 2 * HOUR, "null": 0.0},
    "openmeteo": {"null": 0.005, "late": 0.0},
    "openmeteo_archive": {"delay": 5 * DAY, "late": 0.0, "null": 0.0, "revised": 0.0},
    "metno": {"null": 0.0, "late": 0.0},
    "water": {"delay": 21 * DAY, "late_by": 30 * DAY, "null": 0.0, "revised": 0.02, "revise_every": 14 * DAY},
    "hydrology": {"delay": DAY, "revised": 0.05, "revise_every": 3 * DAY},
    "generic": {"late": 0.0, "revised": 0.0, "null": 0.0},
}


def splitmix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


@functools.lru_cache(1 << 16)
def number_of(text):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def hash_of(seed, *parts):
    """64 bits of texts and whole numbers."""
    x = splitmix64(seed & MASK)
    for part in parts:
        x = splitmix64(x ^ (number_of(part) if isinstance(part, str) else part & MASK))
    return x


def share_of(seed, *parts):
    """At least 0, below 1."""
    return (hash_of(seed, *parts) >> 11) / (1 << 53)


class Series(NamedTuple):
    """`base`, `swing` and `noise` count in the last of `decimals`; `step` is from one row to the next."""
    source: str
    name: str
    base: int
    swing: int
    noise: int
    decimals: int
    step: int


class Row(NamedTuple):
    time: int
    value: object     # a number, or None
    revision: int
    published: int    # of this revision
    duplicate: bool   # a page shows it twice


def triangle(second, period, swing):
    """From 0 up to `swing` and down again."""
    half = period // 2
    return swing * (half - abs(second % period - half)) // half


class Values:
    def __init__(self, seed):
        self.seed, self.keys = seed, {}
        self.rates = {}
        self.set_rates({})

    def set_rates(self, changes):
        """`{source: {key: value}}`; "*" is all of them.  A key that there is not is a KeyError."""
        for source, some in changes.items():
            if source != "*" and source not in OF_SOURCE:
                raise KeyError(f"source {source!r}: there are {', '.join(OF_SOURCE)} and *")
            for key, value in some.items():
                if key not in DEFAULTS:
                    raise KeyError(f"rate {key!r}: there are {', '.join(DEFAULTS)}")
                if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                    raise KeyError(f"rate {key!r} is not a number from 0 on")
        known = {source: dict(self.rates.get(source) or {**DEFAULTS, **own}) for source, own in OF_SOURCE.items()}
        for source, some in changes.items():
            for name in known if source == "*" else [source]:
                known[name].update(some)
        self.rates = known

    def bits(self, series, time):
        """A row's own hash."""
        key = self.keys.get(series)
        if key is None:
            key = self.keys[series] = hash_of(self.seed, series.source, series.name)
        return splitmix64(key ^ splitmix64(time & MASK))

    def measure(self, series, time, revision=0, bits=None):
        """The value itself, whether or not anybody sees it."""
        bits = self.bits(series, time) if bits is None else bits
        noise = splitmix64(bits ^ (revision + 1)) % (2 * series.noise + 1) - series.noise
        count = (series.base + triangle(time, DAY, series.swing) + triangle(time, 365 * DAY, series.swing // 2)
                 + triangle(time, 7 * DAY, series.swing // 8) + noise)
        return count / 10 ** series.decimals if series.decimals else count

    def row(self, series, time, now):
        """None where there is nothing to be seen now."""
        rates = self.rates[series.source]
        seen = time + rates["delay"]
        if now < seen:
            return None
        bits = self.bits(series, time)

        def chance(place, name):
            return ((bits >> place) & 4095) < rates[name] * 4096

        if chance(0, "late"):
            seen += rates["late_by"]
            if now < seen:
                return None
        if chance(12, "deleted") and now >= seen + rates["delete_after"]:
            return None
        revision = 0
        if chance(24, "revised") and rates["revise_every"]:
            most = 1 + (bits >> 60) % max(1, int(rates["revisions"]))
            revision = min(most, int((now - seen) // rates["revise_every"]))
        value = None if chance(36, "null") else self.measure(series, time, revision, bits)
        published = int(seen + revision * rates["revise_every"])
        return Row(time, value, revision, published, chance(48, "duplicate"))

    def rows(self, series, first, end, now):
        """Those of [first, end) that are to be seen now, by time."""
        step = series.step
        start = first + -first % step
        found = (self.row(series, time, now) for time in range(start, min(end, int(now) + 1), step))
        return [row for row in found if row]

    def history(self, series, first, end, now):
        """Every revision that has been published of each row, by time and revision."""
        for row in self.rows(series, first, end, now):
            every = self.rates[series.source]["revise_every"]
            for revision in range(row.revision + 1):
                value = None if row.value is None else self.measure(series, row.time, revision)
                yield row._replace(value=value, revision=revision, published=int(row.published - (row.revision - revision) * every))

    def forecast(self, series, time, issued):
        """What was expected at `issued` of `time`; what is over is no forecast any more."""
        rates = self.rates[series.source]
        bits = self.bits(series, time)
        if ((bits >> 36) & 4095) < rates["null"] * 4096:
            return None
        return self.measure(series, time, 0 if time <= issued else issued)
