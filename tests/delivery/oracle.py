"""What those who write to several nodes and ask them may rely on, whatever fails meanwhile: what was acknowledged is there once, with its
value, at every node; an answer that says that it lacks nothing lacks nothing, and says the same for ever; what lacks something names whose."""
import collections
import http.client
import json
import random
import threading
import time

from outages import stamp
from outbox import check

LINES = 4  # of a request
PAUSE = 0.08  # of each who writes or asks: what has been delivered is to be read in time, on a machine with other work, too
WINDOW = 400  # times of a writer that a question is about, mostly
KEPT = 100  # complete answers of a reader that are asked for again in the end, chosen by chance


def value(writer, t):
    return (t * 7919 + writer * 104729) % 1000003


def series_of(writer):
    return f"measurement=v&match=k%3Dw{writer.number}&epoch=ns"


def rows_of(answer):
    return [row for series in answer["series"] for row in series["rows"]]


class Writer(threading.Thread):
    """Rows to a node, and to the next one while that takes none.  Where a request was sent and no answer came, its rows may be there: they
    are sent to nobody else."""

    def __init__(self, cluster, nodes, number, stopping):
        super().__init__()
        self.cluster, self.nodes, self.number, self.stopping = cluster, nodes[number % len(nodes):] + nodes[:number % len(nodes)], number, stopping
        self.acknowledged, self.unsure, self.refused, self.trouble, self.count = [], set(), collections.Counter(), [], 0

    def run(self):
        while not self.stopping.wait(PAUSE):
            times = range(self.count * LINES, self.count * LINES + LINES)
            self.count += 1
            try:
                while not self.taken(times) and not self.stopping.wait(0.02):
                    pass
            except Exception as error:
                self.trouble.append(f"{type(error).__name__}: {error}")
                return

    def taken(self, times):
        """Whether they need not be sent once more."""
        body = "".join(f"v,k=w{self.number} i={value(self.number, t)}i {t}\n" for t in times)
        for node in self.nodes:
            try:
                answer = node.request("POST", "/v1/points", body.encode(), self.cluster.headers, seconds=10)
            except ConnectionRefusedError:
                self.refused["away"] += 1
                continue
            except (OSError, http.client.HTTPException):
                self.unsure.update(times)
                return True
            if answer.status == 204:
                self.acknowledged += [(t, node) for t in times]
                return True
            check(answer.status == 503 and "retry-after" in answer.headers, f"{answer.status}: {answer.text()[:300]}")
            self.refused[json.loads(answer.text())["code"]] += 1
        return False


class Kept:
    """An answer that said that it was complete; `final` is its text, where it said that as well."""

    def __init__(self, node, question, answer):
        self.node, self.question, self.moment, self.series, self.final = node, question, answer["as_of"], json.dumps(answer["series"]), None

    def path(self):
        return f"/v1/query?{self.question}&as_of={self.moment}"


