"""Makes a failing case small: fewer steps, fewer points, fewer fields, a shorter question, each tried on a measurement of its
own as long as the answer stays wrong; then tells it as a script of curl."""
import re
import shlex
import shutil
import tempfile
import time

import ways
from documents import body_of
from evaluator import Ambiguous, History
from server import Server, ServerDied
from trial import Trial
from wire import Difference, body, deletion, parameters

SECONDS_MAX = 60
STAYS = {"kind", "format", "since", "top", "agg", "selections"}  # what makes the question what it is, or is tried by itself


class Shrinker:
    def __init__(self, program, perturb=None):
        self.program, self.perturb = program, perturb
        self.data = tempfile.mkdtemp(prefix="weir-data-")
        self.server = Server(program, self.data, ["--ballast-bytes", "1MiB"])
        self.server.start()
        self.tries = 0
        self.until = time.monotonic() + SECONDS_MAX

    def close(self):
        with self.server:
            pass
        shutil.rmtree(self.data, ignore_errors=True)

    def failure(self, steps, question):
        """What is wrong with the answer; None if it is right, or cannot be asked."""
        self.tries += 1
        if not self.server.alive():
            self.server.start()
        trial = Trial(self.server, f"s{self.tries}", History())
        trial.perturb = self.perturb
        try:
            for step in steps:
                trial.perform(step)
        except (Difference, ServerDied):
            return None
        try:
            trial.ask(dict(question))
            return None
        except (Ambiguous, KeyError):  # KeyError: it names a column that was left out
            return None
        except Exception as error:  # what cannot be read is wrong as well
            return f"{type(error).__name__}: {error}"
        finally:
            trial.close()

    def still(self, steps, question):
        if time.monotonic() > self.until or all(step["kind"] != "write" for step in steps):
            return False
        text = self.failure(steps, question)
        # A question that became wrong itself is another matter.
        return text is not None and ("question: status" in text) == self.refused

    def fewer(self, items, holds):
        """Leaves out what it can of a list, halves first."""
        size = len(items)
        while size > 0 and time.monotonic() < self.until:
            at = 0
            while at < len(items):
                less = items[:at] + items[at + size:]
                if holds(less):
                    items = less
                else:
                    at += size
            size //= 2
        return items

    def points(self, steps, question):
        marked = [(place, point) for place, step in enumerate(steps) for point in step.get("points", ())]

        def rebuilt(points):
            return [{**step, "points": [point for at, point in points if at == place]} if step["kind"] == "write" else step
                    for place, step in enumerate(steps) if step["kind"] != "write" or any(at == place for at, _ in points)]

        return rebuilt(self.fewer(marked, lambda points: self.still(rebuilt(points), question)))

    def fields(self, steps, question):
        for name in sorted({name for step in steps for _, _, fields in step.get("points", ()) for name in fields}):
            less = []
            for step in steps:
                if step["kind"] == "write":
                    points = [(tags, at, {key: value for key, value in fields.items() if key != name}) for tags, at, fields in step["points"]]
                    step = {**step, "points": [point for point in points if point[2]]}
                    if not step["points"]:
                        continue
                less.append(step)
            if self.still(less, question):
                steps = less
        return steps

    def question(self, steps, question):
        question = self.shorter(question, lambda less: self.still(steps, less))
        if "selections" not in question:
            return question
        selections = self.fewer(question["selections"], lambda items: bool(items) and self.still(steps, {**question, "selections": items}))
        for place, (name, selection) in enumerate(selections):
            def rebuilt(less, place=place, name=name):
                return {**question, "selections": [*selections[:place], (name, less), *selections[place + 1:]]}

            selections[place] = (name, self.shorter(selection, lambda less, rebuilt=rebuilt: self.still(steps, rebuilt(less))))
        return {**question, "selections": selections}

    def shorter(self, question, holds):
        """Without what it can be without, and with shorter lists."""
        for name in sorted(set(question) - STAYS):
            gone = {"every", "tz", "offset"} if name == "every" else {name}  # a length without its zone would be another
            less = {key: value for key, value in question.items() if key not in gone}
            if holds(less):
                question = less
        for name in ("agg", "fields", "match", "where", "let", "group_by"):
            if name in question:
                shorter = self.fewer(list(question[name]), lambda items, name=name: bool(items) and holds({**question, name: items}))
                question = {**question, name: shorter}
        return question

    def shrink(self, steps, question):
        first = self.failure(steps, question)
        if first is None:
            return steps, question, None
        self.refused = "question: status" in first
        before = None
        while before != (steps, question) and time.monotonic() < self.until:
            before = (steps, question)
            steps = self.fewer(steps, lambda less: self.still(less, question))
            question = self.question(steps, question)
            steps = self.fields(self.points(steps, question), question)
        return steps, question, self.failure(steps, question) or first


