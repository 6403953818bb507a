#!/usr/bin/env python3
"""Measures judging alone: the CPU from the last exchange read to the verdict, at 0.1, 0.3 and 1 million exchanges.

usage: bench/judge.py [--counts 100000,300000,1000000] [--rounds 3] [--binary PATH]

Two captures a size: packets of many clients, one request a connection, from the workload generator beside the checkout; and
a HAR of one client, who is one timeline. The program says on standard error (-vv) when a file is read; what it spends from
there on is joining, judging, diagnosing and printing headlines. Nothing is asserted: it prints a table. The limit is 10 s of
CPU for a million; a factor beside the size's own (x3, x3.3) shows whether it is linear.
"""

import argparse, json, os, pathlib, statistics, subprocess, sys

import worst
from measure import BINARY, SCRATCH, generate

TICK = os.sysconf("SC_CLK_TCK")


def packets(count):
    return generate("pcap", f"tiny-{count}.pcap", mode="tiny", flows=count)[0]


def har(count):
    path = SCRATCH / f"one-client-{count}.har"
    if not path.exists():
        part = path.with_suffix(".part")
        with open(part, "w") as out:
            out.write('{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"pages":[],"entries":[')
            for index, entry in enumerate(worst.healthy(count)):
                out.write(("," if index else "") + json.dumps(entry, separators=(",", ":")))
            out.write("]}}")
        part.rename(path)
    return path


def spent(pid):
    """User and system seconds of a process so far, threads that ended included."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def run(capture, binary):
    """CPU seconds for all of it and for what follows reading."""
    command = [binary, "analyze", "-q", "-vv", "--exit-zero", "--no-config", capture]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    read = None
    for line in process.stderr:
        if read is None and "INFO" in line and " exchanges of " in line:
            read = spent(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or read is None:
        sys.exit(f"{capture.name}: exit {process.returncode}, reading {'was not' if read is None else 'was'} told")
    total = usage.ru_utime + usage.ru_stime
    return total, total - read


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="100000,300000,1000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    args = parser.parse_args()
    SCRATCH.mkdir(exist_ok=True)
    print(f"{'':24} {'exchanges':>10} {'all CPU s':>10} {'judging CPU s':>14} {'us each':>8} {'factor':>7}")
    for name, make in {"packets, many clients": packets, "HAR, one client": har}.items():
        before = None
        for count in map(int, args.counts.split(",")):
            capture = make(count)
            runs = [run(capture, args.binary) for _ in range(args.rounds)]
            total, judging = (statistics.median(part) for part in zip(*runs))
            factor = f"{judging / before:.1f}" if before else ""
            print(f"{name:24} {count:10} {total:10.2f} {judging:14.2f} {1e6 * judging / count:8.1f} {factor:>7}", flush=True)
            before = max(judging, 1 / TICK)


if __name__ == "__main__":
    main()
