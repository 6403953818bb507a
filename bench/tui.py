#!/usr/bin/env python3
"""Measures `authtrace tui` in a pseudo-terminal: how soon it is there, how soon it answers, what it needs.

usage: bench/tui.py [--size 1GB] [--flows 1000000] [--rounds 5] [--only har,pcap,rows] [--binary target/release/authtrace]

Needs a release build (`cargo build --release -p authtrace`), the workload generator beside the checkout, and disk for the
captures in the temporary directory. Of a large HAR and a large pcap: time to the first frame and the first rows, medians over
rounds, and from a key to its frame while the capture is still read. Of a capture with many rows: scrolling through them, a key
while all of them are searched, and anonymous memory against `analyze`. Nothing is asserted: it says which aims were reached.
"""

import argparse, codecs, fcntl, os, pathlib, pty, re, select, statistics, struct, sys, termios, time

from measure import BINARY, SCRATCH, Run, analyze, anonymous, generate

WIDTH, HEIGHT = 160, 50
# Milliseconds: the limit, and the aim.
FIRST_FRAME, FIRST_ROWS, KEY = (150, 50), (300, 100), (16, 16)
# What the terminal UI may take beside the analysis, as a factor.
MEMORY = 1.15
HELP = "any other key leaves"


class Screen:
    """The characters of a terminal, as far as a program needs them that places its cursor before it writes."""

    PIECES = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[()].|\x1b.|[^\x1b]+")

    def __init__(self):
        self.rows = [[" "] * WIDTH for _ in range(HEIGHT)]
        self.x = self.y = 0

    def feed(self, text):
        for piece in self.PIECES.finditer(text):
            if piece[2] == "H":
                numbers = [int(number or 1) for number in (piece[1] or "1;1").split(";")]
                self.y, self.x = numbers[0] - 1, numbers[-1] - 1
            elif piece[2] == "J":
                self.rows = [[" "] * WIDTH for _ in range(HEIGHT)]
            elif not piece[0].startswith("\x1b"):
                for character in piece[0]:
                    if self.y < HEIGHT and self.x < WIDTH:
                        self.rows[self.y][self.x] = character
                    self.x += 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows)


