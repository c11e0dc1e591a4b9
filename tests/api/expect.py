"""Comparing an answer with what a scenario wants: exactly, with the place of the first difference.

Numbers are compared as what they are: an int in a scenario must be an integer in the JSON text, a
float must have the same 64 bits, so that -0.0 and 0.1 + 0.2 cannot hide."""
import json
import struct

from steps import Absent, Any


class Difference(Exception):
    """What was wanted and what came, for people."""


def parse_integer(text):
    return -0.0 if text == "-0" else int(text)


def parse(text):
    def refuse(name):
        raise Difference(f"{name} in JSON")
    try:
        return json.loads(text, parse_int=parse_integer, parse_constant=refuse)
    except ValueError as error:
        raise Difference(f"not JSON ({error}): {text[:300]!r}") from None


def bits(number):
    return struct.pack(">d", number)


def match(want, got, place="", partial=True):
    """Raises Difference unless `got` is `want`.  Objects may have more members when `partial`."""
    if isinstance(want, Any):
        if not isinstance(got, want.kind):
            raise Difference(f"{place}: wanted {want!r}, got {got!r}")
    elif callable(want):
        if not want(got):
            raise Difference(f"{place}: {got!r} is not {want.__doc__ or want.__name__}")
    elif isinstance(want, dict):
        if not isinstance(got, dict):
            raise Difference(f"{place}: wanted an object, got {got!r}")
        for name, value in want.items():
            if isinstance(value, Absent):
                if name in got:
                    raise Difference(f"{place}.{name}: {got[name]!r} should be absent")
            elif name not in got:
                raise Difference(f"{place}.{name} is missing; there are {sorted(got)}")
            else:
                match(value, got[name], f"{place}.{name}", partial)
        if not partial and set(got) - set(want):
            raise Difference(f"{place}: unwanted members {sorted(set(got) - set(want))}")
    elif isinstance(want, (list, tuple)):
        if not isinstance(got, list) or len(got) != len(want):
            raise Difference(f"{place}: wanted {len(want)} items {short(want)}, got {short(got)}")
        for index, (wanted, item) in enumerate(zip(want, got)):
            match(wanted, item, f"{place}[{index}]", partial)
    elif isinstance(want, bool) or want is None or isinstance(want, str):
        if type(got) is not type(want) or got != want:
            raise Difference(f"{place}: wanted {want!r}, got {got!r}")
    elif isinstance(want, float):
        if isinstance(got, bool) or not isinstance(got, (int, float)) or bits(float(got)) != bits(want):
            raise Difference(f"{place}: wanted {want!r} ({want.hex()}), got {got!r}")
    elif isinstance(got, bool) or not isinstance(got, int) or got != want:
        raise Difference(f"{place}: wanted the integer {want!r}, got {got!r}")


def short(value):
    text = json.dumps(value, default=repr, ensure_ascii=False)
    return text if len(text) < 400 else text[:400] + "..."


def self_test():
    """match() sees each kind of difference and lets pass what is equal."""
    same = [(1, "1"), (1.0, "1"), (1.0, "1.0"), (-0.0, "-0.0"), (-0.0, "-0"), (0.1 + 0.2, "0.30000000000000004"),
            ({"a": 1}, '{"a":1,"b":2}'), ([1, [None, True]], "[1,[null,true]]"), (Any(str), '"x"'), (2 ** 64 - 1, "18446744073709551615"),
            ({"b": Absent()}, "{}")]
    other = [(1, "1.0"), (0.0, "-0.0"), (-0.0, "0"), (0.3, "0.30000000000000004"), (True, "1"), (1, "true"), ("1", "1"), (None, "0"),
             ({"a": 1}, "{}"), ([1], "[1,2]"), ([], '{"a":1}'), (Any(str), "5"), (2 ** 63, "9223372036854775807"), ({"b": Absent()}, '{"b":1}')]
    for want, text in same:
        match(want, parse(text))
    for want, text in other:
        try:
            match(want, parse(text))
        except Difference:
            continue
        raise AssertionError(f"{want!r} passed for {text}")
