#!/usr/bin/env python3
"""Measures `authtrace analyze` on a large HAR against its peers in the same run, its memory, and its start-up.

usage: bench/har.py [--size 1GB] [--rounds 5] [--har FILE]

Needs a release build (`cargo build --release -p authtrace`) and either --har or the workload generator beside the checkout.
Peers are what is there: pysimdjson (in a scratch virtual environment), python's json, wc. Rounds are interleaved, so that a
busy machine slows everybody alike; ratios are medians over rounds of the same run. Nothing is asserted: it prints a table.
"""

import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "target/release/authtrace"
SCRATCH = pathlib.Path(tempfile.gettempdir()) / "authtrace-bench"


def run(command, **kwargs):
    """Runs to the end; returns wall seconds, CPU seconds and the peak of anonymous memory in bytes."""
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
    peak = 0
    while process.poll() is None:
        peak = max(peak, anonymous(process.pid))
        time.sleep(0.01)
    wall = time.perf_counter() - start
    after = os.times()
    return wall, (after.children_user - before.children_user) + (after.children_system - before.children_system), peak


def anonymous(pid):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def generator():
    """The workload generator, built in the scratch directory; None where it is not beside the checkout."""
    source = ROOT.parent / "shared/bench/gen"
    if not source.is_dir():
        return None
    target = SCRATCH / "gen"
    if not target.exists():
        shutil.copytree(source, target)
        for path in target.rglob("*"):
            path.chmod(path.stat().st_mode | 0o200)
    subprocess.run(["cargo", "build", "--release", "-q"], cwd=target, check=True)
    return target / "target/release/authgen"


def capture(size):
    path = SCRATCH / f"{size}.har"
    if not path.exists():
        tool = generator() or sys.exit("no generator beside the checkout: give --har FILE")
        subprocess.run([tool, "har", "--size", size, "--out", path], check=True, stderr=subprocess.DEVNULL)
    return path


def simdjson_python():
    """A Python that has pysimdjson; None where it cannot be installed."""
    python = SCRATCH / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", SCRATCH / "venv"], check=True)
        done = subprocess.run([python, "-m", "pip", "install", "-q", "pysimdjson"], capture_output=True)
        if done.returncode:
            shutil.rmtree(SCRATCH / "venv")
            return None
    return python


def contenders(har):
    analyze = [BINARY, "analyze", "-q", "--exit-zero", har]
    found = {"authtrace analyze": analyze, "wc -l": ["wc", "-l", har]}
    if python := simdjson_python():
        found["pysimdjson, bare parse"] = [python, "-c", "import simdjson,sys; simdjson.Parser().load(sys.argv[1])", har]
    found["python json, bare parse"] = [sys.executable, "-c", "import json,sys; json.load(open(sys.argv[1]))", har]
    return found


def race(har, rounds):
    size = har.stat().st_size
    results = {name: [] for name in contenders(har)}
    for index in range(rounds):
        for name, command in contenders(har).items():
            if name.startswith("python json") and index > 0:
                continue
            results[name].append(run(command))
    print(f"\n{har.name}: {size / 1e6:.0f} MB, {rounds} interleaved rounds, medians")
    print(f"{'':26} {'wall s':>8} {'CPU s':>8} {'MB/s':>8} {'RssAnon MB':>11}")
    median = lambda name, column: statistics.median(r[column] for r in results[name])
    for name in results:
        print(f"{name:26} {median(name, 0):8.2f} {median(name, 1):8.2f} {size / 1e6 / median(name, 0):8.0f} {median(name, 2) / 1e6:11.0f}")
    ours = "authtrace analyze"
    for name in results:
        if name != ours:
            pairs = [theirs[0] / mine[0] for theirs, mine in zip(results[name], results[ours])]
            print(f"speed against {name}: {statistics.median(pairs):.2f}x (min {min(pairs):.2f}, max {max(pairs):.2f})")
    return median(ours, 2)


def exchanges(har):
    out = subprocess.run([BINARY, "analyze", "-T", "json", "--exit-zero", har], capture_output=True, check=True).stdout
    return json.loads(out)["summary"]["exchanges"]


def start_up():
    empty = SCRATCH / "empty.har"
    empty.write_text('{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"entries":[]}}')
    quick = []
    for _ in range(30):
        start = time.perf_counter()
        subprocess.run([BINARY, "analyze", "--exit-zero", empty], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        quick.append(1000 * (time.perf_counter() - start))
    print(f"\nstart-up on an empty HAR: median {statistics.median(quick):.1f} ms, worst of 30 {max(quick):.1f} ms (limit 30 ms)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1GB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--har", type=pathlib.Path)
    options = parser.parse_args()
    if not BINARY.exists():
        sys.exit("no release build: cargo build --release -p authtrace")
    SCRATCH.mkdir(exist_ok=True)
    har = options.har or capture(options.size)
    large = race(har, options.rounds)
    if not options.har:
        small_har = capture("200MB")
        small = run([BINARY, "analyze", "-q", "--exit-zero", small_har])[2]
        n_small, n_large = exchanges(small_har), exchanges(har)
        slope = (large - small) / max(n_large - n_small, 1)
        print(f"\nmemory: {small / 1e6:.0f} MB at {n_small} exchanges, {large / 1e6:.0f} MB at {n_large}: "
              f"{slope:.0f} B per exchange, {(small - slope * n_small) / 1e6:.0f} MB base (limit 256 MB; aim 96 MB + 256 B per exchange)")
    start_up()


if __name__ == "__main__":
    main()
