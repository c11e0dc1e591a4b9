"""Data sets and questions, by chance from a seed.

A data set is a list of steps; what is asked between them meets rows in memory, in packs, compacted, corrected, deleted,
erased and before and after a restart:
    {"kind": "write", "id": n, "points": [(tags, time, {field: value})], "json": bool}
    {"kind": "delete", "id": n, "match": [...], "start": ns, "end": ns, "fields": [...], "erase": bool}
    {"kind": "flush"} {"kind": "compact"} {"kind": "restart"} {"kind": "kill"}
    {"kind": "ask", "state": name}
tags are sorted pairs.  A number that is to be stored as u64 is `Unsigned`.

A question is a dict; a key that is not there is a parameter that is not said:
    kind "query", "changes", "stats" or "join"; form: the parameters go in a body; fields, group_by: names; match: [(tag, operator, text)]; where: [(column, operator, value)];
    let: [(name, tree)], a tree being a number, a name, ("neg", tree) or (operator, tree, tree);
    agg: [(name, argument)], argument the percent of a quantile or a unit in ns; every: (unit, count); tz; offset: ns;
    fill, downsample, points, gap: ns; top: (top or bottom, count, column); order; limit: rows of a page, limits: of those behind the first, in turn; versions: True;
    start, end: ns; as_of, since: id of the step whose moment is meant (since 0: the beginning); format, shape, epoch, int64;
    json: the same is asked as a document, written as this seed says; explain: True, its plan is looked at as well; live: "since" or "header", what
    /v1/live tells of the same is;
    of joins: selections: [(name, question)], in which spread is True or ns; join; let and fields are of all their columns."""
import datetime
import random
from fractions import Fraction

from evaluator import ANY_TYPE, DAY, SECOND, column_name

EPOCH = datetime.datetime(1970, 1, 1)
HOUR, MINUTE = 3600 * SECOND, 60 * SECOND
ZONES = ["Europe/London", "Europe/Paris", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "America/Sao_Paulo",
         "Asia/Kathmandu", "Africa/Cairo", "UTC", "+10:00", "-03:30"]
BASES = ["2021-03-27", "2021-10-30", "2024-03-30", "2024-11-02", "2023-04-01", "2018-11-03", "2000-02-28", "2030-10-26", "2017-12-30",
         "1969-12-30", "1995-06-01", "2016-02-27"]
STEPS = [SECOND, 10 * SECOND, MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * SECOND + 13, 1]
HOSTS = ["a", "b", "c d", "é", "z,=", "10"]
TEXTS = ["on", "off", "", "a,b", "two\nlines", "\"said\"", "é", "90", "back\\slash"]


