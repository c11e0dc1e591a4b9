"""Weir, VictoriaMetrics and InfluxDB as the benchmarks use them: each on a free loopback port with a fresh data
directory, stopped by its pid.  Standard library only.

How a database comes to rest is told apart in two steps.  flush(): everything acknowledged is in its files for good
(Weir: the head is in packs; VictoriaMetrics: /internal/force_flush).  merge(): what it would tidy up later is done as
well, so that sizes compare (Weir: compaction, where it has it; VictoriaMetrics: /internal/force_merge; InfluxDB has
one way only: its cache is written when no write came for some seconds, then it compacts)."""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests"))

from server import clean_environment  # noqa: E402


class Failed(Exception):
    """The database did not do what it had to; the text says what, with the end of its log."""


def disk_bytes(directory, without=()):
    """What `du` counts: blocks of files, not their lengths.  Names in `without` are left out."""
    total = 0
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in without]
        for name in files:
            if not any(word in name for word in without):
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    pass  # merged away while we looked
    return total


class Database:
    """One data directory and the process that serves it.  Close it: a `with` does."""
    name = None           # as bench/load calls it
    title = None
    ready_path = None
    token = None          # is sent with each request
    aside = ()            # files below the data directory that are not data: logs of writes, caches, reserves

    def __init__(self, build, flags=()):
        self.build, self.flags = os.path.abspath(build), list(flags)
        os.makedirs(os.path.join(self.build, "bench"), exist_ok=True)
        self.directory = tempfile.mkdtemp(prefix=f"{self.name}-", dir=os.path.join(self.build, "bench"))
        self.data = os.path.join(self.directory, "data")
        self.process = None
        self.port = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return clean_environment()

    def start(self, seconds=300):
        """Starts; returns the seconds from there until it said that it is ready."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        begun = time.monotonic()
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=self.environment(), cwd=self.directory, start_new_session=True)
        while True:
            if self.process.poll() is not None:
                raise Failed(f"{self.title} ended with {self.process.returncode} at its start\n{self.log_tail()}")
            try:
                if self.request("GET", self.ready_path, seconds=5)[0] // 100 == 2:
                    break
            except OSError:
                pass
            if time.monotonic() - begun > seconds:
                raise Failed(f"{self.title} was not ready in {seconds} s\n{self.log_tail()}")
            time.sleep(0.002)
        took = time.monotonic() - begun
        self.started()
        return took

    def started(self):
        """What has to be done once it runs."""

    def request(self, method, path, body=None, seconds=600, token=None, headers=None):
        """(status, body) of one request on its own connection."""
        connection, headers = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds), dict(headers or {})
        if token or self.token:
            headers["Authorization"] = "Bearer " + (token or self.token)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", errors="replace")
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def ask(self, method, path, body=None, headers=None):
        status, text = self.request(method, path, body, headers=headers)
        if status // 100 != 2:
            raise Failed(f"{self.title}: {method} {path}: {status} {text[:300]}\n{self.log_tail()}")
        return text

    def metric(self, name):
        """The sum of a metric over its labels."""
        values = [float(line.rsplit(" ", 1)[1]) for line in self.ask("GET", "/metrics").splitlines()
                  if line.startswith(name) and line[len(name):len(name) + 1] in (" ", "{")]
        return sum(values)

    def cpu_seconds(self):
        """utime + stime of all its threads, those that ended included."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def anonymous_bytes(self):
        """RssAnon: memory of its own, not pages of files."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))

    def cached_bytes(self):
        """Of that memory, what is kept for reads that come again, up to a limit, as far as it tells."""
        return 0

    def disk_bytes(self):
        return disk_bytes(self.data, self.aside)

    def whole_disk_bytes(self):
        return disk_bytes(self.data)

    def flush(self):
        raise NotImplementedError

    def merge(self):
        raise NotImplementedError

    def rest(self, seconds=900):
        """Waits until it needs no CPU: less than 2 % of a core over two seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(2)
            if self.cpu_seconds() - before <= 0.04:
                return
        raise Failed(f"{self.title} did not come to rest in {seconds} s")

    def stop(self, seconds=300):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failed(f"{self.title} did not stop in {seconds} s") from None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log_tail(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Weir(Database):
    name, title, ready_path = "weir", "Weir", "/readyz"
    aside = ("wal", "ballast")

    def command(self):
        return [os.path.join(self.build, "weir"), "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                "--log-level", "warn"] + self.flags

    def version(self):
        return subprocess.run([os.path.join(self.build, "weir"), "--version"], capture_output=True, text=True,
                              check=False).stdout.strip()

    def cached_bytes(self):
        return self.metric("weir_column_cache_bytes")

    def flush(self):
        self.ask("POST", "/v1/admin/flush")

    def merge(self):
        status, text = self.request("POST", "/v1/admin/compact")
        if status // 100 != 2 and status not in (404, 405):
            raise Failed(f"compact: {status} {text[:300]}")


class VictoriaMetrics(Database):
    name, title, ready_path = "victoria-metrics", "VictoriaMetrics", "/health"
    aside = ("cache",)

    def command(self):
        # The data are of 2023, the default is to drop what is older than a month.
        return [os.path.join(self.build, "peers/usr/bin/victoria-metrics"), "-storageDataPath", self.data,
                "-httpListenAddr", f"127.0.0.1:{self.port}", "-retentionPeriod", "100y", "-loggerLevel", "WARN"] + self.flags

    def environment(self):
        return libraries(self.build)

    def flush(self):
        self.ask("GET", "/internal/force_flush")

    def merge(self):
        """force_merge answers at once and merges behind it.  It leaves out parts that are only in memory: those are
        written every five seconds."""
        time.sleep(6)
        self.ask("GET", "/internal/force_merge")
        while self.metric("vm_active_force_merges") > 0:
            time.sleep(0.02)


class InfluxDB(Database):
    name, title, ready_path = "influxdb", "InfluxDB", "/ping"
    aside = ("wal",)

    def command(self):
        return [os.path.join(self.build, "peers/usr/bin/influxd"), "run", "-config", "/dev/null"] + self.flags

    def environment(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            other = free.getsockname()[1]
        return dict(libraries(self.build),
                    INFLUXDB_REPORTING_DISABLED="true", INFLUXDB_BIND_ADDRESS=f"127.0.0.1:{other}",
                    INFLUXDB_HTTP_BIND_ADDRESS=f"127.0.0.1:{self.port}", INFLUXDB_HTTP_LOG_ENABLED="false",
                    INFLUXDB_META_DIR=os.path.join(self.data, "meta"), INFLUXDB_DATA_DIR=os.path.join(self.data, "data"),
                    INFLUXDB_DATA_WAL_DIR=os.path.join(self.data, "wal"), INFLUXDB_MONITOR_STORE_ENABLED="false",
                    INFLUXDB_DATA_QUERY_LOG_ENABLED="false", INFLUXDB_LOGGING_LEVEL="error",
                    # Else it waits for ten minutes and four hours before it writes and compacts the last of it.
                    INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION="5s",
                    INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION="5s")

    def started(self):
        self.ask("POST", "/query?q=CREATE%20DATABASE%20bench")

    def flush(self):
        """Its cache is written when no write came for five seconds: the last segment of its log goes then."""
        while disk_bytes(os.path.join(self.data, "wal")) > 0:
            time.sleep(0.2)

    def merge(self):
        self.rest()


def libraries(build):
    return dict(os.environ, LD_LIBRARY_PATH=os.path.join(os.path.abspath(build), "peers/usr/lib/x86_64-linux-gnu"))
