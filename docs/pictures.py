#!/usr/bin/env python3
"""Takes the pictures of README.md and docs/tui.md: what the real program prints, and its screens in tmux, as SVG in docs/pictures/.

usage: docs/pictures.py [--binary target/debug/authtrace] [--check]

Needs tmux. The samples decide what is shown, so the same program gives the same bytes; with --check nothing is written, and
the exit code says whether the pictures are those of this program.
"""

import argparse, html, os, pathlib, re, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 120, 34
# Pixels of a character, of its font, and around the whole.
CELL_X, CELL_Y, FONT, MARGIN = 8.4, 18, 14, 12
BACKGROUND, FOREGROUND = "#14171d", "#d5d9e0"
SIXTEEN = ["#3b4048", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
           "#5c6370", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff"]
# Name, capture and options, keys as tmux names them, words that are there when the screen is.
PICTURES = [
    ("incidents", ["race.har"], ["Enter"], "AUTH002"),
    ("timeline", ["storm.har"], ["2", "]", "m", "]"], "waterfall"),
    ("tokens", ["herd.har"], ["3", "j", "j"], "lifeline"),
    ("exchange", ["race.har"], ["Enter", "Enter"], "request headers"),
    ("sessions", ["wrong-token.har"], ["5"], "principal"),
    ("flow", ["race.har"], ["6", "j"], "client"),
    ("compare", ["race.har"], [":", "compare 11 15", "Enter"], "credential in"),
    ("rules", ["race.har"], ["8", "j"], "What it detects"),
]
# Name, what is typed, lines of the output that are shown.
PRINTED = [("analyze", "authtrace analyze captures/race.har", 36)]
PAPER = 80


class Tmux:
    """A terminal of its own; its server ends with it."""

    def __init__(self, name, binary, arguments):
        self.socket = f"authtrace-{name}-{os.getpid()}"
        environment = os.environ | {"LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        command = " ".join([str(binary), "tui", "--no-mouse", *arguments])
        self.run("-f", "/dev/null", "-u", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), command, env=environment)

    def run(self, *arguments, **more):
        return subprocess.run(["tmux", "-L", self.socket, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, **more).stdout

    def until(self, words):
        for _ in range(400):
            if words in self.run("capture-pane", "-p"):
                return
            time.sleep(0.05)
        sys.exit(f"`{words}` never came up:\n{self.run('capture-pane', '-p')}")

    def settled(self):
        """The screen with its colours, once it does not change any more."""
        before = None
        while (now := self.run("capture-pane", "-e", "-p", "-N")) != before:
            before = now
            time.sleep(0.4)
        return now

    def close(self):
        self.run("kill-server")


class Look:
    """How characters look: what SGR sequences made of it."""

    def __init__(self):
        self.fg = self.bg = None
        self.bold = self.dim = self.under = self.turned = False

    def take(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.__init__()
            elif code in (38, 48):
                colour = self.many(codes)
                self.fg, self.bg = (colour, self.bg) if code == 38 else (self.fg, colour)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.fg = SIXTEEN[code - 30 if code < 90 else code - 82]
            elif 40 <= code <= 47:
                self.bg = SIXTEEN[code - 40]
            elif code in (39, 49):
                self.fg, self.bg = (None, self.bg) if code == 39 else (self.fg, None)
            elif code == 22:
                self.bold = self.dim = False
            elif code in (1, 2, 4, 7, 24, 27):
                name = {1: "bold", 2: "dim", 4: "under", 7: "turned"}[code % 20 if code > 20 else code]
                setattr(self, name, code < 20)

    @staticmethod
    def many(codes):
        if codes.pop(0) == 2:
            red, green, blue = codes[:3]
            del codes[:3]
            return f"#{red:02x}{green:02x}{blue:02x}"
        number = codes.pop(0)
        if number < 16:
            return SIXTEEN[number]
        if number > 231:
            return "#" + f"{8 + 10 * (number - 232):02x}" * 3
        levels = [0, 95, 135, 175, 215, 255]
        number -= 16
        return "#" + "".join(f"{levels[part]:02x}" for part in (number // 36, number // 6 % 6, number % 6))

    def colours(self):
        fg, bg = self.fg or FOREGROUND, self.bg
        return (BACKGROUND if self.bg is None else self.bg, fg) if self.turned else (fg, bg)

    def style(self):
        fg, _ = self.colours()
        parts = [f'fill="{fg}"'] if fg != FOREGROUND else []
        parts += ['font-weight="bold"'] if self.bold else []
        parts += ['opacity=".6"'] if self.dim else []
        parts += ['text-decoration="underline"'] if self.under else []
        return " ".join(parts)


def pieces(line):
    """Text of one look each, with the column where it begins."""
    look, x = LOOK, 0
    for codes, text in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b]+)", line):
        if text:
            yield x, text, look.style(), look.colours()[1]
            x += len(text)
        else:
            look.take(codes)


LOOK = Look()


def svg(screen, title, columns=WIDTH, lines=HEIGHT):
    """The screen as a picture."""
    width, height = columns * CELL_X + 2 * MARGIN, lines * CELL_Y + 2 * MARGIN
    LOOK.__init__()
    backs, texts = [], []
    for y, line in enumerate(screen.split("\n")[:lines]):
        for x, text, style, back in pieces(line):
            left, top = MARGIN + x * CELL_X, MARGIN + y * CELL_Y
            wide = len(text) * CELL_X
            if back and backs and backs[-1][2:] == (left, y, back):
                backs[-1] = (backs[-1][0], backs[-1][1] + wide, left + wide, y, back)
            elif back:
                backs.append((left, wide, left + wide, y, back))
            for found in re.finditer(r"\S+(?: \S+)*", text):
                at, long = left + found.start() * CELL_X, len(found[0]) * CELL_X
                texts.append(f'<text x="{at:.1f}" y="{top + FONT}" textLength="{long:.1f}" {style}>'.replace(" >", ">") + html.escape(found[0], quote=False) + "</text>")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        *(f'<rect x="{left:.1f}" y="{MARGIN + y * CELL_Y}" width="{wide:.1f}" height="{CELL_Y}" fill="{back}"/>' for left, wide, _, y, back in backs),
        f'<g font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="{FONT}" fill="{FOREGROUND}" xml:space="preserve">',
        *texts,
        "</g>",
        "</svg>",
        "",
    ])


def picture(binary, name, arguments, keys, words):
    arguments = [f"captures/{word}" if word.endswith((".har", ".pcapng")) else word for word in arguments]
    terminal = Tmux(name, binary, arguments)
    try:
        terminal.until("evidence")
        for key in keys:
            terminal.run("send-keys", key)
            terminal.settled()
        terminal.until(words)
        return svg(terminal.settled(), f"authtrace: {name}")
    finally:
        terminal.close()


def printed(binary, name, typed, lines):
    command = [binary, *typed.split()[1:], "--color", "always"]
    environment = os.environ | {"COLUMNS": str(PAPER)}
    environment.pop("NO_COLOR", None)
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment).stdout
    shown = [f"\x1b[2m$\x1b[0m \x1b[1m{typed}\x1b[0m", "", *output.split("\n")[:lines]]
    return svg("\n".join(shown), f"authtrace: {name}", PAPER, len(shown))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/debug/authtrace")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit(f"{options.binary} is not there: cargo build --workspace")
    folder = ROOT / "docs/pictures"
    folder.mkdir(exist_ok=True)
    stale = []
    binary = options.binary.resolve()
    taken = [(name, lambda rest=rest, name=name: printed(binary, name, *rest)) for name, *rest in PRINTED]
    taken += [(name, lambda rest=rest, name=name: picture(binary, name, *rest)) for name, *rest in PICTURES]
    for name, take in taken:
        text, path = take(), folder / f"{name}.svg"
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not options.check:
                path.write_text(text)
    if options.check and stale:
        sys.exit(f"not as this program draws them: {', '.join(stale)}; docs/pictures.py takes them anew")


if __name__ == "__main__":
    main()
