"""What the scenarios have not seen: a route of the server without an answer, a code of the error table that no
scenario provokes, a limit without a trial.  A new one of these without a scenario fails here."""
import os
import re

from limits import LIMITS
from protocol import ROUTES

# Codes that no request to a healthy server can provoke, and the test that does.
ELSEWHERE = {
    "ok": "not an error", "end": "never shown", "cancelled": "the client has left", "bad_configuration": "operations: commands",
    "out_of_memory": "unit tests: allocations that fail", "internal_error": "our mistake, asserted",
    "disk_full": "tests/fault", "io_error": "tests/fault", "corrupt_data": "operations: verify", "clock_skew": "the simulator",
    "shutting_down": "tests/unit/http", "not_ready": "tests/unit/handlers", "not_a_member": "tests/registry/nodes", "shard_unavailable": "tests/delivery", "partial_result": "operations: verify", "erase_unfinished": "tests/delivery/erasing.py",
    "already_exists": "unit tests", "conflict": "tests/registry", "slow_client": "limits: header_ms_max, raw sockets", "invalid_points": "all refused()",
    "overloaded": "limits: ingest_bytes_max, raw sockets", "timeout": "limits: query_ms_max, may be cut",
    "idempotency_in_flight": "idempotency: a race", "query_result_limit": "limits: may be cut",
    "bad_page": "tests/pull: stands in a source's status, no answer of ours",
}


def codes_of_table(root):
    with open(os.path.join(root, "base", "error.c"), encoding="utf-8") as file:
        return set(re.findall(r'\[(?:OK|E_\w+)\] = \{\s*"(\w+)"', file.read()))


def limits_of_table(root):
    with open(os.path.join(root, "model", "limits.h"), encoding="utf-8") as file:
        body = re.search(r"struct limits \{(.*?)\n\};", file.read(), re.S).group(1)
    return set(re.findall(r"(\w+)(?=[,;])", re.sub(r"/\*.*?\*/", "", body, flags=re.S)))


# Limits that need another member of a registry, and who tries them.
LIMITS_ELSEWHERE = {
    "peer_ms_max": "tests/delivery/asking.py, tests/unit/handlers/test_peer_calls.c",
    "erase_ms_max": "tests/unit/handlers/test_erasers.c, tests/delivery/erasing.py",
    "peer_reply_bytes_max": "tests/unit/handlers/test_peer_rows.c",
}


def codes_of_scenarios(root):
    """Codes of single lines stand in the tables, not in Run.seen."""
    text = ""
    for name in os.listdir(os.path.join(root, "tests", "api")):
        if name.endswith(".py") and name != os.path.basename(__file__):
            with open(os.path.join(root, "tests", "api", name), encoding="utf-8") as file:
                text += file.read()
    return set(re.findall(r'"(\w+)"', text))


def checks(root, seen):
    answered = {(method, path) for method, path, status, _ in seen if status < 400}
    missing = [f"{method} {path}" for method, path in ROUTES if (method, path) not in answered]
    yield "every route was answered with success", ", ".join(missing)

    table = codes_of_table(root)
    missing = sorted(table - {code for _, _, _, code in seen} - codes_of_scenarios(root) - set(ELSEWHERE))
    yield "every code of base/error.c has a scenario", ", ".join(missing) if table else "the table is empty"

    missing = sorted(limits_of_table(root) ^ (LIMITS | set(LIMITS_ELSEWHERE)))
    yield "every limit of model/limits.h is tried", ", ".join(missing)
