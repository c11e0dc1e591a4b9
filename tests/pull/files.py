"""Files that grow: what a writer put into them is stored, every row of it once, whatever is cut, renamed, packed or killed meanwhile."""
import gzip
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse

from nodes import command
from stand import check, shown, until

HEADER = "n,place,value\n"
KILLS, LONG_KILLS = 5, 50
MANY, LONG_MANY = 2000, 10000


def line(n):
    return f"{n},p{n % 7},{n * 3 % 1000 / 10}\n"


def lines(first, end):
    return "".join(line(n) for n in range(first, end))


def document(folder, **more):
    return {"name": "lab", "files": {"paths": [folder + "/temps-*"], **more.pop("files", {})}, "decode": "csv",
            "time": {"path": "n", "format": "unix_s"}, "measurement": "lab", "tags": {"place": {"path": "place"}},
            "values": [{"path": "value", "field": "value"}], **more}


def folder_of(case):
    folder = os.path.join(case.scratch, "files")
    os.makedirs(folder, exist_ok=True)
    return folder


def put(folder, name, text, mode="a"):
    with open(os.path.join(folder, name), mode + "b") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def stored(case, server):
    """{n: value}; as many versions as rows."""
    versions = []
    for question in ({"versions": "all"}, {}):  # in this order: what comes meanwhile is no second version
        query = urllib.parse.urlencode({"measurement": "lab", "epoch": "s", **question})
        answer = case.ask(server, "GET", "/v1/query?" + query, want=None)
        if answer.status == 404:
            return {}
        check(answer.status == 200, f"{answer.status} {answer.text()[:300]}")
        versions.append([(series["tags"]["place"], *row) for series in json.loads(answer.text())["series"] for row in series["rows"]])
    more = len(versions[0]) - len(versions[1])
    check(more <= 0, f"{more} rows of {len(versions[1])} were written again")
    return {row[1]: (row[0], row[-1]) for row in versions[1]}


def wanted(numbers):
    return {n: (f"p{n % 7}", n * 3 % 1000 / 10) for n in numbers}


def is_stored(case, server, numbers, seconds=40):
    """Waits until all of them are there, and nothing else ever is."""
    want, last = wanted(numbers), {}

    def same():
        last["found"] = stored(case, server)
        return len(last["found"]) >= len(want)

    def how():
        missing, more = sorted(set(want) - set(last["found"])), sorted(set(last["found"]) - set(want))
        return f"{len(missing)} missing: {shown(missing)}; {len(more)} too many: {shown(more)}; {case.how(server, 'lab')}"

    until(seconds, how, same)
    check(last["found"] == want and stored(case, server) == want, how())


def read_whole(case, server, seconds=30):
    until(seconds, lambda: "all is read: " + case.how(server, "lab"), lambda: case.status(server, "lab").get("lag_bytes") == 0)


class Writer(threading.Thread):
    """Rows in pieces that end anywhere; now and then the file gets another name, or the lines of a while are packed."""

    def __init__(self, folder, chance):
        super().__init__(daemon=True)
        self.folder, self.chance, self.next, self.stops, self.number = folder, chance, 1, False, 0
        self.fault = None

    def run(self):
        try:
            while not self.stops:
                self.one_file()
        except Exception as error:
            self.fault = error

    def one_file(self):
        name, kind = f"temps-{self.number}", self.chance.choice(["plain", "plain", "gzip", "zstd"])
        self.number += 1
        with open(os.path.join(self.folder, name), "wb", buffering=0) as file:
            rest = HEADER.encode()
            for _ in range(self.chance.randrange(2, 15)):
                count = self.chance.randrange(1, 400)
                rest += lines(self.next, self.next + count).encode()
                self.next += count
                if kind != "plain":
                    rest = packed(rest, kind)
                cut = self.chance.randrange(len(rest) + 1)
                file.write(rest[:cut])
                rest = rest[cut:] if kind == "plain" else (file.write(rest[cut:]), b"")[1]
                time.sleep(self.chance.random() * 0.02)
            file.write(rest)
            if self.chance.random() < 0.5:
                os.rename(os.path.join(self.folder, name), os.path.join(self.folder, name + ".old"))

    def end(self):
        self.stops = True
        self.join(60)
        if self.fault:
            raise self.fault


