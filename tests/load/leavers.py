"""500 clients that leave in the middle of an answer, or before its first byte: half of them of a stream of rows, half
of a long computation, half with a reset.  Promised: what they asked for stops within a second, and neither memory
nor descriptors stay behind."""
import os
import socket
import tempfile
import threading
import time

from server import Server, reset
from trial import Client, cpu_seconds, descriptors, promise, status_of, wait_for

CLIENTS, AT_ONCE = 500, 25
ROWS = "/v1/query?measurement=wide&format=csv"
SUMS = "/v1/query?measurement=wide&agg=mean,max,min&every=1us"
# Decoded columns are kept for others on purpose, up to a limit of their own: not here.
FLAGS = ["--ballast-bytes", "1MiB", "--limit-queries-max", "1000", "--limit-query-groups-max", "100000000",
         "--limit-column-cache-bytes-max", "0"]


def leave(address, number):
    """Asks, takes a little of the rows, or waits a little for the sums, and is gone."""
    connection = socket.create_connection(address, 20)
    rows = number % 2 == 0
    connection.sendall(f"GET {ROWS if rows else SUMS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    if rows:
        begun = connection.recv(1000)
        promise(begun.startswith(b"HTTP/1.1 200"), f"instead of rows came {begun!r}")
    else:
        time.sleep(0.02)
    if number % 4 < 2:
        reset(connection)
    else:
        connection.close()


def crowd(address, count):
    faults = []

    def some(first):
        for number in range(first, count, AT_ONCE):
            try:
                leave(address, number)
            except Exception as error:  # told below
                faults.append(error)
    threads = [threading.Thread(target=some, args=(k,)) for k in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    promise(not faults, f"{len(faults)} clients, as {faults[:2]}")


def running(client):
    _, _, text = client.ask("GET", "/metrics")
    values = [float(line.rsplit(" ", 1)[1]) for line in text.decode().split("\n")
              if line.startswith(("weir_queries_running", "weir_queries_waiting", "weir_http_parked"))]
    return sum(values)


def leavers(run):
    with tempfile.TemporaryDirectory(prefix="weir-leavers-") as folder, Server(run.program, os.path.join(folder, "data"), FLAGS) as server:
        server.start()
        client = Client(server.address)
        for s in range(120):
            body = "\n".join(f"wide,s={s} a={i}.25,b={i % 977}i {i * 1000 + 1}" for i in range(50000))
            status, _, text = client.ask("POST", "/v1/points", body, **{"Content-Type": "text/plain"})
            promise(status == 204, f"filling: {status} {text[:200]}")
        promise(client.ask("POST", "/v1/admin/flush")[0] == 200, "flush")
        begun = time.monotonic()
        promise(client.ask("GET", SUMS)[0] == 200, "the sums")
        alone = time.monotonic() - begun
        promise(alone > 0.15, f"the sums take {alone:.2f} s: too little to be left in the middle of")
        crowd(server.address, CLIENTS // 2)  # threads and their allocators come now, and stay
        wait_for("the first ones' questions to end", 5, lambda: running(client) == 0)
        time.sleep(12)  # idle for ten seconds it gives back what the allocator kept
        memory, files, threads = status_of(server.pid, "RssAnon"), descriptors(server.pid), status_of(server.pid, "Threads")
        for _ in range(4 if run.long else 1):
            crowd(server.address, CLIENTS)
            took = wait_for("all questions to end", 5, lambda: running(client) == 0, 0.01)
            promise(took <= 1, f"their questions went on for {took:.2f} s")
            before = cpu_seconds(server.pid)
            time.sleep(1)
            promise(cpu_seconds(server.pid) - before < 0.1, f"{cpu_seconds(server.pid) - before:.2f} s of CPU in a second without clients")
        wait_for("descriptors as before", 5, lambda: descriptors(server.pid) <= files)
        wait_for("memory as before", 30, lambda: status_of(server.pid, "RssAnon") - memory < 32 << 20)
        grown = status_of(server.pid, "RssAnon") - memory
        promise(status_of(server.pid, "Threads") <= threads + 64, f"{status_of(server.pid, 'Threads')} threads, {threads} before")
        run.say(f"free after {took:.2f} s; RssAnon {memory >> 20} MiB, {grown / (1 << 20):+.1f}; {descriptors(server.pid)} descriptors, {files} before")
        promise(server.stop() == 0, f"exit code after SIGTERM\n{server.log_tail()}")
