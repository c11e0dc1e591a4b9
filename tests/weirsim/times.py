"""Times as texts: seconds since 1970 within, what each API writes and reads at its edge."""
import datetime
import email.utils
import functools
import zoneinfo

UTC = datetime.timezone.utc
HOUR, DAY, WEEK = 3600, 86400, 604800
HALF_HOUR = 1800


@functools.lru_cache(64)
def zone(name):
    """None where there is no such zone."""
    if name in ("UTC", "GMT"):
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


LONDON = zone("Europe/London")
if LONDON is None:
    raise SystemExit("weirsim needs the time zones of the system (Debian: apt-get install tzdata)")


def parse(text, tz=UTC):
    """Seconds, or None where it is no time.  What says no offset is of `tz`; the first of two where clocks go back."""
    try:
        when = datetime.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=tz)
    return when.timestamp().__floor__()


def at(second, tz=UTC):
    return datetime.datetime.fromtimestamp(second, tz)


def iso(second, tz=UTC):
    """2026-01-01T00:00:00Z, or with the zone's offset at that time."""
    return at(second, tz).isoformat().replace("+00:00", "Z")


def naive(second, tz=UTC, minutes=False):
    return at(second, tz).strftime("%Y-%m-%dT%H:%M" if minutes else "%Y-%m-%dT%H:%M:%S")


def http_date(second):
    return email.utils.formatdate(second, usegmt=True)


def midnight(date, tz):
    """When the day `date` (a date) begins in `tz`."""
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=tz).timestamp())


def day_of(text):
    try:
        return datetime.date.fromisoformat(text) if len(text) == 10 else None
    except (TypeError, ValueError):
        return None


def dates(first, last):
    while first <= last:
        yield first
        first += datetime.timedelta(days=1)


def settlement(second):
    """The day of London and the half hour within it, from 1."""
    date = at(second, LONDON).date()
    return date, (second - midnight(date, LONDON)) // HALF_HOUR + 1


def settlement_periods(date):
    """46, 48 or 50."""
    return (midnight(date + datetime.timedelta(days=1), LONDON) - midnight(date, LONDON)) // HALF_HOUR


def twice(second, tz=LONDON):
    """Whether clocks of `tz` show this time twice."""
    local = at(second, tz)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
