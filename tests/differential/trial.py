"""One data set in a real Weir: carries out steps, asks questions and holds the answers against the evaluator's.
What goes over the wire, there and back, is here: parameters, bodies, and the four forms of answers."""
import datetime
import http.client
import json
import math
import re
import urllib.parse
from fractions import Fraction

from evaluator import DAY, SECOND, Estimate, Near, answer
from generator import Unsigned

EPOCH = datetime.datetime(1970, 1, 1)
UNITS = [("w", 7 * DAY), ("d", DAY), ("h", 3600 * SECOND), ("m", 60 * SECOND), ("s", SECOND), ("ms", 10**6), ("us", 1000), ("ns", 1)]
PER = {"ns": 1, "us": 1000, "ms": 10**6, "s": SECOND}
PAGES = 25  # at most about so many of one question


class Difference(Exception):
    """An answer is not what it must be."""


def rfc3339(ns):
    second, rest = divmod(ns, SECOND)
    text = (EPOCH + datetime.timedelta(seconds=second)).isoformat()
    return text + (f".{rest:09d}Z" if rest else "Z")


def ns_of(text):
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text)
    if not found:
        raise Difference(f"{text!r} is no time as RFC 3339 with Z")
    gone = datetime.datetime.fromisoformat(found[1]) - EPOCH
    return (gone.days * 86400 + gone.seconds) * SECOND + int((found[2] or "").ljust(9, "0"))


def duration(ns, longest="w"):
    units = UNITS[[name for name, _ in UNITS].index(longest):]
    name, length = next(unit for unit in units if ns % unit[1] == 0)
    return f"{ns // length}{name}"


# --- a question as parameters ---

def expression(tree, level=0):
    """`level`: of what stands around it; 1 a sum, 2 a product, its right side one more."""
    if isinstance(tree, (float, str)):
        return str(tree)
    if tree[0] == "neg":
        text = "-" + expression(tree[1], 4)
        return f"({text})" if level > 0 else text
    mine = 1 if tree[0] in "+-" else 2
    text = expression(tree[1], mine) + tree[0] + expression(tree[2], mine + 1)
    return f"({text})" if level > mine else text


def literal(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value) if isinstance(value, float) else str(int(value))


def every(unit, count, zone):
    if unit == "months":
        return f"{count // 12}y" if count % 12 == 0 else f"{count}mo"
    if unit == "days":
        return f"{count // 7}w" if count % 7 == 0 else "1w3d" if count == 10 else f"{count}d"
    return duration(count, "h" if zone else "w")


def call(name, argument):
    return f"{name}({duration(argument)})" if argument is not None and not isinstance(argument, Fraction) else name


def parameters(question, measurement, moment_of):
    """moment_of(id of a step) gives what stands for its ingest time."""
    pairs = [("measurement", measurement)]
    epoch = question.get("epoch")
    for name in ("start", "end"):
        if question.get(name) is not None:
            pairs.append((name, str(question[name]) if epoch == "ns" else rfc3339(question[name])))
    for name in ("as_of", "since"):
        if question.get(name) is not None:
            pairs.append((name, moment_of(question[name])))
    for name in ("fields", "group_by"):
        if question.get(name):
            pairs.append((name, ",".join(question[name])))
    pairs += [("match", name + operator + value) for name, operator, value in question.get("match", ())]
    pairs += [("let", f"{name}={expression(tree)}") for name, tree in question.get("let", ())]
    pairs += [("where", name + operator + literal(value)) for name, operator, value in question.get("where", ())]
    if question.get("agg"):
        pairs.append(("agg", ",".join(call(*each) for each in question["agg"])))
    if question.get("every"):
        pairs.append(("every", every(*question["every"], question.get("tz"))))
    for name in ("offset", "gap"):
        if question.get(name) is not None:
            text = duration(abs(question[name]), "h")
            pairs.append((name, "-" + text if question[name] < 0 else text))
    if question.get("top"):
        pairs.append((question["top"][0], f"{question['top'][1]},{question['top'][2]}"))
    if question.get("versions"):
        pairs.append(("versions", "all"))
    for name in ("tz", "fill", "downsample", "points", "order", "limit", "format", "shape", "epoch", "int64"):
        if question.get(name) is not None:
            pairs.append((name, str(question[name])))
    return pairs