class Unsigned(int):
    """A u64."""


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    # --- data ---

    def values_of(self, name):
        """A function that gives the next value of a field, by its place in the series."""
        chance = self.random
        if name == "f":
            return chance.choice([lambda n: round(chance.gauss(20, 5), 1), lambda n: chance.gauss(0, 1),
                                  lambda n: float(chance.randrange(-3, 4)), lambda n: chance.choice([0.0, -0.0, 1e300, -1e300, 1.5, 1e-300]),
                                  lambda n: 20.0 + n * 0.25, lambda n: chance.uniform(-1, 1) * 10.0 ** chance.randrange(-6, 9)])
        if name == "n":
            return chance.choice([lambda n: chance.randrange(-50, 50), lambda n: n, lambda n: 7, lambda n: chance.randrange(-2**63, 2**63),
                                  lambda n: 9007199254740990 + chance.randrange(6)])
        if name == "u":
            return chance.choice([lambda n: Unsigned(chance.randrange(5)), lambda n: Unsigned(2**64 - 1 - chance.randrange(3)),
                                  lambda n: Unsigned(chance.randrange(2**64))])
        if name == "x":
            return lambda n: chance.choice([chance.randrange(-3, 4), float(chance.randrange(-3, 4)), Unsigned(chance.randrange(4)), 0.5])
        if name == "c":
            return chance.choice([lambda n: n % chance.choice([17, 40, 1000]), lambda n: float(n % 23) * 1.5])
        if name == "b":
            return lambda n: chance.random() < 0.5
        return lambda n: chance.choice(TEXTS)

    def some(self, items, least=1):
        items = list(items)
        return self.random.sample(items, self.random.randrange(min(least, len(items)), len(items) + 1))

    def data_set(self):
        """Steps; self.facts is what questions are made of."""
        chance = self.random
        fields = self.some(["f", "n", "u", "x", "c", "b", "s"], 2)
        if not set(fields) & {"f", "n"}:
            fields.append(chance.choice("fn"))
        dense = chance.random() < 0.3
        tags = []
        for host in chance.sample(HOSTS, chance.randrange(1, 3 if dense else 6)):
            pairs = [("host", host)] if chance.random() < 0.95 else []
            if chance.random() < 0.6:
                pairs.append(("region", chance.choice(["eu", "us"])))
            tags.append(tuple(sorted(pairs)))
        tags = sorted(set(tags))
        base = int((datetime.datetime.fromisoformat(chance.choice(BASES)) - EPOCH).total_seconds()) * SECOND
        step = chance.choice(STEPS)
        base += chance.choice([0, 0, 1, chance.randrange(DAY)])
        count = chance.randrange(700, 1500) if dense else chance.randrange(20, 120)
        shape = chance.choice(["even", "even", "jitter", "gaps"])
        rows = []
        for each in tags:
            makers = {name: self.values_of(name) for name in fields}
            present = chance.choice([1.0, 0.9, 0.5])
            time = base + chance.choice([0, step // 2 + 1])
            for n in range(count if dense else chance.randrange(1, count)):
                values = {name: maker(n) for name, maker in makers.items() if present == 1 or chance.random() < present}
                if values:
                    rows.append((each, time, values))
                jump = {"even": 1, "jitter": 1, "gaps": chance.choice([1, 1, 1, 1, 1, 30])}[shape]
                time += max(1, step * jump + (chance.randrange(-step // 3, step // 3 + 1) if shape == "jitter" else 0))
        self.ids = 0
        self.facts = {"fields": sorted(fields), "tags": tags, "rows": rows, "step": step, "first": min(r[1] for r in rows),
                      "last": max(r[1] for r in rows), "steps": [], "zone": chance.choice(ZONES)}
        return self.steps_of(rows, makers)

    def large_set(self):
        """More values than quantiles and distinct counts keep, in blocks that have rows of one series alone."""
        chance = self.random
        makers = {"f": lambda n: round(chance.lognormvariate(3, 2), 6), "n": lambda n: chance.randrange(-2**40, 2**40)}
        base, step = 1711756800 * SECOND, 10 * SECOND
        tags = (("host", "a"),)
        rows = [(tags, base + n * step, {name: maker(n) for name, maker in makers.items()}) for n in range(90000)]
        self.ids = 0
        self.facts = {"fields": ["f", "n"], "tags": [tags], "rows": rows, "step": step, "first": base, "last": rows[-1][1],
                      "steps": [], "zone": "Europe/Paris"}
        yield from self.writes(rows[:80000], 3)
        yield {"kind": "ask", "state": "head"}
        yield {"kind": "flush"}
        yield {"kind": "ask", "state": "sealed"}
        yield from self.writes(rows[80000:], 1)
        yield from self.trouble(rows, makers)
        yield {"kind": "flush"}
        yield {"kind": "compact"}
        yield {"kind": "ask", "state": "compacted"}

    def steps_of(self, rows, makers):
        chance = self.random
        if chance.random() < 0.4:
            chance.shuffle(rows)
        held = max(1, int(len(rows) * chance.choice([0.6, 0.8, 0.9])))
        late = rows[held:]
        missing = set(makers) - {name for _, _, values in rows[:held] for name in values}
        rows[0][2].update((name, makers[name](0)) for name in sorted(missing))  # every field is known before the first question
        yield from self.writes(rows[:held], chance.randrange(1, 5))
        if chance.random() < 0.3:
            yield from self.trouble(rows[:held], makers)
        yield {"kind": "ask", "state": "head"}
        yield {"kind": "flush"}
        yield {"kind": "ask", "state": "sealed"}
        yield from self.trouble(rows[:held], makers)
        yield {"kind": "ask", "state": "corrected"}
        if chance.random() < 0.5:
            yield {"kind": "flush"}
        yield {"kind": "compact"}
        yield {"kind": "ask", "state": "compacted"}
        yield from self.writes(late, 2)
        yield from self.trouble(rows, makers)
        yield {"kind": "ask", "state": "out of order"}
        yield {"kind": "restart"}
        yield {"kind": "ask", "state": "restarted"}
        if chance.random() < 0.5:
            yield {"kind": "flush"}
        yield from self.trouble(rows, makers)
        yield {"kind": "kill"}
        yield {"kind": "ask", "state": "killed"}
        yield self.deletion(True)
        if chance.random() < 0.5:
            yield from self.trouble(rows, makers)
        yield {"kind": "ask", "state": "erased"}
        yield {"kind": "compact"}
        yield {"kind": "ask", "state": "erased and compacted"}

    def step(self, step):
        self.ids += 1
        step["id"] = self.ids
        self.facts["steps"].append(self.ids)
        return step

    def write(self, points):
        return self.step({"kind": "write", "points": points,
                          "json": any(value is None for _, _, values in points for value in values.values())})

    def writes(self, rows, count):
        size = max(1, -(-len(rows) // count))
        for at in range(0, len(rows), size):
            yield self.write(rows[at:at + size])

    def trouble(self, rows, makers):
        """Corrections, retractions, deletions."""
        chance = self.random
        for _ in range(chance.randrange(1, 5)):
            what = chance.choice(["correct", "correct", "retract", "delete", "again"])
            if what == "delete":
                yield self.deletion(False)
                continue
            points = []
            some = chance.sample(rows, min(len(rows), chance.choice([1, 5, 40])))
            for tags, time, values in some:
                names = self.some(values if what == "again" else makers)
                if what == "retract":
                    points.append((tags, time, {name: None if chance.random() < 0.7 else makers[name](3) for name in names}))
                elif what == "again":
                    points.append((tags, time, {name: values[name] for name in names}))
                else:
                    points.append((tags, time, {name: makers[name](chance.randrange(60)) for name in names}))
            yield self.write(points)

    def span(self, wide):
        """A range in the data, for deletions and questions."""
        chance, facts = self.random, self.facts
        length = facts["last"] - facts["first"] + 1
        first = facts["first"] + chance.randrange(length)
        return first, first + max(1, int(length * chance.choice([0.02, 0.1, 0.3]) * wide))

    def deletion(self, erase):
        chance, facts = self.random, self.facts
        start, end = self.span(0.5 if erase else 1)
        if chance.random() < 0.1:
            start = None
        return self.step({"kind": "delete", "match": self.match() if chance.random() < 0.6 else [],
                          "start": start, "end": end if start is not None else facts["first"] + (facts["last"] - facts["first"]) // 20,
                          "fields": self.some(facts["fields"]) if chance.random() < 0.3 else None, "erase": erase})

    # --- questions ---

    def match(self):
        chance = self.random
        tags = chance.choice(self.facts["tags"])
        if tags and chance.random() < 0.6:
            name, value = chance.choice(tags)
            return [(name, chance.choice(["=", "=", "!="]), value)]
        return [chance.choice([("host", "=~", "a|b"), ("host", "!~", "[a-c].*"), ("region", "=", ""), ("region", "=~", "e.|"), ("region", "!=", "eu")])]

    def question(self):
        chance = self.random
        kind = chance.choices(["raw", "windows", "versions", "changes", "plot", "stats", "join"], [3, 8, 2, 2, 2, 1, 3])[0]
        if kind == "join":
            return self.join()
        question = {"kind": kind if kind in ("changes", "stats") else "query"}
        self.range_of(question)
        if chance.random() < 0.3:
            question["match"] = self.match()
        if chance.random() < 0.25:
            question["as_of"] = chance.choice(self.facts["steps"])
        if kind != "changes":
            self.let_and_where(question)
        names = self.facts["fields"] + [name for name, _ in question.get("let", ())]
        if chance.random() < (0.7 if kind == "plot" else 0.5):
            question["fields"] = self.some(names)
        getattr(self, kind)(question)
        self.form_of(question)
        self.ways_of(question)
        return question

    def ways_of(self, question):
        """What else it is asked for."""
        chance = self.random
        if question["kind"] == "query" and not question.get("form") and chance.random() < 0.2:
            question["json"] = chance.randrange(1 << 30)
        if question["kind"] == "query" and chance.random() < 0.1:
            question["explain"] = True
        if question["kind"] == "changes" and "as_of" not in question and "order" not in question and chance.random() < 0.6:
            question["live"] = chance.choice(["since", "header"])

    def range_of(self, question):
        chance = self.random
        start, end = self.span(3)
        if chance.random() < 0.5:
            question["start"] = start
        if chance.random() < 0.5:
            question["end"] = end

    def numbers(self, question):
        names = [name for name in self.facts["fields"] if name not in "bs"]
        return names + [name for name, _ in question.get("let", ())]

    def tree(self, names, depth=3):
        chance = self.random
        if depth == 0 or chance.random() < 0.3:
            return chance.choice(names) if chance.random() < 0.75 else chance.choice([1.0, 0.1, 100.0, 2.5, 0.0])
        operator = chance.choice(["+", "-", "*", "/", "neg"])
        left = self.tree(names, depth - 1)
        return ("neg", left) if operator == "neg" else (operator, left, self.tree(names, depth - 1))

    def let_and_where(self, question):
        chance = self.random
        if chance.random() < 0.2:
            for n in range(chance.choice([1, 1, 2])):
                names = self.numbers(question)
                tree = (chance.choice("+-*/"), chance.choice(names), self.tree(names))
                question.setdefault("let", []).append((f"let{n}", tree))
        while chance.random() < 0.25:
            names = self.numbers(question) + [name for name in self.facts["fields"] if name in "bs"]
            question.setdefault("where", []).append(self.condition(chance.choice(names)))

    def condition(self, name):
        chance = self.random
        if name == "b":
            return (name, chance.choice(["=", "!="]), chance.random() < 0.5)
        if name == "s":
            return (name, chance.choice(["=", "!="]), chance.choice(TEXTS))
        values = [row[2][name] for row in chance.sample(self.facts["rows"], min(20, len(self.facts["rows"]))) if name in row[2]]
        value = chance.choice(values) if values and chance.random() < 0.8 else chance.choice([0, 1.5, 9007199254740993, -3, 20.0])
        return (name, chance.choice([">", ">=", "<", "<=", "=", "!="]), value)

    def raw(self, question):
        chance = self.random
        if chance.random() < 0.15:
            field = chance.choice(self.numbers(question))
            if "fields" in question and field not in question["fields"]:
                question["fields"].append(field)
            question["top"] = (chance.choice(["top", "bottom"]), chance.choice([1, 3, 10, 1000]), field)
        else:
            self.order_and_pages(question)

    def stats(self, question):
        if self.random.random() < 0.5:
            question["group_by"] = self.random.choice([["host"], ["region", "host"], ["*"]])

    def order_and_pages(self, question):
        if self.random.random() < 0.3:
            question["order"] = self.random.choice(["asc", "desc"])
        if self.random.random() < 0.2:
            question["limit"] = self.random.choice([1, 3, 7, 50, 1000])
            if self.random.random() < 0.3:
                question["limits"] = [self.random.choice([1, 2, 10, 1000]) for _ in range(self.random.choice([1, 2]))]

    def versions(self, question):
        question["versions"] = True
        self.order_and_pages(question)

    def changes(self, question):
        question["since"] = self.random.choice([0] + self.facts["steps"])
        if question.get("as_of") is not None and question["as_of"] < question["since"]:
            del question["as_of"]
        self.order_and_pages(question)

    def plot(self, question):
        chance = self.random
        question["downsample"] = chance.choice(["m4", "minmax", "lttb"])
        question["points"] = chance.choice([1, 2, 3, 5, 10, 30, 100, 1000])
        if chance.random() < 0.3:
            question["gap"] = max(1, self.facts["step"] * chance.choice([1, 2, 10]))
        if not set(question.get("fields", "n")) - {"b", "s"}:
            question.pop("fields")

    AGGREGATES = ["count", "sum", "min", "max", "mean", "first", "last", "variance", "stddev", "median", "quantile", "mode", "distinct",
                  "increase", "rate", "delta", "derivative", "integral", "time_weighted_mean"]

    def windows(self, question):
        chance = self.random
        calls = {}
        fields = question.get("fields") or self.facts["fields"]
        texts = [name for name in question.get("fields", ()) if name in "bs"]
        for name in chance.sample(self.AGGREGATES, chance.choice([1, 1, 2, 3, 6])):
            if texts and name not in ANY_TYPE:
                continue  # refused of texts that are asked for by name
            if name == "quantile":
                percent = chance.choice(["1", "5", "25", "95", "99", "99.9", "33.333333", "50"])
                calls["p" + percent] = Fraction(percent)
            elif name in ("rate", "derivative", "integral") and chance.random() < 0.5:
                calls[name] = chance.choice([MINUTE, HOUR, SECOND, 1])
            else:
                calls[name] = Fraction(50) if name == "median" else None
        question["agg"] = list((calls or {"count": None}).items())
        if chance.random() < 0.6:
            question["group_by"] = chance.choice([["host"], ["region"], ["host", "region"], ["region", "host"], ["*"], ["none"]])
        self.grid(question)
        numbers = [name for name in fields if name not in "bs"] + [name for name, _ in question.get("let", ()) if "fields" not in question]
        if chance.random() < 0.12 and numbers:
            calls = [call for call in question["agg"] if call[0] not in ("first", "last", "mode")]
            if calls:
                question["top"] = (chance.choice(["top", "bottom"]), chance.choice([1, 2, 10]),
                                   column_name(chance.choice(calls), chance.choice(numbers)))
        if question.get("top"):
            question.pop("limit", None)
        else:
            self.order_and_pages(question)

    def grid(self, question):
        """Windows, some hundred of them at most."""
        chance, facts = self.random, self.facts
        length = facts["last"] - facts["first"] + 1
        least = max(1, length // 150)
        fixed = [each for each in (1, 10, 1000, SECOND // 10, SECOND, 7 * SECOND, MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 24 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY)
                 if least <= each <= 20 * length] or [least]
        if chance.random() < 0.1:
            return
        if least < 2 * DAY and (chance.random() < 0.4 or length > 30 * DAY):
            unit, count = chance.choice([("days", 1), ("days", 1), ("days", 2), ("days", 7), ("days", 14), ("days", 10),
                                         ("months", 1), ("months", 3), ("months", 5), ("months", 12), ("months", 120)])
            if unit == "days" or chance.random() < 0.8:
                question["tz"] = facts["zone"] if chance.random() < 0.7 else chance.choice(ZONES)
            question["every"] = (unit, count)
            if chance.random() < 0.35:
                question["offset"] = chance.choice([6 * HOUR, -2 * HOUR, 2 * HOUR + 30 * MINUTE, MINUTE, -HOUR, 150 * MINUTE])
        else:
            question["every"] = ("ns", chance.choice(fixed))
            if chance.random() < 0.3:
                offset = chance.randrange(-question["every"][1] + 1, question["every"][1])
                if offset:
                    question["offset"] = offset
        if chance.random() < 0.45:
            question["fill"] = chance.choice(["none", "null", "previous", "linear", "0", "-1.5", "0.0"])

    # joins

    def join(self):
        chance = self.random
        names = chance.sample(["a", "load", "_w", "x1"], chance.choice([1, 2, 2, 2, 3, 3]))
        question = {"kind": "join", "json": chance.randrange(1 << 30)}
        by = chance.choice([None, None, ["host"], ["region"], ["region", "host"], ["none"]])
        question["selections"] = [(name, self.selection(by)) for name in names]
        windowed = [each for _, each in question["selections"] if "agg" in each]
        if windowed and chance.random() < 0.7:
            self.share(question, windowed)
        if chance.random() < 0.3:
            self.range_of(question)
        for _, each in question["selections"]:
            both = {**question, **each}
            if "start" in both and "end" in both and both["start"] >= both["end"]:
                each.pop("start", None)
                each.pop("end", None)
        if chance.random() < 0.2:
            question["as_of"] = chance.choice(self.facts["steps"])
        if chance.random() < 0.7:
            question["join"] = chance.choice(["outer", "left", "inner"])
        own = 0 if question.get("join") == "left" else chance.randrange(len(names))
        for place, (_, selection) in enumerate(question["selections"]):
            if place != own and chance.random() < 0.4:
                selection["spread"] = chance.choice([True, max(1, self.facts["step"] * chance.choice([1, 3, 50]))])
        self.columns_of(question)
        if chance.random() < 0.2:
            question["order"] = chance.choice(["asc", "desc"])
        if chance.random() < 0.1:
            question["limit"] = chance.choice([1, 5, 100])
        self.form_of(question)
        return question

    def selection(self, by):
        """Windows, or raw rows of one series."""
        chance = self.random
        selection = {"kind": "query"}
        if chance.random() < 0.2:
            self.range_of(selection)
        if chance.random() < 0.2:
            selection["as_of"] = chance.choice(self.facts["steps"])
        self.let_and_where(selection)
        if chance.random() < 0.5:
            selection["fields"] = self.some(self.facts["fields"] + [name for name, _ in selection.get("let", ())])
        if chance.random() < 0.25:
            tags = dict(chance.choice(self.facts["tags"]))
            selection["match"] = [(name, "=", tags.get(name, "")) for name in ("host", "region")]
        else:
            if chance.random() < 0.3:
                selection["match"] = self.match()
            self.windows(selection)
            for name in ("group_by", "top", "order", "limit", "limits"):
                selection.pop(name, None)
            if by and chance.random() < 0.7:
                selection["group_by"] = chance.sample(by, len(by))
        return selection

    def share(self, question, selections):
        """Windows around all selections, of those that have none of their own."""
        chance = self.random
        self.grid(question)
        for name in ("offset", "fill"):
            question.pop(name, None)
        if "every" not in question:
            return
        for each in selections:
            unit, count = each.get("every", ("ns", 1))
            if chance.random() < 0.6 or "tz" in question and unit == "ns" and count % DAY == 0:  # it could not be written
                for name in ("every", "tz", "offset", "fill"):
                    each.pop(name, None)
                if chance.random() < 0.4:
                    each["fill"] = chance.choice(["null", "previous", "linear", "0", "-1.5"])
                if chance.random() < 0.1 and question["every"] != ("ns", 1):
                    each["offset"] = 1

    def columns_of(self, question):
        """Columns that are computed of those of selections, and which are told."""
        chance = self.random
        columns, numbers = [], []
        for name, each in question["selections"]:
            fields = each.get("fields") or self.facts["fields"] + [field for field, _ in each.get("let", ())]
            for field in fields:
                calls = [call for call in each.get("agg", ()) if field not in ("b", "s") or call[0] in ANY_TYPE]
                mine = [f"{name}.{column_name(call, field)}" for call in calls] if "agg" in each else [f"{name}.{field}"]
                columns += mine
                numbers += mine if field not in ("b", "s") else []
        if numbers and chance.random() < 0.35:
            for n in range(chance.choice([1, 1, 2])):
                tree = (chance.choice("+-*/"), chance.choice(numbers), self.tree(numbers, 2))
                question.setdefault("let", []).append((f"sum{n}", tree))
                numbers.append(f"sum{n}")
                columns.append(f"sum{n}")
        if columns and chance.random() < 0.35:
            question["fields"] = chance.sample(columns, chance.randrange(1, min(len(columns), 8) + 1))

    def form_of(self, question):
        chance = self.random
        if question["kind"] == "query" and chance.random() < 0.1:
            question["form"] = True
        question["format"] = chance.choices(["json", "ndjson", "csv"], [5, 3, 3])[0]
        if question["kind"] == "query" and not question.get("agg") and not question.get("versions") and chance.random() < 0.2:
            question.update(format="line_protocol", epoch="ns")
            return
        if question["format"] == "json" and (chance.random() < 0.3 or (question.get("top") and not question.get("agg"))):
            question["shape"] = "rows"
        question["epoch"] = chance.choice(["ns", "ns", "ns", "us", "ms", "s", None])
        if chance.random() < 0.15:
            question["int64"] = "string"
