"""The answers as docs/reference/query.md, changes.md and stats.md describe them, worked out the plain way: every version of every
cell is kept with its ingest time, each question walks all of them, numbers are integers and fractions, windows come from
zoneinfo, statistics from their definitions.  It shares no line with Weir, and is slow.

Values are int (i64, u64), float (f64), bool and str; a cell without a value is None.  A question is a dict, see
generator.py.  What cannot be told to the last digit is `Near`; `Ambiguous` is raised where such a digit decides what
comes out (a tie of ranks within rounding): such a question proves nothing."""
import bisect
import datetime
import math
import re
import zoneinfo
from fractions import Fraction

SECOND = 1_000_000_000
DAY = 86400 * SECOND
EPOCH = datetime.datetime(1970, 1, 1)
MONDAY = datetime.datetime(1970, 1, 5)
UTC = datetime.timezone.utc
F64_MAX = Fraction(1.7976931348623157e308)
F64_LEAST = Fraction(1, 2**1072)  # below 1e-308 a f64 has fewer digits, and few roundings are made
KEPT_MAX = 65536  # values of which quantiles and distinct counts are exact
RATE_NS = 2**30  # rates that f64 cannot hold for so many ns are null
AREA_LEAST = Fraction(2**66, 2**1074)  # value x ns, below which areas have no digits: so that large ones do not overflow
PAIRED = {"increase", "rate", "delta", "derivative", "integral", "time_weighted_mean"}
ANY_TYPE = {"count", "first", "last", "mode", "distinct"}


class Ambiguous(Exception):
    """Rounding decides: no answer is the right one."""


class Near:
    """A number that an answer gives as f64, within 1e-9 of itself (f64 has 1e-16, of which sums of thousands of terms
    in any order may lose some) and `slack`, what may be left where large terms cancel."""

    def __init__(self, value, slack=0):
        self.value, self.slack = Fraction(value), Fraction(slack)

    def fits(self, got):
        return (isinstance(got, float) and
                abs(Fraction(got) - self.value) <= abs(self.value) / 10**9 + self.slack + F64_LEAST)

    def __repr__(self):
        return f"about {float(self.value)!r}"


class Estimate:
    """A count of different values that is estimated: within five standard errors of 0.8 %."""

    def __init__(self, value):
        self.value = value

    def fits(self, got):
        return type(got) is int and abs(got - self.value) <= self.value * 5 * 0.008

    def __repr__(self):
        return f"some {self.value}"


class Root(Near):
    """The square root of one."""

    def fits(self, got):
        return (isinstance(got, float) and got >= 0 and
                abs(Fraction(got) ** 2 - self.value) <= abs(self.value) / 10**9 * 2 + self.slack)

    def __repr__(self):
        return f"about {math.sqrt(self.value)!r}"


def near(value, slack=0):
    return Near(value, slack) if abs(value) <= F64_MAX else None


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def plain(value):
    return value.value if isinstance(value, (Near, Estimate)) else value


# --- what was written: cells, versions, deletions ---

def tag(tags, name):
    return dict(tags).get(name, "")


def matches(tags, conditions):
    for name, operator, wanted in conditions:
        value = tag(tags, name)
        holds = value == wanted if operator in ("=", "!=") else re.fullmatch(wanted, value) is not None
        if holds == operator.startswith("!"):
            return False
    return True