class Reader(threading.Thread):
    """Asks all nodes, by turns of chance, as of now and as of moments of before."""

    def __init__(self, cluster, nodes, writers, stopping, chance):
        super().__init__()
        self.cluster, self.nodes, self.writers, self.stopping, self.chance = cluster, nodes, writers, stopping, chance
        self.kept, self.trouble, self.count = [], [], collections.Counter()

    def run(self):
        while not self.stopping.wait(PAUSE) and not self.trouble:
            node = self.chance.choice(self.nodes)
            try:
                if self.kept and self.chance.random() < 0.4:
                    self.again(node, self.chance.choice(self.kept))
                else:
                    self.now(node)
            except Exception as error:
                self.trouble.append(f"{node.address}: {type(error).__name__}: {error}")

    def asked(self, node, path):
        """The text and what it says, or (None, None) of a node that is away or cannot answer, and says so."""
        try:
            answer = node.request("GET", path, None, self.cluster.headers, seconds=60)
        except (OSError, http.client.HTTPException):
            self.count["away"] += 1
            return None, None
        if answer.status == 503:
            self.count[json.loads(answer.text())["code"]] += 1
            return None, None
        check(answer.status == 200, f"{path}: {answer.status} {answer.text()[:300]}")
        said = json.loads(answer.text())
        check(said["partial"] == bool(said.get("missing")), f"{path}: partial is {said['partial']}, and missing {said.get('missing')}")
        self.count["partial" if said["partial"] else "whole"] += 1
        return answer.text(), said

    def now(self, node):
        """What was acknowledged before it asks is there, or who has it is named."""
        writer = self.chance.choice(self.writers)
        acknowledged = writer.acknowledged[:]
        newest = writer.count * LINES
        last = self.chance.choice((newest, newest, self.chance.randrange(newest + 1))) + LINES
        first = max(0, last - self.chance.choice((WINDOW, WINDOW, 10 * WINDOW)))
        question = f"{series_of(writer)}&start={stamp(first)}&end={stamp(last)}" + self.chance.choice(("", "", "&versions=all"))
        _, answer = self.asked(node, "/v1/query?" + question)
        if not answer:
            return
        have = {row[0] for row in rows_of(answer)}
        lacking = [(t, holder) for t, holder in acknowledged if first <= t < last and t not in have]
        for t, holder in lacking:
            check(any(text.startswith((f"member {holder.number}:", f"member {holder.number} ")) for text in answer.get("missing", [])),
                  f"the row at {t}, which member {holder.number} acknowledged, is one of {len(lacking)} that are not in an answer about [{first}, {last}) of writer "
                  f"{writer.number} as of {answer['as_of']}; missing: {answer.get('missing')}")
        if not answer["partial"]:
            self.keep(node, Kept(node, question, answer))

    def keep(self, node, kept):
        """It is said again at once, and maybe called final then."""
        self.again(node, kept)
        self.count["kept"] += 1
        if len(self.kept) < KEPT:
            self.kept.append(kept)
        elif (at := self.chance.randrange(self.count["kept"])) < KEPT:
            self.kept[at] = kept

    def again(self, node, kept, well=False):
        """Whether it could be compared: it may be partial by now, as while a member is away."""
        text, answer = self.asked(node, kept.path())
        if not answer:
            return False
        if answer["partial"]:
            self.count["final and partial"] += kept.final is not None
            # While something is away the rows of a final moment may have gone where they cannot be read just now.
            check(not well or kept.final is None,
                  f"{kept.path()} was final, and {node.address} says that it is partial: {answer['missing']}")
            return False
        check(json.dumps(answer["series"]) == kept.series,
              f"{kept.path()} gave {kept.node.address} other rows before: {difference(json.loads(kept.series), answer['series'])}")
        if kept.final:
            check(text == kept.final, f"{kept.path()} was final, and {node.address} gives another text: {text[-200:]}\n{kept.final[-200:]}")
        elif answer["final"]:
            kept.final = text
        return True


def difference(before, later):
    sets = [{tuple(row) for series in part for row in series["rows"]} for part in (before, later)]
    gone, new = sorted(sets[0] - sets[1]), sorted(sets[1] - sets[0])
    return f"{len(gone)} rows are gone, as {gone[:3]}, {len(new)} are new, as {new[:3]}; {len(before)} series were there, and {len(later)} are"


