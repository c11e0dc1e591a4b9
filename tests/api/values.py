"""Every type comes back exactly, whatever path it takes: head, pack, restart, kill, CSV, NDJSON."""
import random
import re
import struct

from steps import query, scenario, stable, write

I64 = [0, 1, -1, 2 ** 31 - 1, -2 ** 31, 2 ** 53, 2 ** 53 + 1, -2 ** 53 - 1, 2 ** 63 - 1, -2 ** 63, -2 ** 63 + 1,
       999999999999999999]
U64 = [0, 1, 2 ** 32, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 2, 2 ** 64 - 1]
F64 = [0.0, -0.0, 1.5, -1.5, 0.1, 0.1 + 0.2, 1 / 3, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308,
       1.7976931348623157e308, -1.7976931348623157e308, 9007199254740993.0, 1e22, 1e23, 123456789012345680.0,
       74.93588199999998, 1.2345678901234567, 1e-7, 1e21, 4.35, 299792458.0, 6.02214076e23, 2.0 ** -1074, 2.0 ** 1023]


def random_floats(seed, count):
    chance = random.Random(seed)
    numbers = []
    while len(numbers) < count:
        number = struct.unpack(">d", chance.randbytes(8))[0]
        if number == number and abs(number) != float("inf"):
            numbers.append(number)
    return numbers


def lines(values, text):
    return "\n".join(f"m f={text(value)} {index}" for index, value in enumerate(values))


def rows(values):
    return [[index, value] for index, value in enumerate(values)]


STRINGS = ["", " ", "a", "with \"quotes\" and \\ backslash", "tab\there", "comma, equals= space", "ünïcödé", "日本語",
           "\U0001f600\U0001f469‍\U0001f4bb", "0", "null", "true", "x" * 1000, "\\n is not a newline", "trailing\\"]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def exact(name, values, text):
    return scenario(name, write(lines(values, text)), stable(query("measurement=m&epoch=ns", rows=rows(values))))


SCENARIOS = [
    exact("i64 at its ends", I64, lambda value: f"{value}i"),
    exact("u64 at its ends", U64, lambda value: f"{value}u"),
    exact("f64 bit for bit: signed zero, subnormals, 17 digits", F64, repr),
    exact("2,000 random f64 bit patterns", random_floats(1, 2000), lambda value: f"{value:.17g}"),
    exact("6-digit gauges, as a sensor has them", [round(20 + (n * 37 % 1000) / 1000 + n * 1e-3, 6) for n in range(3000)], repr),
    exact("strings with everything in them", STRINGS, quoted),
    scenario("bools in all their spellings",
             write("\n".join(f"m f={word} {n}" for n, word in enumerate(
                 ["t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"]))),
             stable(query("measurement=m&epoch=ns", rows=[[n, n < 5] for n in range(10)]))),
    scenario("spellings of a number: plus, exponents, no digits on a side of the point",
             write("m a=1.,b=.5,c=1e3,d=1E-3,e=-1.5e+2 1"),
             query("measurement=m&epoch=ns", rows=[[1, 1.0, 0.5, 1000.0, 0.001, -150.0]])),
    scenario("i64, u64 and f64 mix in one field, and each value keeps its type",
             write("m f=1 1\nm f=9007199254740993i 2\nm f=18446744073709551615u 3\nm f=-0.0 4"),
             stable(query("measurement=m&epoch=ns", rows=[[1, 1.0], [2, 9007199254740993],
                                                           [3, 18446744073709551615], [4, -0.0]]))),
    scenario("many types beside each other with holes between them",
             write("\n".join(f"m {'abcd'[n % 4]}={['1.25', '7i', 'true', quoted('s')][n % 4]} {n}" for n in range(1000))),
             stable(query("measurement=m&epoch=ns", rows=[
                 [n] + [[1.25, 7, True, "s"][k] if k == n % 4 else None for k in range(4)] for n in range(1000)]))),
    scenario("CSV has the same digits",
             write("m,host=a f=0.30000000000000004,i=9223372036854775807i,s=\"x,\\\"y\\\"\",b=true 1\nm,host=a f=-0.0 2"),
             query("measurement=m&epoch=ns&format=csv",
                   headers_out={"Content-Type": re.compile("^text/csv")},
                   that=lambda run, answer: check_csv(run, answer))),
]


def check_csv(run, answer):
    import csv
    import io
    table = list(csv.DictReader(io.StringIO(answer.text(), newline="")))
    want = {"measurement": "m", "host": "a", "time": "1", "f": "0.30000000000000004", "i": "9223372036854775807",
            "s": 'x,"y"', "b": "true"}
    got = {name: table[0].get(name) for name in want if name in table[0] or name != "measurement"}
    want = {name: value for name, value in want.items() if name in got}
    if got != want or len(table) != 2 or struct.pack(">d", float(table[1]["f"])) != struct.pack(">d", -0.0):
        run.fail(f"wanted {want}, got {table}")