def packed(text, kind):
    if kind == "gzip":
        return gzip.compress(text)
    return subprocess.run(["zstd", "-qc"], input=text, capture_output=True, check=True).stdout


def what_grows_is_stored_once_through_kills(case):
    folder = folder_of(case)
    server = case.server(flags=["--pull-files", folder])
    case.declare(server, document(folder))
    writer = Writer(folder, case.chance)
    writer.start()
    for _ in range(LONG_KILLS if case.long else KILLS):
        time.sleep(case.chance.random() * 0.7)
        server.kill()
        server.start()
    time.sleep(0.5)
    writer.end()
    is_stored(case, server, range(1, writer.next), 90)
    case.tell(f"{writer.next - 1} rows in {writer.number} files")


def a_line_waits_for_its_end_and_each_file_has_its_names(case):
    folder = folder_of(case)
    server = case.server(flags=["--pull-files", folder])
    case.declare(server, document(folder))
    put(folder, "temps-a", "\ufeff" + HEADER.replace("\n", "\r\n") + lines(1, 10).replace("\n", "\r\n") + "10,p")
    put(folder, "temps-b", "value,extra,place,n\n" + "3.3,\"a line\nin quotes, \"\"two\"\"\",p4,11\n")
    is_stored(case, server, [*range(1, 10), 11])
    check(case.status(server, "lab")["lag_bytes"] == 4, "the half line is what it lacks")
    put(folder, "temps-a", "3,3.0\r\n")
    put(folder, "temps-c", "n,pl")
    put(folder, "temps-d", HEADER + "bad,p1,1\n" + line(12) + "13,p6,1,2,3\n" + "14,p0,\"open\n" + line(15) + "16," + "p" * (2 << 20) + ",1\n" + line(17))
    put(folder, "temps-c", "ace,value\n" + line(18))
    is_stored(case, server, [*range(1, 13), 15, 17, 18])
    status = case.status(server, "lab")
    check(status["faulty"] == 4 and "temps-d" in status["error"], f"four bad rows are told: {status}")


def a_file_that_is_cut_or_followed_by_another_begins_anew(case):
    folder = folder_of(case)
    server = case.server(flags=["--pull-files", folder])
    case.declare(server, document(folder))
    put(folder, "temps-a", HEADER + lines(1, 100))
    is_stored(case, server, range(1, 100))
    put(folder, "temps-a", HEADER + lines(100, 120), "w")  # shorter than it was
    is_stored(case, server, range(1, 120))
    put(folder, "temps-a", HEADER + lines(120, 400), "w")  # longer
    is_stored(case, server, range(1, 400))
    path, number = os.path.join(folder, "temps-a"), os.stat(os.path.join(folder, "temps-a")).st_ino
    server.kill()  # nobody sees that it goes
    os.unlink(path)
    put(folder, "temps-a", HEADER + lines(400, 900), "w")
    case.tell("the number was given " + ("again" if os.stat(path).st_ino == number else "to nobody else"))
    server.start()
    is_stored(case, server, range(1, 900))
    os.rename(path, os.path.join(case.scratch, "away"))  # out of what is looked at, while it is written to
    put(case.scratch, "away", lines(900, 950) + line(950).rstrip("\n"))
    put(folder, "temps-a", HEADER + lines(951, 960))
    is_stored(case, server, [*range(1, 950), *range(951, 960)])
    time.sleep(4)  # who writes to it may not know of it for a while
    put(case.scratch, "away", "\n")
    is_stored(case, server, range(1, 960))
    put(case.scratch, "away", line(960).rstrip("\n"))
    os.unlink(os.path.join(case.scratch, "away"))
    is_stored(case, server, range(1, 961))


