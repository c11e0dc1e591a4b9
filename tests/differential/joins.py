"""Joins of named selections, as docs/reference/query.md says under Joins: each selection is a question of its own, answered by
evaluator.py; here their rows are put together by groups and times."""
import bisect
import math
from fractions import Fraction

from evaluator import F64_MAX, Ambiguous, Asked, Estimate, Near, Root, Table, computed, is_number, tag


class Part:
    """The rows of one selection: key of its group -> time -> values."""

    def __init__(self, name, asked, spread):
        self.name, self.spread = name, spread
        self.by = asked.question.get("group_by")
        table = asked.windows() if asked.question.get("agg") else asked.raw()
        self.columns = table.columns[1:]
        self.told = table.rows
        self.groups, self.times = {}, {}

    def keyed(self, by):
        """`by` are the tags of the answer's groups, in their order; a selection without groups has one key."""
        for tags, row in self.told:
            key = tuple(tag(tags, name) for name in by) if self.by else ()
            self.groups.setdefault(key, {})[row["time"]] = row
        self.times = {key: sorted(rows) for key, rows in self.groups.items()}

    def rows(self, key):
        return self.groups.get(key if self.by else (), {})

    def row(self, key, time):
        rows = self.rows(key)
        if not self.spread:
            return rows.get(time)
        times = self.times[key if self.by else ()] if rows else []
        at = bisect.bisect(times, time)  # so many are not later
        if at == 0 or (self.spread is not True and time - times[at - 1] >= self.spread):
            return None
        return rows[times[at - 1]]


def effective(question, selection):
    """A selection with what stands around it and it does not say itself."""
    names = ("start", "end", "every", "tz") if selection.get("agg") else ("start", "end")
    return {"kind": "query", **{name: question[name] for name in names if question.get(name) is not None}, **selection}


def joined(history, question, moment):
    """Selections with an `as_of` have the moment that is meant in `moment`."""
    parts = [Part(name, Asked(history, effective(question, each), each.get("moment", moment)), each.get("spread"))
             for name, each in question["selections"]]
    by = next((part.by for part in parts if part.by), [])
    for part in parts:
        part.keyed(by)
    columns = [f"{part.name}.{column}" for part in parts for column in part.columns]
    columns += [name for name, _ in question.get("let", ())]
    told = question.get("fields") or columns
    rows = []
    for key in keys_of(parts, question.get("join", "outer")):
        tags = tuple(sorted((name, value) for name, value in zip(by, key) if value))
        times = sorted(times_of(parts, key, question.get("join", "outer")), reverse=question.get("order") == "desc")
        for time in times:
            values = row_of(parts, key, time, question.get("let", ()))
            rows.append((tags, {"time": time, **{name: values[name] for name in told}}))
    return Table(["time", *told], rows[:question.get("limit")])


def keys_of(parts, kind):
    grouped = [set(part.groups) for part in parts if part.by]
    keys = set().union(*grouped)
    if not keys:
        return [()]
    if kind == "inner":
        keys = set.intersection(*grouped)
    elif kind == "left" and parts[0].by:
        keys = set(parts[0].groups)
    return sorted(keys, key=lambda values: [value.encode() for value in values])


def times_of(parts, key, kind):
    if kind == "left":
        return set(parts[0].rows(key))
    times = set().union(*(part.rows(key) for part in parts if not part.spread))
    if kind == "inner":
        times = {time for time in times if all(part.row(key, time) is not None for part in parts)}
    return times


def row_of(parts, key, time, lets):
    values = {}
    for part in parts:
        row = part.row(key, time) or {}
        values.update({f"{part.name}.{column}": row.get(column) for column in part.columns})
    for name, tree in lets:
        values[name] = worked_out(tree, values)
    return values


# --- columns that are computed of others ---

def names_in(tree):
    if isinstance(tree, str):
        return {tree}
    return set() if isinstance(tree, float) else set().union(*map(names_in, tree[1:]))


def worked_out(tree, values):
    operands = [values.get(name) for name in names_in(tree)]
    if not all(is_number(value) or isinstance(value, (Near, Estimate)) for value in operands):
        return None
    if not any(isinstance(value, (Near, Estimate)) for value in operands):
        value = computed(tree, values)
        return value if math.isfinite(value) else None
    if tree[0] == "/" and bounds(tree[2], values) == (0, 0):
        return None  # inf or nan
    low, high = bounds(tree, values)
    if min(abs(low), abs(high)) > F64_MAX * Fraction(1001, 1000) and (low > 0) == (high > 0):
        return None
    held(low, high)
    return Near((low + high) / 2, (high - low) / 2)


def held(low, high):
    if max(abs(low), abs(high)) > F64_MAX:
        raise Ambiguous("rounding decides whether f64 can hold it")
    return low, high


def bounds(tree, values):
    """Between which two numbers the result lies, whatever its operands are within what they may be."""
    if isinstance(tree, float):
        return Fraction(tree), Fraction(tree)
    if isinstance(tree, str):
        return bounds_of(values[tree])
    operands = [held(*bounds(each, values)) for each in tree[1:]]
    low, high = operands[0]
    if tree[0] == "neg":
        return -high, -low
    other_low, other_high = operands[1]
    if tree[0] == "+":
        low, high = low + other_low, high + other_high
    elif tree[0] == "-":
        low, high = low - other_high, high - other_low
    else:
        if tree[0] == "/":
            if other_low <= 0 <= other_high:
                raise Ambiguous("what is divided by may be zero")
            other_low, other_high = 1 / other_low, 1 / other_high
        corners = [one * other for one in (low, high) for other in (other_low, other_high)]
        low, high = min(corners), max(corners)
    rounding = max(abs(low), abs(high)) / 2**52 + Fraction(1, 10**320)
    return low - rounding, high + rounding


def bounds_of(value):
    if isinstance(value, Root):
        root = Fraction(math.sqrt(value.value))
        square = value.value * 2 / 10**9 + value.slack
        radius = min(square / root if root else math.inf, Fraction(math.sqrt(square)) * 2) + root / 10**15
        return root - radius, root + radius
    if isinstance(value, Near):
        radius = abs(value.value) / 10**9 + value.slack
        return value.value - radius, value.value + radius
    if isinstance(value, Estimate):
        return Fraction(value.value) * 95 / 100, Fraction(value.value) * 105 / 100
    return Fraction(float(value)), Fraction(float(value))
