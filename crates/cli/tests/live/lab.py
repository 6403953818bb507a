"""Real traffic for the tests of live capture: servers, clients and devices in a network namespace of their own.

    unshare -n python3 lab.py SCENARIO PROGRAM FOLDER [ARGUMENT…]

Runs PROGRAM's `capture` with the arguments beside the scenario and prints what came of it as JSON:
{"code": …, "out": …, "err": …}.
"""

import base64, fcntl, hashlib, hmac, http.client, http.server, json, os, pty, select, signal, socket, ssl, struct, subprocess, sys, termios, threading, time

KEY = b"a-key-that-signs-the-tokens-of-this-test"


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(lifetime):
    now = int(time.time())
    claims = {"sub": "user-1", "iss": "http://127.0.0.1:8000", "iat": now - 3600, "exp": now + lifetime}
    body = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + "." + part(json.dumps(claims).encode())
    return body + "." + part(hmac.new(KEY, body.encode(), hashlib.sha256).digest())


class Api(http.server.BaseHTTPRequestHandler):
    """An API that checks signature and lifetime of its bearer tokens, hands out new ones, and takes a refresh token once."""

    protocol_version = "HTTP/1.1"
    refresh = "first-refresh-token-6d1f0c"
    lock = threading.Lock()

    def answer(self, status, document, *headers):
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/big":
            return self.answer(200, {"filling": os.urandom(100_000).hex()})
        value = self.headers.get("Authorization")
        if value is None:
            return self.answer(401, {"detail": "Missing authentication credentials"}, ("WWW-Authenticate", "Bearer"))
        problem = self.problem(value)
        if problem:
            text = f'Bearer error="invalid_token", error_description="{problem}"'
            return self.answer(401, {"detail": problem}, ("WWW-Authenticate", text))
        self.answer(200, {"books": []})

    def problem(self, value):
        scheme, _, token = value.partition(" ")
        if scheme != "Bearer":
            return "Invalid authorization scheme"
        parts = token.split(".")
        if len(parts) != 3:
            return "Not enough segments"
        signature = part(hmac.new(KEY, ".".join(parts[:2]).encode(), hashlib.sha256).digest())
        if signature != parts[2]:
            return "Signature verification failed"
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
        return "Signature has expired" if claims["exp"] < time.time() else None

    def do_POST(self):
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        time.sleep(0.02)
        with Api.lock:
            good = f"refresh_token={Api.refresh}" in form
            if good:
                Api.refresh = "another-refresh-token-" + os.urandom(4).hex()
        if good:
            return self.answer(200, {"access_token": jwt(3600), "refresh_token": Api.refresh, "token_type": "Bearer"})
        self.answer(400, {"error": "invalid_grant", "error_description": "refresh token was used already"})

    def log_message(self, *_):
        pass


def serve(tls=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Api)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


def call(path, value=None, form=None, tls=None, agent="lab"):
    make = http.client.HTTPConnection if tls is None else http.client.HTTPSConnection
    connection = make("127.0.0.1", 8000, timeout=10, **({"context": tls} if tls else {}))
    headers = {"User-Agent": agent} | ({"Authorization": value} if value else {})
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request("POST" if form else "GET", path, form, headers)
    connection.getresponse().read()
    connection.close()


def good():
    return "Bearer " + jwt(3600)


def missing():
    for _ in range(3):
        call("/api/books")
        time.sleep(0.05)
        call("/api/books", good())


def expired():
    old = "Bearer " + jwt(-60)
    for _ in range(3):
        call("/api/books", old)


def signature():
    call("/api/books", good())
    call("/api/books", good()[:-6] + "AAAAAA")


def placeholder():
    call("/api/books", "Bearer undefined")
    call("/api/books", good())


