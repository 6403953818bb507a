"""The programs that benchmarks run beside authtrace: how to have each, and how each is called.

What can be installed goes into the scratch directory; only Debian's packages go into the system, and only as root.
"""

import os, shutil, subprocess, sys

from measure import SCRATCH

os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian keeps httpry
OUT = SCRATCH / "peer-output"
LEAN = "suricata, HTTP log only"
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
    """The command of each program that reads HTTP from packets. What they write goes to OUT or to standard output."""
    config = SCRATCH / "suricata.yaml"
    config.write_text(SURICATA)
    suricata = ["suricata", "-r", capture, "-l", OUT, "-S", "/dev/null", "-k", "none", "--runmode", "single"]
    fields = [word for field in ("http.request.method", "http.response.code", "http.authorization") for word in ("-e", field)]
    return {
        "suricata": suricata,
        LEAN: [*suricata, "-c", config],
        "tcpflow": ["tcpflow", "-q", "-r", capture, "-o", OUT],
        "httpry": ["httpry", "-q", "-r", capture, "-o", "/dev/null"],
        "ngrep": ["ngrep", "-q", "-W", "byline", "-I", capture, "HTTP/1"],
        "tshark": ["tshark", "-r", capture, "-Y", "http", "-T", "fields", *fields],
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
