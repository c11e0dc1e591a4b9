"""What the Python clients' tests share; as checks.js."""
import json
import sys
import traceback

with open(sys.argv[1], encoding="utf-8") as file:
    task = json.load(file)
NS = {"n": 1, "ns": 1, "u": 1000, "us": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def check(name):
    """Runs the function beneath and says how it went."""
    def run(test):
        try:
            test()
            print(f"ok {name}", flush=True)
        except Exception:
            print(f"FAILED {name}: " + " | ".join(traceback.format_exc().split("\n")), flush=True)
    return run


def want(value, what):
    if not value:
        raise AssertionError(f"wanted {what}")


def failure(kind, test):
    """The error of that kind, with which test() must fail."""
    try:
        test()
    except kind as error:
        return error
    raise AssertionError("it succeeded")


def points(unit):
    """(tags, fields with values of Python, time in the unit)."""
    for point in task["points"]:
        fields = dict(point["fields"], i=int(point["fields"]["i"]), u=int(point["fields"]["u"]))
        yield point["tags"], fields, int(point["ns"]) // NS[unit]