class Terminal:
    """The program in a pseudo-terminal of its own."""

    def __init__(self, binary, *arguments):
        self.start = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
            os.execv(binary, [str(binary), "tui", *map(str, arguments)])
        self.screen, self.rest, self.gone, self.peak = Screen(), "", False, 0
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def look(self, seconds):
        """Takes in what the program writes within this time, at most one piece."""
        if self.gone or not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return
        try:
            text = self.rest + self.decoder.decode(os.read(self.fd, 1 << 16))
        except OSError:
            self.gone = True
            return
        # A sequence may be cut at the end of what has come.
        cut = re.search(r"\x1b(\[[0-9;?]*)?$", text)
        self.rest = text[cut.start():] if cut else ""
        text = text[:cut.start()] if cut else text
        self.screen.feed(text)

    def until(self, what, seconds=120):
        """Seconds from now until `what` holds of the text on the screen."""
        start = time.perf_counter()
        while not what(self.screen.text()):
            if self.gone or time.perf_counter() - start > seconds:
                raise SystemExit(f"never came up; the screen says:\n{self.screen.text()}")
            self.look(0.05)
            self.peak = max(self.peak, anonymous(self.pid))
        return time.perf_counter() - start

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def pause(self, seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.look(end - time.perf_counter())
        self.peak = max(self.peak, anonymous(self.pid))

    def leave(self):
        self.press("Q")
        while not self.gone:
            self.look(1)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def says(words):
    return lambda text: words in text


def rows(text):
    """Whether a row of the timeline is there: a status behind a path."""
    return re.search(r"^.{0,40}(GET|POST|PUT|PATCH|DELETE) .* [1-5]\d\d", text, re.M) is not None


def loaded(text):
    return re.search(r"\d exchanges, \d+ refused", text) is not None


def part(values, share):
    values = sorted(values)
    return values[min(int(len(values) * share), len(values) - 1)]


def aim(what, milliseconds, limits):
    limit, wanted = limits
    reached = "reached" if milliseconds <= wanted else "limit kept, aim NOT reached" if milliseconds <= limit else "NOT reached"
    print(f"{what}: {milliseconds:.1f} ms (limit {limit}, aim {wanted}): {reached}")


def keys(name, milliseconds):
    if not milliseconds:
        print(f"{name}: it was over before a key could be pressed")
        return
    print(f"{name}: {len(milliseconds)} keys, p50 {part(milliseconds, 0.5):.1f} ms, worst {max(milliseconds):.1f} ms")
    aim(f"{name}, p99", part(milliseconds, 0.99), KEY)


def opening(capture, options):
    """First frame and first rows, and the answer to keys while the rest is read."""
    frames, firsts, answers = [], [], []
    for _ in range(options.rounds):
        terminal = Terminal(options.binary, capture)
        terminal.until(says("2 timeline"))
        frames.append(1000 * (time.perf_counter() - terminal.start))
        terminal.until(rows)
        firsts.append(1000 * (time.perf_counter() - terminal.start))
        while not loaded(terminal.screen.text()):
            terminal.press("?")
            took = terminal.until(lambda text: HELP in text)
            answers.append(1000 * took)
            terminal.pause(0.02)
            terminal.press("x")
            terminal.until(lambda text: HELP not in text)
            # An even rhythm would meet the same moment of every frame.
            terminal.pause(0.03 + len(answers) % 7 * 0.003)
        terminal.leave()
    print(f"\n{capture.name}: {capture.stat().st_size / 1e6:.0f} MB, {options.rounds} rounds, medians")
    aim("first frame", statistics.median(frames), FIRST_FRAME)
    aim("first rows", statistics.median(firsts), FIRST_ROWS)
    keys("key to frame while it reads", answers)


def place(terminal):
    found = re.search(r"· (\d+)/(\d+)", terminal.screen.text())
    return (int(found[1]), int(found[2])) if found else (0, 0)


def scrolling(capture, options):
    """A long list: paging, jumping to its ends, a key while all of it is searched, and memory."""
    terminal = Terminal(options.binary, capture)
    terminal.until(loaded, 600)
    terminal.press("2")
    terminal.until(lambda _: place(terminal)[1] > 0)
    terminal.pause(1)
    length = place(terminal)[1]
    print(f"\n{capture.name}: {length} rows")

    def timed(key):
        before = place(terminal)[0]
        terminal.press(key)
        return 1000 * terminal.until(lambda _: place(terminal)[0] != before)

    keys("a page down or up", [timed("\x06" if number % 3 else "\x02") for number in range(1, 300)])
    keys("a row down", [timed("j") for _ in range(300)])
    keys("to the end and back", [timed("G" if number % 2 == 0 else "g") for number in range(40)])
    peak = terminal.peak
    terminal.press("/no such words\r")
    whole = terminal.until(says("not found"))
    print(f"searching all rows in vain takes {whole:.2f} s")
    terminal.press("n")
    end, during = time.perf_counter() + whole, []
    while time.perf_counter() < end:
        during.append(timed("j"))
        terminal.pause(0.01)
    keys("a row down while it searches", during)
    terminal.until(lambda text: "searching" not in text)
    terminal.press("f")
    terminal.until(says("filter:"))
    terminal.press("status = 401\r")
    print(f"filtering all rows takes {terminal.until(says('exchanges match')):.2f} s")
    filtered = terminal.peak
    terminal.leave()
    alone = Run(analyze(capture, binary=options.binary)).anonymous
    factor = peak / max(alone, 1)
    word = "reached" if factor <= MEMORY else "NOT reached"
    print(f"anonymous memory: {peak / 1e6:.0f} MB, analyze alone {alone / 1e6:.0f} MB, {factor:.2f}x (aim at most {MEMORY}x): {word}; "
          f"{filtered / 1e6:.0f} MB with the table that a filter needs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1GB")
    parser.add_argument("--flows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="har,pcap,rows")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit("no release build: cargo build --release -p authtrace")
    SCRATCH.mkdir(exist_ok=True)
    only = options.only.split(",")
    if "har" in only:
        opening(generate("har", f"{options.size}.har", size=options.size)[0], options)
    if "pcap" in only:
        opening(generate("pcap", f"mix-{options.size}.pcap", mode="mix", size=options.size)[0], options)
    if "rows" in only:
        scrolling(generate("pcap", f"tiny-{options.flows}.pcap", mode="tiny", flows=options.flows)[0], options)


if __name__ == "__main__":
    main()
