#!/bin/sh
# bench/core.sh BUILD [HOSTS SECONDS]: the numbers of the core, as one table.  About half a minute.
# Ingest by line protocol until everything is sealed, size on disk, one small durable write, one small
# read, and how long a server killed with a full head takes until it is ready.
set -eu
build=$1 hosts=${2:-100} seconds=${3:-86400}
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT INT TERM

# start FLAG...: serves $work/data; sets $pid and $port; prints the seconds until /readyz said 200.
start() {
    rm -f "$work/port"
    begun=$(date +%s.%N)
    "$build/weir" serve --data "$work/data" --listen 127.0.0.1:0 --port-file "$work/port" "$@" >>"$work/log" 2>&1 &
    pid=$!
    until [ -s "$work/port" ] && port=$(sed 's/.*://' "$work/port") &&
        curl -fs "http://127.0.0.1:$port/readyz" >/dev/null; do
        kill -0 $pid || { tail "$work/log" >&2; exit 1; }
        sleep 0.002
    done
    ready=$(awk -v a="$begun" -v b="$(date +%s.%N)" 'BEGIN { printf "%.3f", b - a }')
}
load() { "$build/bench/load" --server weir --port "$port" --pid "$pid" --set mixed --series "$hosts" "$@"; }
cpu() { awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / tick }' "/proc/$pid/stat"; }
finish() { kill "$pid" && wait "$pid" || true; pid=; }

start
load write --span "$seconds" >"$work/write"
curl -fs -X POST "http://127.0.0.1:$port/v1/admin/flush" >/dev/null
sealed=$(cut -d' ' -f1 /proc/uptime) used=$(cpu)
# Packs and index alone: the wal is preallocated and the ballast is not data.
disk=$(du -sb --exclude=wal --exclude='*ballast*' "$work/data" | cut -f1)
whole=$(du -sb "$work/data" | cut -f1)
load write --set station --series 1 --span 10000 --lines 1 --connections 1 >"$work/small"
load small --span "$seconds" --connections 1 >"$work/read"
rss=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")
finish

# A full head: killed when the open generation has nearly the size at which it is sealed (64 MiB).
rm -rf "$work/data"
start --limit-generation-age-ms-max 3600000
load write --span "$seconds" >/dev/null 2>&1 &
writer=$!
while kill -0 $writer 2>/dev/null; do
    head=$(curl -fs "http://127.0.0.1:$port/metrics" | awk '$1 == "weir_head_bytes" { printf "%d", $2 }')
    [ "${head:-0}" -lt 55000000 ] || break
done
kill -9 "$pid" $writer 2>/dev/null || true
wait "$pid" $writer 2>/dev/null || true
start --limit-generation-age-ms-max 3600000
replayed=$(curl -fs "http://127.0.0.1:$port/metrics" | awk '$1 == "weir_head_rows" { printf "%d", $2 }')
finish

value() { awk -v n="$2" '$1 == n { print $2 }' "$work/$1"; }
echo "machine        $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(uname -r)"
echo "command        bench/core.sh $build $hosts $seconds"
awk -v disk="$disk" -v whole="$whole" -v ready="$ready" -v replayed="$replayed" -v rss="$rss" \
    -v lines="$(value write lines)" -v values="$(value write values)" -v body="$(value write bytes)" \
    -v seconds="$(value write seconds)" -v sealed="$sealed" -v begun="$(value write begun)" \
    -v used="$used" -v before="$(value write server_cpu_begin)" \
    -v s50="$(value small p50_ms)" -v s99="$(value small p99_ms)" -v r50="$(value read p50_ms)" -v r99="$(value read p99_ms)" '
    function row(name, number, note) { printf "%-34s %14s  %s\n", name, number, note }
    BEGIN {
        row("lines in", lines, sprintf("%.2f M values, %.0f MB of requests", values / 1e6, body / 1e6))
        row("lines a second, acknowledged", sprintf("%.0f", lines / seconds), "10 connections, 2,000 lines a request, the load on the same machine")
        row("seconds until sealed", sprintf("%.2f", sealed - begun), "")
        row("server CPU seconds until sealed", sprintf("%.2f", used - before), "")
        row("values a server CPU second", sprintf("%.2f M", values / (used - before) / 1e6), "expected: >= 6 M")
        row("bytes a value, packs and index", sprintf("%.3f", disk / values), sprintf("%.1f MB; with wal and ballast %.0f MB", disk / 1e6, whole / 1e6))
        row("highest resident memory", sprintf("%.0f MB", rss / 1e3), "")
        row("one small durable write, p50 ms", s50, "p99 " s99)
        row("one small read, p50 ms", r50, "one hour of one field of one series; p99 " r99)
        row("ready after kill -9, seconds", ready, replayed " rows came back into the head; expected: <= 1 s")
    }'
