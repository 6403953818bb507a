#!/usr/bin/env python3
"""Measures judging on Spark: seconds a step, bytes shuffled and the largest program, for datasets of growing size and for one skewed client.

usage: bench/fleet.py [--counts 100000,1000000] [--venv target/spark] [--binary PATH]

Captures as in bench/judge.py: packets of many clients, each a group of its own; and a HAR of one client, who is one group and
so one task whatever the machines. deploy/spark/fleet.py runs on all cores of this machine; `deploy/spark/test` makes the
virtual environment. Nothing is asserted: it prints a table.
"""

import argparse, json, os, pathlib, re, shutil, subprocess, tempfile, threading, time

from judge import har, packets
from measure import BINARY, ROOT, SCRATCH

STEPS = ["link", "profile", "judge", "report"]


def shuffled(folder):
    """Bytes written for shuffles, by Spark's own event log."""
    total = 0
    for path in folder.rglob("*"):
        for line in path.open(errors="replace") if path.is_file() else ():
            if '"SparkListenerTaskEnd"' in line:
                metrics = json.loads(line).get("Task Metrics") or {}
                total += (metrics.get("Shuffle Write Metrics") or {}).get("Shuffle Bytes Written", 0)
    return total


def peak_of_programs(ended, found):
    """Most anonymous memory that one `authtrace` held, judge or report."""
    while not ended.wait(0.05):
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            held = re.search(r"RssAnon:\s+(\d+)", text)
            if text.startswith("Name:\tauthtrace\n") and held:
                found.append(int(held[1]))


def run(dataset, venv, binary):
    with tempfile.TemporaryDirectory(dir=SCRATCH) as scratch:
        events = pathlib.Path(scratch, "events")
        events.mkdir()
        ended, found = threading.Event(), [0]
        watch = threading.Thread(target=peak_of_programs, args=(ended, found))
        watch.start()
        done = subprocess.run(
            [venv / "bin/spark-submit", "--master", "local[*]", "--driver-memory", "4g",
             "--conf", "spark.eventLog.enabled=true", "--conf", f"spark.eventLog.dir={events}", "--conf", "spark.eventLog.compress=false",
             ROOT / "deploy/spark/fleet.py", "--dataset", dataset, "--output", f"{scratch}/out", "--authtrace", binary],
            capture_output=True, text=True, env={**os.environ, "PYSPARK_PYTHON": str(venv / "bin/python")})
        ended.set()
        watch.join()
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        times = dict(re.findall(r"^(\w+): ([\d.]+) s", done.stdout, re.M))
        return times, shuffled(events), max(found) * 1024, re.search(r"(\d+) findings", done.stdout)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="100000,1000000")
    parser.add_argument("--venv", type=pathlib.Path, default=ROOT / "target/spark")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    args = parser.parse_args()
    SCRATCH.mkdir(exist_ok=True)
    print(f"{'':22} {'exchanges':>9} " + " ".join(f"{step + ' s':>9}" for step in STEPS) + f" {'shuffled MB':>12} {'peak MB':>9} {'findings':>9}")
    for name, make in {"packets, many clients": packets, "HAR, one client": har}.items():
        for count in map(int, args.counts.split(",")):
            dataset = SCRATCH / f"fleet-{name.split()[0].strip(',')}-{count}"
            if not dataset.exists():
                subprocess.run([args.binary, "extract", "-q", make(count), "-o", dataset], check=True)
            times, bytes_, memory, findings = run(dataset, args.venv.resolve(), args.binary.resolve())
            columns = " ".join(f"{times.get(step, '-'):>9}" for step in STEPS)
            print(f"{name:22} {count:9} {columns} {bytes_ / 1e6:12.1f} {memory / 1e6:9.0f} {findings:>9}", flush=True)


if __name__ == "__main__":
    main()