class History:
    """Everything that one measurement was told, in order of ingest time.  `series` are its series in order of id, set
    by who asks; it is of the server's choice."""

    def __init__(self):
        self.cells = {}       # tags -> time -> field -> [(ingest, value)]
        self.deletions = []   # (ingest, operation)
        self.kinds = {}       # field -> "number", "bool" or "text"
        self.series = []
        self.last = 0
        self.tables = {}

    def write(self, ingest, points):
        for tags, time, fields in points:  # the later point of a request wins, field by field
            row = self.cells.setdefault(tags, {}).setdefault(time, {})
            for name, value in fields.items():
                versions = row.setdefault(name, [])
                if versions and versions[-1][0] == ingest:
                    versions.pop()
                versions.append((ingest, value))
                if value is not None:
                    self.kinds[name] = "number" if is_number(value) else "bool" if isinstance(value, bool) else "text"
        self.moved(ingest)

    def delete(self, ingest, deletion):
        self.deletions.append((ingest, deletion))
        self.moved(ingest)

    def moved(self, ingest):
        self.last = ingest
        self.tables = {}

    def fields(self):
        return sorted(self.kinds, key=lambda name: name.encode())

    def covering(self, tags):
        return [(ingest, each) for ingest, each in self.deletions if matches(tags, each["match"])]

    @staticmethod
    def hidden(deletions, time, field, written, moment):
        for ingest, each in deletions:
            if (written < ingest and (each["erase"] or ingest <= moment) and
                    (each["start"] is None or each["start"] <= time) and (each["end"] is None or time < each["end"]) and
                    (each["fields"] is None or field in each["fields"])):
                return True
        return False

    def row(self, deletions, time, cells, moment):
        """The values of one row as of a moment: of each field the newest version, unless a deletion covers it."""
        values = {}
        for field, versions in cells.items():
            newest = None
            for version in versions:
                if version[0] <= moment:
                    newest = version
            if newest and newest[1] is not None and not self.hidden(deletions, time, field, newest[0], moment):
                values[field] = newest[1]
        return values

    def table(self, moment):
        """tags -> [(time, values)] as of a moment, in order of time."""
        if moment not in self.tables:
            table = {}
            for tags, times in self.cells.items():
                deletions = self.covering(tags)
                rows = [(time, self.row(deletions, time, times[time], moment)) for time in sorted(times)]
                table[tags] = [(time, values) for time, values in rows if values]
            self.tables[moment] = table
        return self.tables[moment]

    def states(self, tags, time, moment):
        """[(ingest, values)] of each moment at which something happened to a row."""
        cells, deletions = self.cells[tags][time], self.covering(tags)
        moments = {ingest for versions in cells.values() for ingest, _ in versions} | {ingest for ingest, _ in deletions}
        return [(each, self.row(deletions, time, cells, each)) for each in sorted(moments) if each <= moment]

    def was_erased(self, tags, time, since):
        return any(each["erase"] and ingest > since for ingest, each in self.covering(tags)
                   if (each["start"] is None or each["start"] <= time) and (each["end"] is None or time < each["end"]))


# --- windows ---

def zone_of(name):
    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", name)
    if found:
        minutes = int(found[2]) * 60 + int(found[3])
        return datetime.timezone(datetime.timedelta(minutes=minutes if found[1] == "+" else -minutes))
    return UTC if name == "UTC" else zoneinfo.ZoneInfo(name)


def seconds_of(wall):
    gone = wall - EPOCH
    return gone.days * 86400 + gone.seconds


def first_instant(wall, rest, zone):
    """The first moment at which clocks show `wall` and `rest` ns, or, if they skip it, the end of what they skip."""
    def offset(second):
        return (EPOCH + datetime.timedelta(seconds=second)).replace(tzinfo=UTC).astimezone(zone).utcoffset()

    before = wall.replace(tzinfo=zone, fold=0).utcoffset()
    second = seconds_of(wall - before)
    if offset(second) == before:
        return second * SECOND + rest
    after = offset(second)
    low, high = second - 2 * 86400, second  # the clocks moved in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        if offset(middle) == after:
            high = middle
        else:
            low = middle
    return high * SECOND


