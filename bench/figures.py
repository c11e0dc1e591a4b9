"""What a benchmark's run has in common with another: the load beside it, a figure of each database with its goal and
floor, and the report with its head (machine, versions, who else had the CPU).  Standard library only."""
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from databases import Failed

HERE = os.path.dirname(os.path.abspath(__file__))


class Load:
    """One run of bench/load beside us."""

    def __init__(self, build, database, verb, options, errors=None):
        words = [os.path.join(build, "bench/load"), verb, "--server", database.name, "--port", str(database.port),
                 "--pid", str(database.process.pid)]
        words += ["--token", database.token] if getattr(database, "token", None) else []
        for name, value in options.items():
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        self.words, self.database = words, database
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True)

    def begin(self):
        """Waits until its requests are made and it begins to send."""
        if not self.process.stdout.readline():
            raise Failed(f"{' '.join(self.words)} ended with {self.process.wait()}")

    def finish(self, may_lose_server=False):
        figures = {}
        for line in self.process.stdout:
            name, value = line.split()
            figures[name] = float(value)
        code = self.process.wait()
        if code != 0 and not (code == 3 and may_lose_server):
            ended = self.database.process.poll()
            raise Failed(f"{' '.join(self.words)} ended with {code}" +
                         (f"; the server ended with {ended}\n{self.database.log_tail()}" if ended is not None else ""))
        return figures


class Judge:
    """Where goal and floor of a figure lie: of the ratio to VictoriaMetrics, or of Weir's figure alone."""

    def __init__(self, of_ratio, less, goal, floor):
        self.of_ratio, self.less, self.goal, self.floor = of_ratio, less, goal, floor

    def verdict(self, ours, ratio):
        judged = ratio if self.of_ratio else ours
        if judged is None:
            return "not measured"
        for bound, word in ((self.goal, "met"), (self.floor, "above the floor")):
            if judged <= bound if self.less else judged >= bound:
                return word
        return "**missed**"

    def bound(self, value):
        return shown(value) if value == 0 else ("≤ " if self.less else "≥ ") + shown(value)


def ratio_at_least(goal, floor):
    return Judge(True, False, goal, floor)


def ratio_at_most(goal, floor):
    return Judge(True, True, goal, floor)


def at_least(goal, floor):
    return Judge(False, False, goal, floor)


def at_most(goal, floor):
    return Judge(False, True, goal, floor)


class Figure:
    """One line of the table: {database: value}."""

    def __init__(self, what, values, unit="", judge=None, note=""):
        self.what, self.values, self.unit, self.judge, self.note = what, values, unit, judge, note
        ours, theirs = values.get("weir"), values.get("victoria-metrics")
        self.ratio = ours / theirs if ours and theirs else None
        self.verdict = judge.verdict(ours, self.ratio) if judge else ""

    def row(self):
        bounds = [self.judge.bound(self.judge.goal), self.judge.bound(self.judge.floor)] if self.judge else ["", ""]
        return [self.what + (f", {self.unit}" if self.unit else "")] + \
               [shown(self.values.get(name)) for name in ("weir", "victoria-metrics", "influxdb")] + \
               [shown(self.ratio)] + bounds + [self.verdict, self.note]


def of(runs, figure):
    """That figure of each database."""
    return {name: run[figure] for name, run in runs.items()}


def quotients(runs, others, figure):
    """That figure of each database in proportion to another run of its own."""
    return {name: run[figure] / others[name][figure] for name, run in runs.items()}


def shown(value):
    if value is None:
        return "–"
    if value == int(value) and value < 1000:
        return str(int(value))
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def median(runs):
    """The median of each figure over equal runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def busy_seconds():
    """(CPU seconds that the machine was busy, those of them that were ours), since their begin."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = (int(word) for word in file.readline().split()[1:9])
    uses = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = sum(use.ru_utime + use.ru_stime for use in uses)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK"), ours


def header(tool, build, arguments):
    def text(*words):
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd=HERE).stdout.strip()
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "?")
    versions = "" if tool in ("delivery", "cluster", "pull") else ", " + text(os.path.join(HERE, "peers"), os.path.abspath(build)).replace("\n", ", ")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    changed = "" if text("git", "status", "--porcelain", "--untracked-files=no") == "" else " with changes"
    return [f"machine: {os.cpu_count()} cores of {model}, {memory:.0f} GiB, Linux {os.uname().release}, "
            f"{text('df', '--output=fstype', os.path.abspath(build)).split()[-1]}; the load runs on the same cores",
            f"versions: Weir {text('git', 'rev-parse', '--short', 'HEAD')}{changed}{versions}",
            f"command: bench/{tool} {' '.join(arguments)}",
            f"begun {time.strftime('%Y-%m-%d %H:%M:%S %Z')}, load average {os.getloadavg()[0]:.2f} before it"]


def table(figures):
    titles = ["figure", "Weir", "VictoriaMetrics", "InfluxDB", "ratio", "goal", "not below", "verdict", "note"]
    lines = [titles, ["---"] + ["---:"] * 6 + ["---", "---"]] + [figure.row() for figure in figures]
    if not any(len(figure.values) > 1 for figure in figures):  # nobody else was measured
        lines = [line[:2] + line[5:] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def run_rows(tool, build, bench, rows, arguments):
    """Runs those methods of `bench`, which leave their figures in bench.figures; the exit code.  The report goes to the
    terminal and to BUILD/bench."""
    missing = [name for name in ["weir"] + ["bench/load"] * (tool != "pull") + ["bench/ask"] * (tool == "query")
               if not os.path.exists(os.path.join(build, name))]
    if missing:
        print(f"bench/{tool}: there is no {missing[0]} in {build}; make " + " ".join(f"{build}/{name}" for name in missing) +
              f" BUILD={build}", file=sys.stderr)
        return 69
    head = header(tool, build, arguments)
    print("\n".join(head), flush=True)
    begun, busy, troubles = time.monotonic(), busy_seconds(), []
    for row in rows:
        print(f"{row} ({time.monotonic() - begun:.0f} s)", flush=True)
        try:
            getattr(bench, row)()
        except Failed as error:  # the other rows are worth having
            troubles.append(f"{row}: {error}")
            print(f"{row}: {error}", file=sys.stderr, flush=True)
    bench.close()  # its processes count as ours once they have ended
    took, (all_s, ours_s) = time.monotonic() - begun, busy_seconds()
    foreign = max(0, (all_s - busy[0]) - (ours_s - busy[1])) / took / os.cpu_count()
    head.append(f"took {took:.0f} s; what does not belong to this run had {foreign:.1%} of the CPU meanwhile")
    parts = ["\n".join(f"- {line}" for line in head), table(bench.figures)] + [f"Not measured: {line}" for line in troubles]
    report = "\n\n".join(parts) + "\n"
    path = os.path.join(build, "bench", "results" + ("" if tool == "compare" else f"-{tool}"))
    with open(f"{path}.md", "w", encoding="utf-8") as file:
        file.write(report)
    with open(f"{path}.json", "w", encoding="utf-8") as file:
        rows = [dict(vars(figure), judge=vars(figure.judge) if figure.judge else None) for figure in bench.figures]
        json.dump({"head": head, "not_measured": troubles, "figures": rows}, file, indent=1, ensure_ascii=False)
    print("\n" + report)
    missed = sum(figure.verdict in ("**missed**", "not measured") for figure in bench.figures)
    return 1 if missed or troubles else 0