# --- what is written ---

def escaped(text, special):
    return re.sub(f"([{special}])", r"\\\1", text)


def line_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float):
        return repr(value)
    return f"{int(value)}u" if isinstance(value, Unsigned) else f"{value}i"


def body(measurement, step):
    """Of a step that writes; JSON where something is retracted, which line protocol cannot say."""
    if step["json"]:
        return "application/json", json.dumps([{"measurement": measurement, "tags": dict(tags), "time": time, "fields": fields}
                                               for tags, time, fields in step["points"]])
    lines = []
    for tags, time, fields in step["points"]:
        key = measurement + "".join(f",{name}={escaped(value, ', =')}" for name, value in tags)
        lines.append(f"{key} {','.join(f'{name}={line_value(value)}' for name, value in fields.items())} {time}")
    return "text/plain", "\n".join(lines)


def as_stored(step):
    """The points of a step; JSON has u64 only above the range of i64."""
    if not step["json"]:
        return step["points"]
    return [(tags, time, {name: int(value) if isinstance(value, Unsigned) and value < 2**63 else value for name, value in fields.items()})
            for tags, time, fields in step["points"]]


def deletion(measurement, step):
    pairs = [("measurement", measurement)] + [("match", "".join(each)) for each in step["match"]]
    pairs += [(name, str(step[name])) for name in ("start", "end") if step[name] is not None]
    if step["fields"] is not None:
        pairs.append(("fields", ",".join(step["fields"])))
    return pairs + ([("erase", "true")] if step["erase"] else [])


# --- answers ---

def csv_records(text):
    """Records of cells; None is a cell with nothing in it, which `""` is not."""
    records, record, at = [], [], 0
    while at < len(text):
        if text[at] == '"':
            end = at + 1
            while text[end] != '"' or text[end + 1:end + 2] == '"':
                end += 2 if text[end] == '"' else 1
            cell, at = text[at + 1:end].replace('""', '"'), end + 1
        else:
            end = re.compile("[,\n]|$").search(text, at).start()
            cell, at = text[at:end] or None, end
        record.append(cell)
        if at >= len(text) or text[at] == "\n":
            records.append(record)
            record = []
        elif text[at] != ",":
            raise Difference(f"CSV goes on after a quote: {text[at - 20:at + 20]!r}")
        at += 1
    return records


def csv_value(cell, text):
    if cell is None or text:
        return cell
    if cell in ("true", "false"):
        return cell == "true"
    return int(cell) if re.fullmatch(r"-?\d+", cell) else float(cell)


LINE = re.compile(r"""(?P<key>(?:[^\s\\]|\\.)+)\ (?P<fields>(?:[^\s"]|"(?:[^"\\]|\\.)*")+)\ (?P<time>-?\d+)(?:\n|$)""", re.X | re.S)
FIELD = re.compile(r'(?P<name>[^=]+)=(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<value>[^,]+))(?:,|$)', re.S)


def lines_read(text):
    """(tags, time, fields) of each line; names of fields here need no backslash."""
    at = 0
    while at < len(text):
        line = LINE.match(text, at)
        if not line:
            raise Difference(f"no line of line protocol: {text[at:at + 200]!r}")
        at = line.end()
        pairs = [re.split(r"(?<!\\)=", pair, maxsplit=1) for pair in re.split(r"(?<!\\),", line["key"])[1:]]
        fields = {}
        for field in FIELD.finditer(line["fields"]):
            value = field["value"]
            if value is None:
                fields[field["name"]] = re.sub(r'\\(["\\])', r"\1", field["text"])
            elif value in ("true", "false"):
                fields[field["name"]] = value == "true"
            else:
                fields[field["name"]] = Unsigned(value[:-1]) if value[-1] == "u" else int(value[:-1]) if value[-1] == "i" else float(value)
        yield tuple(sorted((name, re.sub(r"\\([, =])", r"\1", value)) for name, value in pairs)), int(line["time"]), fields