def storm():
    form = f"grant_type=refresh_token&refresh_token={Api.refresh}"
    threads = [threading.Thread(target=call, args=("/oauth/token", None, form)) for _ in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def healthy():
    token = good()
    for name in ("books", "authors", "shelves"):
        call(f"/api/{name}", token)


def big():
    missing()
    for _ in range(20):
        call("/big")


def strangers():
    """Many clients that have nothing in common; two of them are refused."""
    for number in range(12):
        agent, token = f"lab/{number}", "Bearer " + jwt((-60 if number == 3 else 3600) + number)
        for _ in range(3):
            call("/api/books", token, agent=agent)
        if number == 7:
            call("/api/books", agent=agent)


def canary():
    """A credential that is easy to find again, among others."""
    for _ in range(4):
        call("/api/reset/cnry-6d1f0c9e4b7a2f58", "Bearer cnry-6d1f0c9e4b7a2f58")
        call("/api/books", good())


TRAFFIC = dict(missing=missing, expired=expired, signature=signature, placeholder=placeholder, storm=storm,
               healthy=healthy, big=big, strangers=strangers, canary=canary)


class Watched:
    """The program under test in a terminal of its own, whose screen is what it wrote so far."""

    def __init__(self, arguments):
        self.screen = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.execv(arguments[0], arguments)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))

    def read(self):
        """Takes in what it wrote; False where it is gone."""
        try:
            part = os.read(self.terminal, 65536)
        except OSError:
            part = b""
        self.screen += part
        return bool(part)

    def says(self, what):
        """Waits until it wrote this since the last wait."""
        deadline = time.time() + 20
        while what.encode() not in self.screen and time.time() < deadline:
            if not select.select([self.terminal], [], [], 0.1)[0]:
                continue
            if not self.read():
                break
        if what.encode() not in self.screen:
            sys.exit(f"`{what}` never came up: {self.screen[-3000:]!r}")
        self.screen = self.screen.split(what.encode(), 1)[1]

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    def end(self):
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        return {"code": os.waitstatus_to_exitcode(status), "out": self.screen.decode(errors="replace"), "err": ""}


class Capture:
    """The program under test."""

    def __init__(self, arguments, **options):
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.err, self.ready = [], threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.err.append(line)
            if "capturing on" in line:
                self.ready.set()
        self.ready.set()

    def end(self, how=signal.SIGINT):
        if how:
            self.process.send_signal(how)
        out = self.process.stdout.read()
        code = self.process.wait()
        self.reader.join()
        return {"code": code, "out": out, "err": "".join(self.err)}


def run(*command):
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def frames(path):
    """Time and bytes of each frame of a little-endian pcapng or pcap."""
    data = open(path, "rb").read()
    if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        unit = 1e-6 if data[0] == 0xd4 else 1e-9
        at = 24
        while at + 16 <= len(data):
            seconds, part, captured, _ = struct.unpack_from("<IIII", data, at)
            yield seconds + part * unit, data[at + 16 : at + 16 + captured]
            at += 16 + captured
        return
    at, units = 0, []
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 1:
            unit, option = 1e-6, at + 16
            while option + 4 <= at + size - 4:
                code, length = struct.unpack_from("<HH", data, option)
                if code == 9:
                    unit = 10.0 ** -data[option + 4]
                option += 4 + (length + 3) // 4 * 4
            units.append(unit)
        if kind == 6:
            interface, high, low, captured, _ = struct.unpack_from("<IIIII", data, at + 8)
            yield ((high << 32) | low) * units[interface], data[at + 28 : at + 28 + captured]
        at += size


def veth():
    # The devices of this namespace, not those of the one that mounted it.
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    run("ip", "link", "add", "va", "mtu", "65535", "type", "veth", "peer", "name", "vb", "mtu", "65535")
    for name in ("va", "vb"):
        open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w").write("1")
        run("ip", "link", "set", name, "up", "arp", "off")
    time.sleep(0.3)


def replay(path, longest=0.5):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind(("va", 0))
    before = None
    for at, frame in frames(path):
        if before is not None:
            time.sleep(min(max(at - before, 0), longest))
        before = at
        wire.send(frame)


def certificate(folder):
    pem = os.path.join(folder, "server.pem")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
        "-keyout", pem, "-out", pem + ".crt")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem + ".crt", pem)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return server, client


def captured(base, what, **how):
    """A capture of the loopback that has seen the traffic called `what`, and still runs."""
    serve()
    capture = Capture([*base, "-i", "lo"], **how)
    capture.ready.wait()
    TRAFFIC[what]()
    time.sleep(0.6)
    return capture


