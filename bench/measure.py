"""What the benchmarks share: running a command under measurement, the workload generator, rounds and medians."""

import json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "target/release/authtrace"
SCRATCH = pathlib.Path(tempfile.gettempdir()) / "authtrace-bench"


class Run:
    """One finished run: wall and CPU (user + system) seconds, peak of anonymous memory in bytes, exit code."""

    def __init__(self, command, **kwargs):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
        self.anonymous, ended = anonymous(process.pid), threading.Event()
        watch = threading.Thread(target=self.watch, args=(process.pid, ended))
        watch.start()
        # wait4 gives the CPU time of this child alone, finer than the clock tick of os.times.
        _, status, usage = os.wait4(process.pid, 0)
        self.wall = time.perf_counter() - start
        ended.set()
        watch.join()
        self.cpu = usage.ru_utime + usage.ru_stime
        self.code = process.returncode = os.waitstatus_to_exitcode(status)

    def watch(self, pid, ended):
        while not ended.wait(0.005):
            self.anonymous = max(self.anonymous, anonymous(pid))


def anonymous(pid):
    """Anonymous memory alone: a mapped file is the page cache's."""
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def rounds(contenders, count, once=(), before=lambda: None, judges=()):
    """Runs every command once a round, in turn, so that a busy machine slows everybody alike; `once` names those too slow to repeat.

    A contender that fails is named and left out: a quick failure is not speed. Of `judges`, 1 says that something was found.
    """
    results = {name: [] for name in contenders}
    for index in range(count):
        for name, command in contenders.items():
            if name not in results or (name in once and index > 0):
                continue
            before()
            run = Run(command)
            if run.code == 0 or (run.code == 1 and name in judges):
                results[name].append(run)
            else:
                print(f"{name}: exit {run.code}, left out", file=sys.stderr)
                del results[name]
    return results


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def ratio(ours, theirs, field):
    """Theirs over ours, round by round where both ran in each: median, least, most."""
    pairs = [getattr(b, field) / max(getattr(a, field), 1e-6) for a, b in zip(ours, theirs)]
    return statistics.median(pairs), min(pairs), max(pairs)


def table(results, size):
    print(f"{'':30} {'wall s':>8} {'CPU s':>8} {'MB/CPU s':>9} {'MB/wall s':>9} {'RssAnon MB':>11}")
    for name, runs in results.items():
        wall, cpu, peak = (median(runs, field) for field in ("wall", "cpu", "anonymous"))
        print(f"{name:30} {wall:8.2f} {cpu:8.2f} {size / 1e6 / max(cpu, 1e-6):9.0f} {size / 1e6 / wall:9.0f} {peak / 1e6:11.0f}")


def generator():
    """The workload generator, built in the scratch directory; None where it is not beside the checkout."""
    source = ROOT.parent / "shared/bench/gen"
    if not source.is_dir():
        return None
    target = SCRATCH / "gen"
    if not target.exists():
        SCRATCH.mkdir(exist_ok=True)
        shutil.copytree(source, target)
        for path in target.rglob("*"):
            path.chmod(path.stat().st_mode | 0o200)
    subprocess.run(["cargo", "build", "--release", "-q"], cwd=target, check=True)
    return target / "target/release/authgen"


def generate(kind, name, **options):
    """A generated capture in the scratch directory, made once, and the truth that the generator wrote beside it."""
    path = SCRATCH / name
    truth = pathlib.Path(f"{path}.truth.json")
    if not (path.exists() and truth.exists()):
        tool = generator() or sys.exit("no workload generator beside the checkout (shared/bench/gen)")
        words = [word for key, value in options.items() for word in ([f"--{key}"] if value is True else [f"--{key}", str(value)])]
        subprocess.run([tool, kind, "--out", path, *words], check=True, stderr=subprocess.DEVNULL)
    return path, json.loads(truth.read_text())


def analyze(capture, *options, binary):
    return [binary, "analyze", "-q", "--exit-zero", *options, capture]


def found(capture, binary):
    """How many exchanges authtrace finds."""
    done = subprocess.run([binary, "analyze", "-T", "json", "--exit-zero", capture], capture_output=True, check=True)
    return json.loads(done.stdout)["summary"]["exchanges"]


def memory(small, large, n_small, n_large):
    """Base and slope of anonymous memory over exchanges, from two runs."""
    slope = (large - small) / max(n_large - n_small, 1)
    base = (small - slope * n_small) / 1e6
    return f"{small / 1e6:.0f} MB at {n_small} exchanges, {large / 1e6:.0f} MB at {n_large}: {slope:.0f} B per exchange, {base:.0f} MB base"
