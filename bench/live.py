#!/usr/bin/env python3
"""Measures live capture: the highest rate without a lost frame, beside tcpdump in the same run, and whether memory stays flat.

usage: bench/live.py CAPTURE.pcap [--seconds 60] [--rates 200,500,1000,1500,2000] [--soak LOOPS] [--in-memory N]
                     [--binary target/release/authtrace]

CAPTURE is an Ethernet pcap. It goes over a veth pair in a private network namespace, with other addresses in each round
(`tcpreplay --unique-ip`), so that every round brings new connections. Needs root, tcpreplay, tcpdump, ip, and a build with
`--features live`. At each rate (Mbit/s) each program captures what the same sender sends; the sender's own rate is what it
reached. `--soak N` replays N times at the first rate and reads memory, the temporary store and descriptors on the way, then the
peak that the report takes; `--in-memory` goes to authtrace. Nothing is asserted: it prints tables.
"""

import argparse, json, os, pathlib, re, shutil, subprocess, sys, tempfile, threading, time

from measure import BINARY, anonymous

OURS, YARD = "authtrace capture", "tcpdump -w /dev/null"


def run(*command):
    subprocess.run(command, check=True)


def network():
    run("ip", "link", "add", "va", "mtu", "65535", "type", "veth", "peer", "name", "vb", "mtu", "65535")
    for name in ("va", "vb"):
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
        run("ip", "link", "set", name, "up", "arp", "off")
    time.sleep(0.5)


def send(path, *how):
    """Frames sent, and the rate that was reached in Mbit/s."""
    command = ["tcpreplay", "-i", "va", "--preload-pcap", "--unique-ip", *how, path]
    done = subprocess.run(command, capture_output=True, text=True)
    text = done.stdout + done.stderr
    frames = re.search(r"Successful packets:\s+(\d+)", text)
    rate = re.search(r"([\d.]+) Mbps", text)
    if not frames or not rate:
        sys.exit(f"tcpreplay: {text[-500:]}")
    return int(frames[1]), float(rate[1])


def ours(binary, folder, *flags):
    out = open(folder / "events", "w")
    command = [binary, "capture", "-i", "vb", "-T", "jsonl", "-o", "/dev/null", "--exit-zero", *flags]
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
    process.stderr.readline()
    return process


def ours_ended(process, folder):
    """Frames seen and lost."""
    process.send_signal(2)
    process.communicate()
    stats = {}
    for line in open(folder / "events"):
        if line.startswith('{"event":"stats"'):
            stats = json.loads(line)
    return stats["frames"], stats["system_drops"] + stats["interface_drops"], stats["exchanges"]


def yard():
    command = ["tcpdump", "-i", "vb", "-B", "65536", "-w", "/dev/null"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    process.stderr.readline()
    return process


def yard_ended(process):
    process.send_signal(2)
    text = process.communicate()[1]
    number = lambda what: int(re.search(rf"(\d+) packets {what}", text)[1])
    return number("captured"), number("dropped by kernel"), 0


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rates(arguments, folder):
    print("| Mbit/s asked | program | Mbit/s sent | frames/s | sent | seen | lost | exchanges | CPU s |\n|---|---|---|---|---|---|---|---|---|")
    best = {OURS: 0, YARD: 0}
    for rate in arguments.rates:
        for name in (OURS, YARD):
            process = ours(arguments.binary, folder) if name == OURS else yard()
            time.sleep(0.5)
            sent, reached = send(arguments.capture, "--loop", "0", "--mbps", str(rate), "--duration", str(arguments.seconds))
            time.sleep(1)
            used = cpu(process.pid)
            seen, lost, exchanges = ours_ended(process, folder) if name == OURS else yard_ended(process)
            lost = max(lost, sent - seen)
            print(f"| {rate} | {name} | {reached:.0f} | {sent / arguments.seconds:.0f} | {sent} | {seen} | {lost} | {exchanges} | {used:.1f} |", flush=True)
            if lost == 0:
                best[name] = max(best[name], reached)
    for name, rate in best.items():
        print(f"{name}: nothing lost up to {rate:.0f} Mbit/s")


def nameless(pid):
    """Bytes of the files that a process has open and that have no name."""
    files = [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
    return sum(os.stat(file).st_size for file in files if os.readlink(file).endswith("(deleted)"))


def soak(arguments, folder):
    flags = ["--in-memory", str(arguments.in_memory)] if arguments.in_memory else []
    process = ours(arguments.binary, folder, *flags)
    print("\n| rounds | MiB | store MiB | descriptors |\n|---|---|---|---|")
    for done in range(1, arguments.soak + 1):
        send(arguments.capture, "--loop", "2", "--mbps", str(arguments.rates[0]))
        if done & (done - 1) == 0 or done == arguments.soak:
            descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
            memory, store = anonymous(process.pid) >> 20, nameless(process.pid) >> 20
            print(f"| {done} | {memory} | {store} | {descriptors} |", flush=True)
    peak, ended = [0], threading.Event()
    watch = threading.Thread(target=lambda: [peak.append(anonymous(process.pid)) for _ in iter(lambda: ended.wait(0.02), True)])
    watch.start()
    counts = ours_ended(process, folder)
    ended.set()
    watch.join()
    print("seen, lost, exchanges:", *counts, "- at most", max(peak) >> 20, "MiB for the report")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rates", type=lambda text: [int(rate) for rate in text.split(",")], default=[200, 500, 1000, 1500, 2000])
    parser.add_argument("--soak", type=int, default=0)
    parser.add_argument("--in-memory", type=int)
    parser.add_argument("--binary", default=str(BINARY))
    arguments = parser.parse_args()
    missing = [tool for tool in ("tcpreplay", "tcpdump", "ip", "unshare") if not shutil.which(tool)]
    if missing or os.geteuid() != 0:
        sys.exit("needs root and " + ", ".join(missing or ["nothing else"]))
    if "AUTHTRACE_BENCH_INSIDE" not in os.environ:
        os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], os.environ | {"AUTHTRACE_BENCH_INSIDE": "1"})
    network()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.seconds:
            rates(arguments, pathlib.Path(folder))
        if arguments.soak:
            soak(arguments, pathlib.Path(folder))


main()