def packed_files_are_read_whole_and_on(case):
    folder = folder_of(case)
    server = case.server(flags=["--pull-files", folder])
    case.declare(server, document(folder))
    put(folder, "temps-a.gz", packed((HEADER + lines(1, 50000)).encode(), "gzip"))
    whole = packed((HEADER + lines(50000, 90000)).encode(), "zstd")
    put(folder, "temps-b.zst", whole[:-9])
    until(30, lambda: "a whole file and half of one: " + case.how(server, "lab"), lambda: len(stored(case, server)) >= 49999)
    put(folder, "temps-b.zst", whole[-9:])
    is_stored(case, server, range(1, 90000))
    put(folder, "temps-a.gz", packed(lines(90000, 90100).encode(), "gzip"))
    put(folder, "temps-b.zst", packed(lines(90100, 90200).encode(), "zstd"))
    is_stored(case, server, range(1, 90200))
    server.kill()
    put(folder, "temps-a.gz", packed(lines(90200, 90300).encode(), "gzip"))
    server.start()
    is_stored(case, server, range(1, 90300))
    put(folder, "temps-c.gz", b"\x1f\x8b and no more of it")
    until(20, "a file that cannot be unpacked is told", lambda: "gzip" in (case.status(server, "lab")["error"] or ""))


def only_what_is_written_from_now_on(case):
    folder = folder_of(case)
    server = case.server(flags=["--pull-files", folder])
    put(folder, "temps-a", HEADER + lines(1, 1000) + "1000,p6,")
    put(folder, "temps-b.gz", packed((HEADER + lines(2000, 3000)).encode(), "gzip"))
    case.declare(server, document(folder, files={"from": "end", "settle": "1s"}))
    until(20, "it was looked at", lambda: case.status(server, "lab").get("records", 0) > 0)
    put(folder, "temps-a", "0.0\n" + lines(1001, 1010))
    put(folder, "temps-b.gz", packed(lines(3000, 3010).encode(), "gzip"))
    put(folder, "temps-c", HEADER + lines(4000, 4010))
    is_stored(case, server, [*range(1000, 1010), *range(3000, 3010), *range(4000, 4010)])
    server.kill()
    put(folder, "temps-d", HEADER + lines(5000, 5010) + line(5010).rstrip("\n"))  # which came while nobody looked
    server.start()
    is_stored(case, server, [*range(1000, 1010), *range(3000, 3010), *range(4000, 4010), *range(5000, 5011)])


def nothing_leads_out_of_what_is_allowed(case):
    folder, outside = folder_of(case), os.path.join(case.scratch, "outside")
    os.makedirs(outside)
    put(outside, "temps-secret", HEADER + lines(1, 10))
    os.symlink(os.path.join(outside, "temps-secret"), os.path.join(folder, "temps-1"))
    os.symlink("../outside/temps-secret", os.path.join(folder, "temps-2"))
    os.symlink(outside, os.path.join(folder, "temps-3"))
    os.symlink("/proc/self/root" + outside + "/temps-secret", os.path.join(folder, "temps-4"))
    os.mkfifo(os.path.join(folder, "temps-5"))
    os.symlink("/dev/zero", os.path.join(folder, "temps-6"))
    os.symlink("temps-8", os.path.join(folder, "temps-7"))
    put(folder, "temps-8", HEADER + lines(100, 110))
    server = case.server(flags=["--pull-files", f"{folder}, nobody={outside}"])
    case.declare(server, document(folder, files={"paths": [folder + "/temps-*", folder + "/temps-3/temps-*", folder + "/temps-1"]}))
    is_stored(case, server, range(100, 110))
    time.sleep(1.5)  # three looks more
    is_stored(case, server, range(100, 110))
    check(case.status(server, "lab")["files"] == 1, "one file is followed, by whatever name")
    for path, what in ((outside + "/temps-*", "a path below " + folder), (folder + "/../outside/*", "without"), ("temps-*", "absolute"),
                       (folder + "x/temps-*", "a path below")):
        answer = case.ask(server, "PUT", "/v1/sources/other", document(folder, name="other", files={"paths": [path]}), want=None)
        check(answer.status == 400 and what in answer.text() and "/files/paths/0" in answer.text(), f"{path}: {answer.status} {answer.text()[:400]}")


