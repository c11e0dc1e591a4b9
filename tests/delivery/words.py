"""Cases of tests/delivery/run about what a member said while it lived: what it can have acknowledged ends there when it is dead, and no
answer is short by it."""
import time

from asking import Asking, asked_by, rows
from leaving import begin_writers, end_writers, names
from outbox import check, within
from scripted_mongo import ScriptedMongo


def what_a_member_at_rest_said_outlives_it(ground):
    """One of two nodes never takes a row and is killed: as of a moment before, answers of the other are whole and final; the newest names it."""
    with ScriptedMongo(role="primary") as north:
        cluster = Asking(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        cluster.write(one, *(f"v,k=a f={t} {t}" for t in range(10)))
        moment = cluster.json(one, "measurement=v&limit=1")["as_of"]
        cluster.write(one, "v,k=a f=10 10")  # above it
        question, begun = f"measurement=v&epoch=ns&as_of={moment}", time.monotonic()

        def unasked():
            before, answer = asked_by(cluster, one), cluster.json(one, question)
            return asked_by(cluster, one) == before and answer

        answer = within(30, unasked, "it is asked though it said that it has nothing\n" + one.log_tail())
        took = time.monotonic() - begun
        check(answer["final"] and not answer["partial"] and len(rows(answer)) == 10, f"{answer}")
        two.kill()
        within(20, lambda: names(cluster, one, 2), "what it may have taken last is not missed")
        again = cluster.json(one, question)
        check(again == answer, f"{again}, and it was {answer}")
        check(cluster.ask(one, "GET", f"/v1/query?{question}&strict=true"), "strict")
        two.start()
        within(30, lambda: not names(cluster, one, 2), "it is back\n" + one.log_tail())
        check(cluster.json(one, question) == answer, "it is another answer when it is back")
        return f"after {took:.1f} s"


def who_is_killed_under_load_is_missed_by_name(ground):
    """A node is killed again and again while it is written to, seals and delivers.  As of any moment that the other one was asked at, an
    answer that says it is whole has all that had been acknowledged by then."""
    with ScriptedMongo(role="primary") as north:
        cluster, kept, dead, whole = Asking(ground, {"north": north}), [], 0, 0
        one, two = cluster.node("one"), cluster.node("two")
        cluster.met([one, two])
        stopping, writers = begin_writers(cluster, [one, two])

        def known():
            return [set(writer.acknowledged) for writer in writers]

        def look(before, answer):
            """Whether it says that it is whole; it is, if it does."""
            have = {series["tags"]["k"]: {row[0] for row in series["rows"]} for series in answer["series"]}
            for writer, want in zip(writers, before):
                lost = sorted(want - have.get(f"w{writer.number}", set()))
                check(answer["partial"] or not lost, f"as of {answer['as_of']}: {lost[:5]} of {len(want)} rows of writer {writer.number} are not there, "
                      f"and nothing is said to be missing\n{one.log_tail()}")
            return not answer["partial"]

        try:
            for _ in range(30 if ground.long else 4):
                until = time.monotonic() + ground.chance.uniform(1.5, 3)
                while time.monotonic() < until:
                    before = known()
                    answer = cluster.json(one, "measurement=v&epoch=ns")
                    if look(before, answer):
                        kept.append((before, answer["as_of"]))
                    if ground.chance.randrange(3) == 0:
                        cluster.ask(ground.chance.choice((one, two)), "POST", "/v1/admin/flush", "")
                two.kill()
                until = time.monotonic() + 1.5
                while time.monotonic() < until:
                    # Of the last ones it may have said nothing yet; of those before them it has.
                    before, moment = ground.chance.choice(kept[-30:] if ground.chance.randrange(2) else kept)
                    dead, whole = dead + 1, whole + look(before, cluster.json(one, f"measurement=v&epoch=ns&as_of={moment}"))
                    before = known()
                    look(before, cluster.json(one, "measurement=v&epoch=ns"))
                two.start()
                within(30, lambda: not names(cluster, one, 2), "it is back\n" + one.log_tail())
        finally:
            stopping.set()
            for writer in writers:
                writer.join()
        end_writers(stopping, writers)
        for before, moment in kept:
            look(before, cluster.json(one, f"measurement=v&epoch=ns&as_of={moment}"))
        check(whole > 0, f"none of {dead} answers was whole while it was dead")
        return f"{whole} of {dead} answers as of before were whole while it was dead"


CASES = [what_a_member_at_rest_said_outlives_it, who_is_killed_under_load_is_missed_by_name]