class Page:
    """Columns (None where the form does not tell them) and rows of one answer, next."""

    def __init__(self, question, columns, kinds, got):
        self.columns, self.rows, self.next = None, [], None
        text = got.text
        if question["format"] == "line_protocol":
            self.from_lines(text, columns)
        elif question["format"] == "csv":
            self.from_csv(csv_records(text), columns, kinds, got)
        elif question["format"] == "ndjson":
            objects = [json.loads(line) for line in text.split("\n")[:-1]]
            if not objects or list(objects[-1]) != ["_end"] or objects[-1]["_end"]["rows"] != len(objects) - 1:
                raise Difference(f"NDJSON ends with {text[-200:]!r}")
            self.from_objects(objects[:-1], columns, objects[-1]["_end"])
        elif question.get("shape") == "rows":
            data = json.loads(text)
            self.from_objects(data["rows"], columns, data)
        else:
            data = json.loads(text)
            self.tail(data)
            for series in data["series"]:
                self.columns = series["columns"]
                tags = tuple(sorted(series["tags"].items()))
                self.rows += [(tags, dict(zip(series["columns"], row, strict=True))) for row in series["rows"]]

    def tail(self, data):
        self.next = data["next"]
        if data["partial"]:
            raise Difference(f"partial: {data.get('missing')}")

    def from_objects(self, objects, columns, tail):
        self.tail(tail)
        for each in objects:
            if [name for name in each if name in columns] != columns:
                raise Difference(f"columns {list(each)}, wanted {columns}")
            tags = tuple(sorted((name, value) for name, value in each.items() if name not in columns))
            self.rows.append((tags, {name: each[name] for name in columns}))

    def from_lines(self, text, columns):
        lines = text.split("\n# ")
        if len(lines) == 1 and text.startswith("# "):
            lines = ["", text[2:]]
        end = json.loads(lines[-1])
        if list(end) != ["_end"]:
            raise Difference(f"line protocol ends with {text[-200:]!r}")
        self.tail(end["_end"])
        for tags, time, fields in lines_read(lines[0]):
            if not set(fields) <= set(columns):
                raise Difference(f"fields {list(fields)}, wanted some of {columns}")
            self.rows.append((tags, {"time": time, **{name: fields.get(name) for name in columns[1:]}}))
        if len(self.rows) != end["_end"]["rows"]:
            raise Difference(f"{len(self.rows)} lines, and it ends with {end}")

    def from_csv(self, records, columns, kinds, got):
        link = re.search(r"[?&]cursor=([^&>]+)", got.headers.get("Link", ""))
        self.next = urllib.parse.unquote(link[1]) if link else None
        self.columns = [name for name in records[0] if name in columns]
        for record in records[1:]:
            cells = dict(zip(records[0], record, strict=True))
            tags = tuple(sorted((name, value) for name, value in cells.items() if name not in columns and value is not None))
            if "field" in columns:  # of statistics: what first and last are
                kinds.update(first=kinds["text " + cells["field"]], last=kinds["text " + cells["field"]])
            self.rows.append((tags, {name: csv_value(cells[name], kinds[name]) for name in columns}))


class Got:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text