def main():
    scenario, program, folder, *arguments = sys.argv[1:]
    run("ip", "link", "set", "lo", "up")
    kind, _, what = scenario.partition(":")
    base = [program, "capture", *arguments]
    if kind == "traffic":
        result = captured(base, what).end()
    elif kind == "kept":
        # What the program has in files without a name, while it runs.
        capture = captured(base, what)
        opened = f"/proc/{capture.process.pid}/fd"
        nameless = [name for name in os.listdir(opened) if os.readlink(f"{opened}/{name}").endswith("(deleted)")]
        with open(os.path.join(folder, "kept"), "wb") as copy:
            for name in nameless:
                copy.write(open(f"{opened}/{name}", "rb").read())
        result = capture.end()
    elif kind == "crowded":
        small = os.path.join(folder, "small")
        os.makedirs(small)
        run("mount", "-t", "tmpfs", "-o", "size=8k,mode=1777", "tmpfs", small)
        result = captured(base, what, env=os.environ | {"TMPDIR": small}).end()
    elif kind == "watched":
        serve()
        capture = Watched([*base, "-i", "lo", "--tui"])
        capture.says("LIVE, following")
        missing()
        capture.says("/api/books")
        # Stands still, goes on, and is left; or somebody outside asks it to end.
        capture.press("P")
        capture.says("FROZEN")
        missing()
        capture.press("P")
        capture.says("LIVE")
        time.sleep(1)
        if what == "left":
            capture.press("Q")
        else:
            os.kill(capture.pid, signal.SIGINT)
        result = capture.end()
    elif kind == "slow":
        # Long enough apart to be judged more than once.
        serve()
        capture = Capture([*base, "-i", "lo"])
        capture.ready.wait()
        for _ in range(int(what)):
            call("/api/books")
            call("/api/books", good())
            time.sleep(0.5)
        result = capture.end()
    elif kind == "limited":
        # Ends by itself.
        serve()
        capture = Capture([*base, "-i", "lo"])
        capture.ready.wait()
        TRAFFIC[what]()
        result = capture.end(None)
    elif kind == "killed":
        serve()
        capture = Capture([*base, "-i", "lo"])
        capture.ready.wait()
        TRAFFIC[what]()
        time.sleep(0.6)
        result = capture.end(signal.SIGKILL)
    elif kind == "full":
        small = os.path.join(folder, "small")
        os.makedirs(small)
        run("mount", "-t", "tmpfs", "-o", "size=512k,mode=1777", "tmpfs", small)
        serve()
        capture = Capture([*base, "-i", "lo", "-w", os.path.join(small, "full.pcapng")])
        capture.ready.wait()
        TRAFFIC[what]()
        result = capture.end(None)
        run("cp", os.path.join(small, "full.pcapng"), os.path.join(folder, "full.pcapng"))
    elif kind == "replay":
        veth()
        capture = Capture([*base, "-i", "vb"])
        capture.ready.wait()
        replay(what)
        time.sleep(0.6)
        result = capture.end()
    elif kind == "down":
        veth()
        capture = Capture([*base, "-i", "vb"])
        capture.ready.wait()
        replay(what, 0.01)
        time.sleep(0.6)
        run("ip", "link", "set", "vb", "down")
        time.sleep(1.2)
        run("ip", "link", "del", "va")
        result = capture.end(None)
    elif kind == "several":
        veth()
        serve()
        capture = Capture([*base, "-i", "lo", "-i", "vb"])
        capture.ready.wait()
        missing()
        replay(what, 0.01)
        time.sleep(0.6)
        result = capture.end()
    elif kind == "any":
        serve()
        capture = Capture([*base, "-i", "any"])
        capture.ready.wait()
        missing()
        time.sleep(0.6)
        result = capture.end()
    elif kind == "rotated":
        serve()
        capture = Capture([*base, "-i", "lo"])
        capture.ready.wait()
        missing()
        time.sleep(0.6)
        capture.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        missing()
        time.sleep(0.6)
        result = capture.end()
    elif kind == "tls":
        server, client = certificate(folder)
        log = os.path.join(folder, "keys.log")
        if what != "late":
            client.keylog_filename = log
        serve(server)
        if what == "late":
            client.keylog_filename = os.path.join(folder, "elsewhere.log")
        capture = Capture([*base, "-i", "lo", "--keylog", log])
        capture.ready.wait()
        for _ in range(3):
            call("/api/books", tls=client)
            time.sleep(0.05)
            call("/api/books", good(), tls=client)
        if what == "late":
            time.sleep(0.5)
            os.rename(client.keylog_filename, log)
        time.sleep(0.8)
        result = capture.end()
    elif kind == "nobody":
        capture = Capture([*base, "-i", "lo"], user=65534, group=65534, extra_groups=[])
        result = capture.end(None)
    elif kind == "plain":
        capture = Capture(base)
        result = capture.end(None)
    else:
        sys.exit(f"no scenario is called {scenario}")
    json.dump(result, sys.stdout)


main()
