"""The four forms of answers, read back: JSON in two shapes, NDJSON, CSV and line protocol."""
import json
import re
import urllib.parse

from generator import Unsigned
from wire import Difference


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
