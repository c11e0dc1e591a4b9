"""What tests in Python check with: a truth, and one that comes."""
import time


class Broken(AssertionError):
    pass


def check(truth, what):
    if not truth:
        raise Broken(what)


def until(seconds, what, function):
    """What `function` gives once that is true; `what` may be a function that tells how it is instead."""
    deadline = time.monotonic() + seconds
    while True:
        value = function()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Broken(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.05)