class Grid:
    """unit: "ns", "days" or "months", so many of which a window is long."""

    def __init__(self, unit, count, zone="UTC", offset=0):
        self.unit, self.count, self.offset = unit, count, offset
        self.zone = zone_of(zone)
        self.starts = {}

    def start(self, index):
        if index not in self.starts:
            self.starts[index] = self.find_start(index)
        return self.starts[index]

    def find_start(self, index):
        if self.unit == "ns":
            return self.anchor() + index * self.count + self.offset
        if self.unit == "days":
            anchor = MONDAY if self.count % 7 == 0 else EPOCH
            wall = anchor + datetime.timedelta(days=index * self.count)
        else:
            year, month = divmod(index * self.count, 12)
            wall = datetime.datetime(year, month + 1, 1)
        whole, rest = divmod(self.offset, SECOND)
        return first_instant(wall + datetime.timedelta(seconds=whole), rest, self.zone)

    def anchor(self):
        return 4 * DAY if self.count % (7 * DAY) == 0 else 0

    def index(self, time):
        if self.unit == "ns":
            return (time - self.anchor() - self.offset) // self.count
        local = (EPOCH + datetime.timedelta(seconds=time // SECOND)).replace(tzinfo=UTC).astimezone(self.zone)
        if self.unit == "days":
            anchor = MONDAY if self.count % 7 == 0 else EPOCH
            guess = (local.replace(tzinfo=None) - anchor).days // self.count
        else:
            guess = (local.year * 12 + local.month - 1) // self.count
        while self.start(guess) > time:
            guess -= 1
        while self.start(guess + 1) <= time:
            guess += 1
        return guess


# --- columns that are computed, conditions ---

def computed(tree, values):
    """IEEE doubles in the order in which the expression is written; None without an operand."""
    if isinstance(tree, float):
        return tree
    if isinstance(tree, str):
        value = values.get(tree)
        return float(value) if is_number(value) else None
    operands = [computed(each, values) for each in tree[1:]]
    if None in operands:
        return None
    left = operands[0]
    if tree[0] == "neg":
        return -left
    right = operands[1]
    if tree[0] == "/":
        if right == 0:
            return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
        return left / right
    return left + right if tree[0] == "+" else left - right if tree[0] == "-" else left * right


def with_computed(question, values):
    if not question.get("let"):
        return values
    values = dict(values)
    for name, tree in question["let"]:
        value = computed(tree, values)
        if value is not None and math.isfinite(value):
            values[name] = value
    return values


COMPARE = {">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
           "=": lambda a, b: a == b, "!=": lambda a, b: a != b}


def kind(value):
    return "number" if is_number(value) else type(value)


def passes(question, values):
    for name, operator, wanted in question.get("where", ()):
        value = values.get(name)
        if value is None or kind(value) != kind(wanted) or not COMPARE[operator](value, wanted):
            return False
    return True


# --- aggregates ---

def same_type(value):
    return 0 if isinstance(value, float) else 1  # of equal values the f64 is told


def numbers_sum(values):
    if all(isinstance(value, int) for value in values):
        return sum(values)
    total = sum(map(Fraction, values))
    return near(total, sum(abs(Fraction(value)) for value in values) / 10**25)


def variance(values):
    count = len(values)
    mean = sum(map(Fraction, values)) / count
    value = sum((Fraction(each) - mean) ** 2 for each in values) / (count - 1)
    if value > F64_MAX:
        return None, 0
    # Sums of squares of differences from a running mean, which itself is rounded.
    scale = float(mean) ** 2 if abs(mean) < 10**150 else 0.0
    # Squares of differences below 1e-154 are below what f64 holds.
    slack = 1e-14 * count * math.sqrt(float(value)) * math.sqrt(float(value) + scale) + 1e-28 * scale + 1e-307
    return value, slack if math.isfinite(slack) else float(value)


def quantile(values, percent):
    values = sorted(float(value) for value in values)
    rank = Fraction(percent) / 100 * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    a, b = Fraction(values[low]), Fraction(values[high])
    exact = len(values) <= KEPT_MAX
    return Near(a + (b - a) * (rank - low), max(abs(a), abs(b)) / 10**15 if exact else max(abs(a), abs(b)) * Fraction(4, 1000))


def mode(values):
    counts = {}
    for value in values:
        counts.setdefault((kind(value) is str, kind(value) is bool, value), []).append(value)
    most = max(map(len, counts.values()))
    best = min(key for key, same in counts.items() if len(same) == most)
    return min(counts[best], key=same_type)


class Column:
    """What one field has in one window of one group."""

    def __init__(self):
        self.items = []   # (time, place of the series, value)
        self.pairs = []   # (place of the series, time, value, time, value), the later one in this window
        self.alone = []   # values that nothing came before

    def aggregate(self, name, argument):
        if name in PAIRED:
            return self.paired(name, argument)
        values = [item[2] for item in self.items]
        if name == "count":
            return len(values)
        if name == "distinct":
            different = len({(kind(value) is str, kind(value) is bool, value) for value in values})
            return different if different <= KEPT_MAX else Estimate(different)
        if not values:
            return None
        if name in ("first", "last"):
            return (min if name == "first" else max)(self.items, key=lambda item: item[:2])[2]
        if name == "mode":
            return mode(values)
        if name == "sum":
            return numbers_sum(values)
        if name == "mean":
            total = numbers_sum(values)
            if total is None:
                return None
            slack = total.slack if isinstance(total, Near) else 0
            return near(Fraction(plain(total)) / len(values), slack)
        if name in ("min", "max"):
            least = (min if name == "min" else max)(values)
            return min((value for value in values if value == least), key=same_type)
        if name in ("variance", "stddev"):
            if len(values) < 2:
                return None
            value, slack = variance(values)
            return None if value is None else (Near if name == "variance" else Root)(value, slack)
        return quantile(values, argument)

    def paired(self, name, unit):
        unit = unit or SECOND
        if not self.pairs:
            if name == "time_weighted_mean" and self.alone:
                return near(sum(map(Fraction, self.alone)) / len(self.alone), sum(abs(Fraction(v)) for v in self.alone) / 10**13)
            return None
        area = name in ("integral", "time_weighted_mean")
        total = length = slack = Fraction(0)
        counted = []  # values on which the type depends
        for place in sorted({pair[0] for pair in self.pairs}):
            mine = [pair for pair in self.pairs if pair[0] == place]
            value = scale = Fraction(0)
            for _, time, before, later, after in mine:
                a, b = Fraction(before), Fraction(after)
                if area:
                    value += (a + b) / 2 * (later - time)
                elif name in ("increase", "rate"):
                    value += b - a if b >= a else max(b, 0)
                else:
                    value += b - a
                scale += (abs(a) + abs(b)) * (later - time if area else 1)
            span = mine[-1][3] - mine[0][1]
            by = Fraction(unit, span) if name in ("rate", "derivative") else Fraction(1, unit) if name == "integral" else 1
            length += span
            if name in ("rate", "derivative") and abs(value) * RATE_NS / span > F64_MAX:
                return None
            total += value * by
            slack += scale * by / 10**13
            if area:
                slack += len(mine) * AREA_LEAST * by
            counted += (mine[0][2], mine[-1][4]) if name == "delta" else [value for pair in mine for value in (pair[2], pair[4])]
        if name in ("increase", "delta") and all(isinstance(value, int) for value in counted):
            return int(total)
        return near(total / length, slack / length) if name == "time_weighted_mean" else near(total, slack)


def column_name(call, field):
    return f"{call[0]}_{field}"


# --- a question ---

def exactly(values):
    """Equal for rows whose values have the same types and bits: 1i is not 1u, and -0.0 not 0.0."""
    return values and {field: (type(value), repr(value)) for field, value in values.items()}


STATISTICS = [(name, name, None) for name in ("count",)] + [("missing", None, None)] + [
    (name, name, None) for name in ("min", "max", "mean")] + [("std", "stddev", None)] + [
    (f"p{percent}", "quantile", Fraction(percent)) for percent in (5, 25, 50, 75, 95)] + [
    (name, name, None) for name in ("first", "last", "sum")]


class Table:
    """What an answer says: columns, and rows of (tags, values) in their order."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows


class Asked:
    """A question with what it means for a history: columns, rows that are left."""

    def __init__(self, history, question, moment):
        self.history, self.question, self.moment = history, question, moment
        names = [name for name, _ in question.get("let", ())]
        self.fields = list(question["fields"]) if question.get("fields") else history.fields() + names
        self.calls = {}  # field -> its aggregates
        if question.get("agg"):
            for field in self.fields:
                number = field in names or history.kinds[field] == "number"
                self.calls[field] = [call for call in question["agg"] if number or call[0] in ANY_TYPE]
        self.series = [tags for tags in history.series if matches(tags, question.get("match", ()))]
        self.desc = question.get("order") == "desc"

    def in_range(self, time):
        start, end = self.question.get("start"), self.question.get("end")
        return (start is None or start <= time) and (end is None or time < end)

    def leave(self, values):
        """Of the values of a row those asked for, or None if it is not in the answer."""
        values = with_computed(self.question, values)
        if not passes(self.question, values):
            return None
        values = {field: values[field] for field in self.fields if values.get(field) is not None}
        return values or None

    def rows_of(self, tags):
        rows = []
        for time, values in self.history.table(self.moment).get(tags, ()):
            if self.in_range(time):
                left = self.leave(values)
                if left:
                    rows.append((time, left))
        return rows

    # raw rows

    def raw(self):
        rows = []
        for tags in self.series:
            mine = [(tags, {"time": time, **{field: values.get(field) for field in self.fields}})
                    for time, values in self.rows_of(tags)]
            rows += mine[::-1] if self.desc else mine
        return Table(["time"] + self.fields, rows)

    def raw_top(self):
        kind_of, count, field = self.question["top"]
        rows = [row for row in self.raw().rows if is_number(row[1][field])]
        rows.sort(key=lambda row: row[1][field] if kind_of == "bottom" else -Fraction(row[1][field]))
        return Table(["time"] + self.fields, rows[:count])

    # versions and changes

    def spans(self, tags, time):
        """[(known_from, known_to, values)]: equal neighbours are one, what does not pass is a gap."""
        spans = []
        for ingest, values in self.history.states(tags, time, self.moment):
            left = self.leave(values)
            key = exactly(left)
            if spans and spans[-1][3] == key:
                continue
            if spans:
                spans[-1][1] = ingest
            spans.append([ingest, None, left, key])
        return [span[:3] for span in spans]

    def times_of(self, tags):
        times = [time for time in sorted(self.history.cells.get(tags, ())) if self.in_range(time)]
        return times[::-1] if self.desc else times

    def versions(self):
        rows = []
        for tags in self.series:
            for time in self.times_of(tags):
                for known_from, known_to, values in self.spans(tags, time)[::-1 if self.desc else 1]:
                    if values:
                        rows.append((tags, {"time": time, "known_from": known_from, "known_to": known_to,
                                            **{field: values.get(field) for field in self.fields}}))
        return Table(["time", "known_from", "known_to"] + self.fields, rows)

    def changes(self, since):
        rows = []
        for tags in self.series:
            for time in self.times_of(tags):
                spans = self.spans(tags, time)
                before = None
                for known_from, _, values in spans:
                    if known_from <= since:
                        before = values
                now = spans[-1][2] if spans else None
                if exactly(before) == exactly(now):
                    continue
                change = "added" if before is None else "removed" if now is None else "changed"
                rows.append((tags, {"time": time, "change": change, "known_from": spans[-1][0],
                                    **{field: (now or {}).get(field) for field in self.fields}}))
        return Table(["time", "change", "known_from"] + self.fields, rows)

    # statistics

    def stats(self):
        everything = Asked(self.history, {**self.question, "fields": None}, self.moment)
        columns, rows = ["field"] + [name for name, _, _ in STATISTICS], []
        for tags, series in self.groups():
            values, count = {}, 0
            for place, each in enumerate(series):
                for time, row in everything.rows_of(each):
                    count += 1
                    for field, value in row.items():
                        values.setdefault(field, Column()).items.append((time, place, value))
            for field in sorted(self.fields, key=str.encode) if count else ():
                column = values.get(field, Column())
                number = self.history.kinds.get(field, "number") == "number"
                told = {name: column.aggregate(call, argument) if number or call in ANY_TYPE else None
                        for name, call, argument in STATISTICS if call}
                rows.append((tags, {"field": field, **told, "missing": count - told["count"]}))
        return Table(columns, rows)

    # windows

    def groups(self):
        """[(tags of the group, its series)] in order."""
        by = self.question.get("group_by")
        if by == ["*"]:
            return [(tags, [tags]) for tags in self.series]
        groups = {}
        for tags in self.series:
            groups.setdefault(tuple(tag(tags, name) for name in by or ()), []).append(tags)
        return [(tuple(sorted((name, value) for name, value in zip(by or (), key) if value)), groups[key])
                for key in sorted(groups, key=lambda values: [value.encode() for value in values])]

    def windows_of(self, series, grid):
        """index of a window -> field -> Column, of those that have rows."""
        windows = {}
        for place, tags in enumerate(series):
            before = {}
            for time, values in self.rows_of(tags):
                if not any(field in values and self.calls[field] for field in self.fields):
                    continue
                window = windows.setdefault(grid.index(time) if grid else 0, {"time": time})
                window["time"] = min(window["time"], time)
                for field, value in values.items():
                    column = window.setdefault(("column", field), Column())
                    column.items.append((time, place, value))
                    if is_number(value):
                        if field in before:
                            column.pairs.append((place, *before[field], time, value))
                        else:
                            column.alone.append(value)
                        before[field] = (time, value)
        return windows

    def row_of(self, window):
        row = {}
        for field in self.fields:
            column = window.get(("column", field), Column())
            for call in self.calls[field]:
                row[column_name(call, field)] = column.aggregate(*call)
        return row

    def ranked(self, groups):
        """The groups that top or bottom leaves, the best first."""
        kind_of, count, name = self.question["top"]
        ranks = []
        for place, group in enumerate(groups):
            window = self.windows_of(group[1], None).get(0)
            value = self.row_of(window)[name] if window else None
            if value is not None:
                number = Fraction(plain(value)) * (1 if kind_of == "bottom" else -1)
                ranks.append((number, place, isinstance(value, (Near, Estimate))))
        ranks.sort()
        for one, other in zip(ranks, ranks[1:]):
            if (one[2] or other[2]) and abs(one[0] - other[0]) <= (abs(one[0]) + abs(other[0])) / 10**8 + Fraction(1, 10**9):
                raise Ambiguous("ranks within rounding")
        return [groups[place] for _, place, _ in ranks[:count]]

    def windows(self):
        question = self.question
        grid = Grid(*question["every"], question.get("tz") or "UTC", question.get("offset") or 0) if question.get("every") else None
        columns = [column_name(call, field) for field in self.fields for call in self.calls[field]]
        groups, rows = self.groups(), []
        if question.get("top"):
            groups = self.ranked(groups)
        for tags, series in groups:
            windows = self.windows_of(series, grid)
            if not windows:
                continue
            indexes = sorted(windows)
            told = [(grid.start(index) if grid else windows[index]["time"] if question.get("start") is None else question["start"],
                     self.row_of(windows[index])) for index in indexes]
            if question.get("fill", "none") != "none" and grid:
                told = self.filled(grid, dict(told), indexes)
            rows += [(tags, {"time": time, **row}) for time, row in (told[::-1] if self.desc else told)]
        return Table(["time"] + columns, rows)

    def filled(self, grid, told, indexes):
        question, fill = self.question, self.question["fill"]
        first = indexes[0] if question.get("start") is None else grid.index(question["start"])
        last = indexes[-1] if question.get("end") is None else grid.index(question["end"] - 1)
        times = [grid.start(index) for index in range(first, last + 1)]
        rows = [told.get(time) or self.row_of({}) for time in times]
        for field in self.fields:
            for call in self.calls[field]:
                if call[0] not in ("count", "distinct"):
                    fill_column(times, rows, column_name(call, field), fill)
        return list(zip(times, rows))

    # plots

    def plot(self):
        rows = []
        for tags in self.series:
            mine = [(time, {field: value for field, value in values.items() if is_number(value)})
                    for time, values in self.rows_of(tags)]
            told = self.plot_of([row for row in mine if row[1]])
            rows += [(tags, {"time": time, **{field: values.get(field) for field in self.fields}}) for time, values in told]
        return Table(["time"] + self.fields, rows)

    def plot_of(self, rows):
        if not rows:
            return []
        points = self.question.get("points", 1000)
        start = rows[0][0] if self.question.get("start") is None else self.question["start"]
        end = rows[-1][0] + 1 if self.question.get("end") is None else self.question["end"]

        count = max(points - 2, 1) if self.question["downsample"] == "lttb" else points

        def bucket(time):
            return (time - start) * count // (end - start)

        counts = [sum(field in values for _, values in rows) for field in self.fields]
        gap = self.question.get("gap")
        if gap is None:
            steps = max(counts) - 1  # of a single value there is no step, and no gap
            gap = max(Fraction(2 * (end - start), points),
                      Fraction(4 * (rows[-1][0] - rows[0][0]), steps) if steps > 0 else math.inf)
        if len(rows) <= points:
            chosen = {time: dict(values) for time, values in rows}
        else:
            chosen = {}
            for field in self.fields:
                mine = [(time, values[field]) for time, values in rows if field in values]
                if self.question["downsample"] == "lttb":
                    taken = triangles(mine, bucket)
                else:
                    taken = extremes(mine, bucket, self.question["downsample"] == "m4")
                for time, value in taken:
                    chosen.setdefault(time, {})[field] = value
        for one, other in zip(rows, rows[1:]):
            apart = len(rows) <= points or bucket(one[0]) != bucket(other[0])
            if apart and other[0] - one[0] > gap:
                chosen.setdefault(one[0] + 1, {})
        return sorted(chosen.items())


def extremes(items, bucket, ends):
    buckets = {}
    for item in items:
        buckets.setdefault(bucket(item[0]), []).append(item)
    taken = []
    for mine in buckets.values():
        least, greatest = min(item[1] for item in mine), max(item[1] for item in mine)
        taken += [next(item for item in mine if item[1] == least), next(item for item in mine if item[1] == greatest)]
        if ends:
            taken += [mine[0], mine[-1]]
    return taken


def triangles(items, bucket):
    if not items:
        return []
    buckets = {}
    for item in items[1:-1]:
        buckets.setdefault(bucket(item[0]), []).append(item)
    taken, order = [items[0]], sorted(buckets)
    flat = {value for _, value in items} <= {int(items[0][1])}  # no rounding in sums of it
    for place, index in enumerate(order):
        following = buckets[order[place + 1]] if place + 1 < len(order) else [items[-1]]
        mean_time = Fraction(sum(time for time, _ in following), len(following))
        mean = sum(Fraction(value) for _, value in following) / len(following)
        time0, value0 = taken[-1][0], Fraction(taken[-1][1])
        areas = [abs((time0 - mean_time) * (Fraction(value) - value0) - (time0 - time) * (mean - value0))
                 for time, value in buckets[index]]
        largest = max(areas)
        scale = abs(float(mean_time - time0)) * max(abs(float(value)) for _, value in items)
        if sum(largest - area <= scale * 1e-12 for area in areas) > 1 and not flat:
            raise Ambiguous("triangles within rounding")
        taken.append(buckets[index][areas.index(largest)])
    if len(items) > 1:
        taken.append(items[-1])
    return taken


def fill_column(times, rows, name, fill):
    have = [place for place, row in enumerate(rows) if row[name] is not None]
    told = {place: rows[place][name] for place in have}
    for place, row in enumerate(rows):
        if row[name] is not None or fill == "null":
            continue
        at = bisect.bisect(have, place)
        if fill == "previous":
            row[name] = told[have[at - 1]] if at else None
        elif fill == "linear":
            if 0 < at < len(have):
                row[name] = between(times[have[at - 1]], told[have[at - 1]], times[have[at]], told[have[at]], times[place])
        else:
            row[name] = float(fill) if "." in fill else int(fill)


def between(time0, one, time1, other, time):
    if not (is_number(plain(one)) or isinstance(one, Near)) or not (is_number(plain(other)) or isinstance(other, Near)):
        return None
    a, b = told_number(one), told_number(other)
    slack = sum(each.slack for each in (one, other) if isinstance(each, Near) and not isinstance(each, Root))
    return Near(a + (b - a) * Fraction(time - time0, time1 - time0), slack + (abs(a) + abs(b)) / 10**9)


def told_number(value):
    return Fraction(math.sqrt(value.value)) if isinstance(value, Root) else Fraction(plain(value))


def answer(history, question, moment, since=None):
    """The Table that a question must give as of `moment`."""
    asked = Asked(history, question, moment)
    if question["kind"] == "changes":
        return asked.changes(since)
    if question["kind"] == "stats":
        return asked.stats()
    if question.get("downsample"):
        return asked.plot()
    if question.get("versions"):
        return asked.versions()
    if question.get("agg"):
        return asked.windows()
    return asked.raw_top() if question.get("top") else asked.raw()
