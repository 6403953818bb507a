"""The programs that benchmarks run beside authtrace: how to have each, and how each is called.

What can be installed goes into the scratch directory; only Debian's packages go into the system, and only as root.
"""

import functools, os, shutil, subprocess, sys

from measure import SCRATCH

os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian keeps httpry
OUT = SCRATCH / "peer-output"
LEAN, REORDER = "suricata, HTTP log only", "tshark, reordering on"
# Suricata as an HTTP logger and nothing else: no rules, whole streams, small kept bodies. The packaged configuration logs more.
SURICATA = """%YAML 1.1
---
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [http: {extended: yes}]}
stats: {enabled: no}
stream: {memcap: 1gb, checksum-validation: no, reassembly: {memcap: 2gb, depth: 0}}
app-layer:
  protocols:
    http:
      enabled: yes
      libhtp: {default-config: {personality: IDS, request-body-limit: 4kb, response-body-limit: 4kb}}
"""


def packet_readers(capture):
    """The command of each program that reads HTTP from packets. What it writes goes to OUT or to standard output."""
    config = SCRATCH / "suricata.yaml"
    config.write_text(SURICATA)
    suricata = ["suricata", "-r", capture, "-l", OUT, "-S", "/dev/null", "-k", "none", "--runmode", "single"]
    fields = [word for field in ("http.request.method", "http.response.code", "http.authorization") for word in ("-e", field)]
    tshark = ["tshark", "-r", capture, "-Y", "http", "-T", "fields", *fields]
    return {
        "suricata": suricata,
        LEAN: [*suricata, "-c", config],
        "tcpflow": ["tcpflow", "-q", "-r", capture, "-o", OUT],
        "httpry": ["httpry", "-q", "-r", capture],
        "ngrep": ["ngrep", "-q", "-W", "byline", "-I", capture, "HTTP/1"],
        "tshark": tshark,
        REORDER: [*tshark, "-o", "tcp.reassemble_out_of_order:TRUE"],
    }


def clean():
    """What a program wrote in one round is gone before the next; not part of any measurement."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)


def installed(program):
    if not shutil.which(program):
        print(f"{program}: not installed, skipped", file=sys.stderr)
        return False
    return True


def apt(program, package):
    """Installs a Debian package where its program is missing and root may. None where the program is there, else why it is not."""
    if shutil.which(program):
        return None
    if os.geteuid() or not shutil.which("apt-get"):
        return "not installed, and only root on Debian can install it"
    refresh_packages()
    install = ["apt-get", "install", "-qq", "--no-install-recommends", package]
    done = subprocess.run(install, capture_output=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    return f"apt-get cannot install {package} here" if done.returncode or not shutil.which(program) else None


@functools.cache
def refresh_packages():
    subprocess.run(["apt-get", "update", "-qq"], capture_output=True)


def version(program, package):
    """Of Debian's package, else in the program's own words."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else first_line([program, "--version"])


def first_line(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout.splitlines() or [""])[0].strip()


def python_with(package):
    """A Python of its own that has this package; None where it cannot be installed."""
    folder = SCRATCH / f"venv-{package}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        if subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", package], capture_output=True).returncode:
            return None
        (folder / "complete").touch()
    return folder / "bin/python"


def cargo(program):
    """A program built from its published source; None where it cannot be."""
    path = SCRATCH / "cargo/bin" / program
    if not path.exists() and shutil.which("cargo"):
        # The slowest of all installs, and a build that others may wait beside.
        subprocess.run(["nice", "-n", "19", "cargo", "install", "-q", "--locked", "--root", SCRATCH / "cargo", program])
    return path if path.exists() else None
