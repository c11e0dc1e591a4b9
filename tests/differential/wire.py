"""What goes over the wire to Weir: a question as parameters, what is written, deletions; times and lengths of time as texts."""
import datetime
import json
import re
from fractions import Fraction

from evaluator import DAY, SECOND
from generator import Unsigned

EPOCH = datetime.datetime(1970, 1, 1)
UNITS = [("w", 7 * DAY), ("d", DAY), ("h", 3600 * SECOND), ("m", 60 * SECOND), ("s", SECOND), ("ms", 10**6), ("us", 1000), ("ns", 1)]


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