class Trial:
    """One measurement of a server, its history, and the ingest time of each step."""

    def __init__(self, server, measurement, history):
        self.server, self.measurement, self.history = server, measurement, history
        self.connection = None
        self.ingest = {}  # id of a step -> its ingest time
        self.last_text = None
        self.perturb = None  # the self-test's hand in an answer

    def request(self, method, path, pairs=(), content=None, kind=None):
        if pairs:
            path += "?" + urllib.parse.urlencode(pairs)
        for attempt in (0, 1):
            if not self.connection:
                self.connection = http.client.HTTPConnection(*self.server.address, timeout=60)
            try:
                self.connection.request(method, path, content, {"Content-Type": kind} if kind else {})
                response = self.connection.getresponse()
                return Got(response.status, response.headers, response.read().decode())
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()  # a connection that was kept may have been closed meanwhile
                if attempt or not self.server.alive():
                    raise
        return None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def must(self, wanted, got, what):
        if got.status != wanted:
            raise Difference(f"{what}: status {got.status}, wanted {wanted}: {got.text[:500]}")
        return got

    # --- steps ---

    def perform(self, step):
        getattr(self, "do_" + step["kind"])(step)

    def moment(self, step):
        """The ingest time of what was just written; nobody else writes."""
        got = self.must(200, self.request("GET", "/v1/query", [("measurement", self.measurement), ("limit", "1")]), "the moment")
        moment = ns_of(got.headers["Weir-As-Of"])
        if moment <= self.history.last:
            raise Difference(f"S is {moment} after a write, and was {self.history.last} before it")
        self.ingest[step["id"]] = moment
        return moment

    def do_write(self, step):
        kind, text = body(self.measurement, step)
        self.must(204, self.request("POST", "/v1/points", content=text.encode(), kind=kind), "write")
        self.history.write(self.moment(step), as_stored(step))
        self.history.series = self.series()

    def do_delete(self, step):
        self.must(200 if step["erase"] else 204, self.request("DELETE", "/v1/points", deletion(self.measurement, step)), "delete")
        self.history.delete(self.moment(step), step)

    def series(self):
        got = self.must(200, self.request("GET", "/v1/series", [("measurement", self.measurement), ("limit", "1000")]), "series")
        return [tuple(sorted(each["tags"].items())) for each in json.loads(got.text)["items"]]

    def do_flush(self, _):
        self.must(200, self.request("POST", "/v1/admin/flush"), "flush")

    def do_compact(self, _):
        self.must(200, self.request("POST", "/v1/admin/compact"), "compact")

    def do_restart(self, _):
        self.close()
        code = self.server.stop()
        if code != 0:
            raise Difference(f"exit {code} after SIGTERM\n{self.server.log_tail()}")
        self.server.start()

    def do_kill(self, _):
        self.close()
        self.server.kill()
        self.server.start()

    # --- questions ---

    def moment_of(self, step):
        """As a text; of a step that a shrunk case no longer has, the one before it."""
        known = [self.ingest[each] for each in self.ingest if each <= step]
        return rfc3339(max(known)) if known else "0"

    def ask(self, question):
        """None if the answer is right; raises Difference, or Ambiguous where nothing can be said."""
        since = question.get("since")
        lines = question["format"] == "line_protocol"
        since = max([self.ingest[each] for each in self.ingest if since and each <= since], default=0)
        moment = self.history.last if question.get("as_of") is None else ns_of(self.moment_of(question["as_of"]))
        wanted = answer(self.history, question, moment, since)
        if lines:  # which has no rows of nulls, and no columns
            wanted.rows = [row for row in wanted.rows if any(value is not None for name, value in row[1].items() if name != "time")]
        if question.get("limit"):
            question["limit"] = max(question["limit"], len(wanted.rows) // PAGES + 1)
        erased = question["kind"] == "changes" and any(each["erase"] for ingest, each in self.history.deletions if ingest > since)
        if erased:  # rows must be told apart
            question.update(epoch="ns", int64=None)
        columns, rows = self.pages(question, wanted.columns, moment)
        if erased:
            wanted.rows, rows = self.tellable(wanted.rows, since), self.tellable(rows, since)
        if self.perturb:
            rows = self.perturb(rows)
        if columns is not None and columns != wanted.columns:
            raise Difference(f"columns {columns}, wanted {wanted.columns}")
        self.compare(question, wanted, rows)

    def tellable(self, rows, since):
        """Without the rows of which something was erased: what changes tell of them depends on whether the bytes are still there."""
        return [(tags, row) for tags, row in rows if not self.history.was_erased(tags, row["time"], since)]

    def pages(self, question, names, moment):
        path = "/v1/" + question["kind"]
        pairs = parameters(question, self.measurement, self.moment_of)
        kinds = {name: name in ("change", "field") or self.history.kinds.get(name) == "text" or
                 self.history.kinds.get(name.rpartition("_")[2]) == "text" and bool(re.match("first_|last_|mode_", name)) for name in names}
        if question.get("epoch") is None:
            kinds.update({name: True for name in ("time", "known_from", "known_to")})
        if question["kind"] == "stats":
            fields = self.history.fields() + [name for name, _ in question.get("let", ())]
            kinds.update({"text " + name: self.history.kinds.get(name) == "text" for name in fields})
        columns, rows, cursor = None, [], None
        while True:
            page = pairs + ([("cursor", cursor)] if cursor else [])
            if question.get("form"):
                got = self.request("POST", path, (), urllib.parse.urlencode(page), "application/x-www-form-urlencoded")
            else:
                got = self.request("GET", path, page)
            self.last_text = got.text
            self.must(200, got, "question")
            if ns_of(got.headers["Weir-As-Of"]) != moment:
                raise Difference(f"Weir-As-Of {got.headers['Weir-As-Of']}, wanted {rfc3339(moment)}")
            page = Page(question, names, kinds, got)
            columns = page.columns or columns
            rows += page.rows
            cursor = page.next
            if cursor is None:
                return columns, rows
            if not question.get("limit") or len(page.rows) != question["limit"]:
                raise Difference(f"a page of {len(page.rows)} rows with a cursor, limit {question.get('limit')}")

    def compare(self, question, wanted, rows):
        for place, ((wanted_tags, wanted_row), (tags, row)) in enumerate(zip(wanted.rows, rows)):
            if tags != wanted_tags:
                raise Difference(f"row {place}: tags {dict(tags)}, wanted {dict(wanted_tags)}\n  got    {row}\n  wanted {wanted_row}")
            for name in wanted.columns:
                if not self.same(question, name, wanted_row[name], row[name]):
                    raise Difference(f"row {place} of {dict(tags)}: {name} is {row[name]!r}, wanted {wanted_row[name]!r}\n"
                                     f"  got    {row}\n  wanted {wanted_row}")
        if len(rows) != len(wanted.rows):
            surplus = (rows if len(rows) > len(wanted.rows) else wanted.rows)[min(len(rows), len(wanted.rows))]
            raise Difference(f"{len(rows)} rows, wanted {len(wanted.rows)}; the first that is {'too much' if len(rows) > len(wanted.rows) else 'missing'}: {surplus}")

    @staticmethod
    def same(question, name, wanted, got):
        if wanted is None:
            return got is None
        if name in ("time", "known_from", "known_to"):
            if got is None:
                return False
            if question.get("epoch") is None:
                return ns_of(got) == wanted
            return int(got) == wanted // PER[question["epoch"]] and Trial.written_right(question, got)
        if question["format"] == "csv" and isinstance(got, str) and not isinstance(wanted, str):
            got = csv_value(got, False)  # fill put a number where texts are
        if question.get("int64") == "string" and question["format"] != "csv" and isinstance(wanted, Estimate):
            got = int(got)
        if isinstance(wanted, (Near, Estimate)):
            return wanted.fits(got)
        if question["format"] == "line_protocol" and type(got) is not type(wanted):
            return False
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            if question.get("int64") == "string" and question["format"] != "csv":
                return isinstance(got, str) and got == str(int(wanted))
            return isinstance(got, int) and not isinstance(got, bool) and got == wanted
        if isinstance(wanted, float):
            signs = not question.get("agg") and question["kind"] != "stats"  # of equal zeros any may be the least, or the most frequent
            return type(got) is float and got == wanted and not (signs and math.copysign(1, wanted) != math.copysign(1, got))
        return type(got) is type(wanted) and got == wanted

    @staticmethod
    def written_right(question, got):
        return isinstance(got, str) == (question.get("int64") == "string" and question["format"] != "csv")