class Oracle:
    """Writers and readers from its beginning to end()."""

    def __init__(self, cluster, nodes, chance):
        self.cluster, self.nodes, self.stopping = cluster, nodes, threading.Event()
        self.writers = [Writer(cluster, nodes, number, self.stopping) for number in range(4)]
        self.readers = [Reader(cluster, nodes, self.writers, self.stopping, random.Random(chance.random())) for _ in range(2)]
        for thread in (*self.writers, *self.readers):
            thread.start()

    def trouble(self):
        return [f"{type(thread).__name__}: {text}" for thread in (*self.writers, *self.readers) for text in thread.trouble]

    def stop(self):
        self.stopping.set()
        for thread in (*self.writers, *self.readers):
            thread.join()

    def whole(self, node, question):
        """An answer that lacks nothing: of what was delivered a moment ago others may have to read first."""
        deadline = time.monotonic() + 60
        while (answer := self.cluster.json(node, question))["partial"]:
            check(time.monotonic() < deadline, f"{node.address} lacks something in the end: {answer['missing']}\n{node.log_tail()}")
            time.sleep(0.1)
        return answer

    def expect_rows(self, node):
        moment = self.whole(node, "measurement=v&limit=1")["as_of"]
        for writer in self.writers:
            want, unsure = {t: value(writer.number, t) for t, _ in writer.acknowledged}, writer.unsure
            for versions in ("", "&versions=all"):
                answer = self.whole(node, f"{series_of(writer)}{versions}&as_of={moment}")
                columns = answer["series"][0]["columns"]
                rows = [(row[columns.index("time")], row[columns.index("i")]) for row in rows_of(answer)]
                have = dict(rows)
                check(len(rows) == len(have), f"{node.address}: {len(rows) - len(have)} rows{versions} of writer {writer.number} are there twice, as "
                      f"{[t for t, n in collections.Counter(t for t, _ in rows).items() if n > 1][:5]}")
                lost = sorted((t, holder.number) for t, holder in writer.acknowledged if have.get(t) != want[t])
                check(not lost, f"{node.address}: of {len(want)} rows{versions} of writer {writer.number} {len(lost)} are lost, or have another value: "
                      f"(time, member) {lost[:5]}\n{node.log_tail()}")
                more = [t for t, i in rows if t not in want and (t not in unsure or i != value(writer.number, t))]
                check(not more, f"{node.address}: {len(more)} rows{versions} of writer {writer.number} that nobody sent, or that were refused: {more[:5]}")

    def end(self, join):
        """All is right at all nodes, and at one that join() gives, with an empty disk, when all is delivered."""
        self.stop()
        check(not self.trouble(), "\n".join(self.trouble()[:4]))
        for node in self.nodes:
            self.cluster.delivered(node)
        for node in self.nodes:
            self.expect_rows(node)
        before = sum(reader.count["final and partial"] for reader in self.readers)
        self.again_of(self.nodes)
        empty = join()
        self.expect_rows(empty)
        self.cluster.write(empty, "v,k=last i=1i 1")  # until it has stored something, all that it is asked for is complete, and not final
        self.again_of([empty])
        late = sum(reader.count["final and partial"] for reader in self.readers) - before
        check(min(len(writer.acknowledged) for writer in self.writers) > 100 and min(len(reader.kept) for reader in self.readers) > 10,
              f"too little was tried: {self}")
        check(any(kept.final for reader in self.readers for kept in reader.kept), "no answer was final")
        return f"{self}, {late} of them in the end"

    def again_of(self, nodes):
        deadline = time.monotonic() + 60
        for reader in self.readers:
            for kept in reader.kept:
                for node in nodes:
                    while not reader.again(node, kept, well=True):
                        check(time.monotonic() < deadline, f"{node.address}: {kept.path()} was complete, and is not in the end\n{node.log_tail()}")
                        time.sleep(0.1)

    def __str__(self):
        counts = sum((reader.count for reader in self.readers), collections.Counter())
        refused = sum((writer.refused for writer in self.writers), collections.Counter())
        finals = sum(kept.final is not None for reader in self.readers for kept in reader.kept)
        rows, unsure = [sum(len(of) for of in sets) for sets in zip(*((writer.acknowledged, writer.unsure) for writer in self.writers))]
        return (f"{rows} rows, {unsure} without an answer, refused {dict(refused)}; answers {dict(counts)}, "
                f"{finals} final ones kept, {counts['final and partial']} partial again")
