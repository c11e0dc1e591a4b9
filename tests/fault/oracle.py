"""What must be there after a fault.  The writer's journal tells for each request: acknowledged (must be there, every
bit), tried without an answer (wholly there or not at all), never tried (must not be there)."""
import json
import struct

MASK = (1 << 64) - 1


class Broken(Exception):
    """A promise was broken; the text says which, and where."""


def chance(seed, n, salt):
    x = (seed + n * 0x9e3779b97f4a7c15 + salt * 0xbf58476d1ce4e5b9) & MASK
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & MASK
    return x ^ (x >> 31)


def finite(bits):
    if (bits >> 52 & 0x7ff) == 0x7ff:
        bits &= ~(1 << 52)
    return struct.unpack(">d", struct.pack(">Q", bits))[0]


def row_count(seed, n):
    return 1 + chance(seed, n, 0) % 20


def row(seed, n, i):
    """(host, bits of f, i, s) of row i of request n, as tests/fault/writer.c makes it."""
    salt = 1 + 3 * i
    number = chance(seed, n, salt + 1)
    return (f"h{n % 16:02}", struct.pack(">d", finite(chance(seed, n, salt))), number - (1 << 64) if number >> 63 else number,
            f"{chance(seed, n, salt + 2):016x}")


def point(seed, n, i):
    """The whole number of row i of request n of the kinds `points` and `prometheus`."""
    return chance(seed, n, 1 + i) >> 24


class Journal:
    """What the writer wrote down; a last line without an end is dropped."""

    def __init__(self, path):
        self.path = path

    def read(self):
        tried, acknowledged = set(), set()
        try:
            with open(self.path, encoding="ascii") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        for line in text.split("\n")[:-1]:
            what, n = line.split(" ")
            if what == "t":
                tried.add(int(n))
            elif what == "a":
                acknowledged.add(int(n))
        return tried, acknowledged

    def acknowledged_count(self):
        """Cheap, for watching a load that runs."""
        try:
            with open(self.path, "rb") as file:
                return file.read().count(b"a ")
        except FileNotFoundError:
            return 0

    def next(self):
        return max(self.read()[0], default=0) + 1


def read_back(server, first):
    """All rows of requests from `first` on, as (n, i) -> values.  NDJSON, one row a line."""
    answer = server.request("GET", f"/v1/query?measurement=o&epoch=ns&format=ndjson&start={first * 1000}"
                                   f"&end=9000000000000000000", seconds=120)
    if answer.status != 200:
        raise Broken(f"reading back gave {answer.status}: {answer.text()[:500]}")
    rows, lines = {}, answer.text().split("\n")
    if len(lines) < 2 or "_end" not in json.loads(lines[-2]):
        raise Broken(f"the answer has no end: {lines[-2:]}")
    for line in lines[:-2]:
        item = json.loads(line, parse_int=lambda text: -0.0 if text == "-0" else int(text))
        if "time" not in item:
            raise Broken(f"a line that is no row: {line}")
        n, i = divmod(item["time"] - 1, 1000)
        if (n, i) in rows:
            raise Broken(f"request {n} row {i} is there twice")
        rows[n, i] = (item.get("host"), struct.pack(">d", float(item["f"])) if item.get("f") is not None else None,
                      item.get("i"), item.get("s"))
    return rows


def judge(seed, tried, acknowledged, rows, first):
    """Raises Broken unless `rows` (of requests >= first) is what the journal allows; the number of rows judged."""
    present = {}
    for n, i in rows:
        present[n] = present.get(n, 0) + 1
    for n in sorted(acknowledged):
        if n >= first and n not in present:
            raise Broken(f"LOST: request {n} was acknowledged and is not there "
                         f"({sum(1 for a in acknowledged if a >= first and a not in present)} such)")
    for n, count in sorted(present.items()):
        if n not in tried:
            raise Broken(f"INVENTED: request {n} was never sent and {count} of its rows are there")
        if count != row_count(seed, n):
            raise Broken(f"TORN: request {n} has {row_count(seed, n)} rows and {count} are there "
                         f"({'acknowledged' if n in acknowledged else 'not acknowledged'})")
    for (n, i), values in rows.items():
        if values != row(seed, n, i):
            raise Broken(f"CHANGED: request {n} row {i} is {values}, was {row(seed, n, i)}")
    return len(rows)


def self_test():
    """The judge, shown to see each kind of fault."""
    seed, tried, acknowledged = 7, {1, 2, 3}, {1, 2}
    good = {(n, i): row(seed, n, i) for n in (1, 2) for i in range(row_count(seed, n))}
    judge(seed, tried, acknowledged, good, 1)
    lost = {key: value for key, value in good.items() if key[0] != 2}
    big = next(n for n in range(4, 100) if row_count(seed, n) > 1)
    torn = {**good, (big, 0): row(seed, big, 0)}
    changed = dict(good)
    changed[1, 0] = changed[1, 0][:2] + (changed[1, 0][2] ^ 1,) + changed[1, 0][3:]
    invented = {**good, (99, 0): row(seed, 99, 0)}
    for name, rows, more in (("LOST", lost, set()), ("TORN", torn, {big}), ("CHANGED", changed, set()), ("INVENTED", invented, set())):
        try:
            judge(seed, tried | more, acknowledged, rows, 1)
        except Broken as error:
            assert str(error).startswith(name), error
        else:
            raise AssertionError(f"the oracle does not see {name}")