def script(steps, question):
    """As a script of bash, on a server of its own."""
    used = {question.get("as_of"), question.get("since"), *(each.get("as_of") for _, each in question.get("selections", ()))}
    known = [step["id"] for step in steps if "id" in step]

    def moment_of(wanted):
        at = [each for each in known if each <= wanted]
        return f"$S{max(at)}" if at else "0"

    used = {moment_of(each)[2:] for each in used if each}
    lines = ["#!/bin/bash", "D=$(mktemp -d) L=127.0.0.1:18090 W=http://127.0.0.1:18090",
             'start() { ${PROGRAM:-build/weir} serve --data "$D" --listen $L 2>"$D.log" & P=$!; until curl -sf $W/readyz >"$D.ready"; do sleep 0.1; done; }',
             'stop() { kill "$1" $P; wait $P; }', "moment() { curl -s -o /dev/null -D - \"$W/v1/query?measurement=m&limit=1\" | sed -n 's/^Weir-As-Of: \\(.*\\)\\r$/\\1/p'; }", "start"]
    for step in steps:
        if step["kind"] == "write":
            kind, text = body("m", step)
            lines.append(f"curl -s $W/v1/points -H 'Content-Type: {kind}' --data-binary {shlex.quote(text)}")
        elif step["kind"] == "delete":
            lines.append("curl -s -X DELETE -G $W/v1/points" + words(deletion("m", step)))
        else:
            lines.append({"restart": "stop -TERM; start", "kill": "stop -KILL; start"}.get(step["kind"], f"curl -s -X POST $W/v1/admin/{step['kind']}"))
        if str(step.get("id")) in used:
            lines.append(f"S{step['id']}=$(moment)")
    return "\n".join(lines + asked(question, moment_of) + ["stop -TERM"])


def asked(question, moment_of):
    """Its curl, and those of the other ways that it is asked."""
    document = "-H 'Content-Type: application/json' -d "
    if question["kind"] == "join":
        return [f"curl -s $W/v1/query {document}{quoted(body_of(question, 'm', moment_of))}"]
    pairs = parameters(question, "m", moment_of)
    way = "" if question.get("form") else " -G"
    lines = [f"curl -s{way} $W/v1/{question['kind']}" + words(pairs)]
    if question.get("json") is not None:
        lines.append(f"curl -s $W/v1/query {document}{quoted(body_of(question, 'm', moment_of))}")
    if question.get("explain"):
        lines.append("curl -s -G $W/v1/query" + words([pair for pair in pairs if pair[0] not in ways.FORMS] + [("explain", "true")]))
    if question.get("live"):
        pairs = [pair for pair in pairs if pair[0] in ways.LIVE] + [("since", moment_of(question["since"]))]
        lines.append("curl -s -N -m 2 -G $W/v1/live" + words(pairs))
    return lines


def quoted(text):
    """For the shell; the moments in it are variables."""
    return re.sub(r'"(\$S\d+)"', "\"'\"\\1\"'\"", shlex.quote(text))


def words(pairs):
    text = ""
    for name, value in pairs:
        word = f'"{name}={value}"' if value.startswith("$S") else shlex.quote(f"{name}={value}")
        text += " --data-urlencode " + word
    return text


def shrunk(program, steps, question, perturb=None):
    """What to print of a failing case."""
    shrinker = Shrinker(program, perturb)
    try:
        steps, question, text = shrinker.shrink(list(steps), dict(question))
    finally:
        shrinker.close()
    if text is None:
        return "  (it did not fail again on a measurement of its own)"
    points = sum(len(step.get("points", ())) for step in steps)
    return f"--- after {shrinker.tries} tries {points} points are left: {text}\n{script(steps, question)}\n---"