def a_source_of_files_is_told_about_paused_and_refused_what_it_cannot(case):
    folder = folder_of(case)
    server = case.server(flags=["--pull-files", folder])
    put(folder, "temps-a", HEADER + lines(1, 20))
    case.declare(server, document(folder))
    is_stored(case, server, range(1, 20))
    read_whole(case, server)
    case.act(server, "lab", "backfill", want=400, start="2024-01-01", end="2024-01-02")
    check(case.fetches(server, "lab")[-1]["rows"] == 19, "the record is told")
    tried = case.ask(server, "POST", "/v1/sources:test", {"document": document(folder), "body": HEADER + line(5) + "x,y,z\n"})
    check(len(tried["points"]) == 1, f"a trial: {tried}")
    case.act(server, "lab", "pause")
    until(10, "it rests", lambda: case.status(server, "lab")["state"] == "paused")
    put(folder, "temps-a", lines(20, 30))
    time.sleep(1)
    check(len(stored(case, server)) == 19, "nothing is read while it rests")
    case.act(server, "lab", "resume")
    is_stored(case, server, range(1, 30))
    case.declare(server, document(folder, faults_max=2), 200)  # goes on where it was
    put(folder, "temps-a", "x,p1,1\n" * 3 + line(30))
    until(20, "too many faults stop a file", lambda: "faults_max" in (case.status(server, "lab")["error"] or ""))
    case.declare(server, document(folder), 200)
    is_stored(case, server, range(1, 31))
    case.ask(server, "DELETE", "/v1/sources/lab", want=None)
    put(folder, "temps-a", lines(31, 40))
    time.sleep(1)
    check(len(stored(case, server)) == 30, "nothing is read when it was taken back")


def a_node_that_was_alone_goes_on_where_it_was_when_it_has_a_registry(case):
    folder, place = folder_of(case), os.path.join(case.scratch, "registry")
    server = case.server(flags=["--pull-files", folder])
    put(folder, "temps-a", HEADER + lines(1, 10))
    case.declare(server, document(folder, files={"from": "end"}))
    until(20, "it was looked at", lambda: case.status(server, "lab").get("records", 0) > 0)
    put(folder, "temps-a", lines(10, 20))
    is_stored(case, server, range(10, 20))
    check(server.stop() == 0, server.log_tail())
    put(folder, "temps-a", lines(20, 30))  # while it is down
    put(folder, "temps-b", HEADER + lines(100, 110))
    command(case, place, "tenant", "add", "default")
    case.headers = {"Authorization": "Bearer " + command(case, place, "token", "add", "default", "--scopes", "read,write,admin,operator")}
    server.flags += ["--registry", place]
    server.start()
    until(10, "the token is good", lambda: case.ask(server, "GET", "/v1/sources", want=None).status == 200)
    case.declare(server, document(folder, files={"from": "end"}))
    is_stored(case, server, [*range(10, 30), *range(100, 110)])
    check(server.stop() == 0, server.log_tail())
    put(folder, "temps-a", lines(30, 40))
    put(folder, "temps-c", HEADER + lines(200, 210))
    server.start()
    is_stored(case, server, [*range(10, 40), *range(100, 110), *range(200, 210)])


def ten_thousand_files_take_few_descriptors(case):
    folder, count = folder_of(case), LONG_MANY if case.long else MANY
    for n in range(count):
        put(folder, f"temps-{n}", HEADER + line(n + 1))
    server = case.server(flags=["--pull-files", folder])
    case.declare(server, document(folder))
    is_stored(case, server, range(1, count + 1), 120)
    check(case.status(server, "lab")["records"] < count / 20, f"many files are one record: {case.status(server, 'lab')}")
    for n in range(0, count, 10):
        put(folder, f"temps-{n}", line(count + 1 + n))
    is_stored(case, server, [*range(1, count + 1), *(count + 1 + n for n in range(0, count, 10))], 60)
    until(40, lambda: f"few stay open: {case.status(server, 'lab')}", lambda: len(os.listdir(f"/proc/{server.pid}/fd")) < 400)


CASES = [what_grows_is_stored_once_through_kills, a_line_waits_for_its_end_and_each_file_has_its_names,
         a_file_that_is_cut_or_followed_by_another_begins_anew, packed_files_are_read_whole_and_on, only_what_is_written_from_now_on,
         a_node_that_was_alone_goes_on_where_it_was_when_it_has_a_registry, nothing_leads_out_of_what_is_allowed, a_source_of_files_is_told_about_paused_and_refused_what_it_cannot,
         ten_thousand_files_take_few_descriptors]
