//! The terminal UI from outside: the real program in a real terminal (tmux), key by key.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests run programs and may panic"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

/// Looks at the screen before a wait is given up; a busy machine takes long to start a program.
const LOOKS: u32 = 600;

/// A terminal of its own, closed when the test ends.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// Runs `authtrace ARGUMENTS` in a terminal of this size; `None`, said aloud, where there is no tmux.
    fn run(arguments: &str, width: u16, height: u16) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped: tmux is not installed, so the terminal UI was not run in a terminal");
            return None;
        }
        let socket = format!("authtrace-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let terminal = Self { socket };
        // What the program leaves behind stays to be read, its exit code included.
        let command = format!("{} {arguments}; echo left with $?; exec cat", env!("CARGO_BIN_EXE_authtrace"));
        let size = [width.to_string(), height.to_string()];
        let started =
            terminal.tmux(&["-f", "/dev/null", "-u", "new-session", "-d", "-x", &size[0], "-y", &size[1], &command]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.socket]).args(arguments).env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        command.current_dir(root()).output().unwrap()
    }

    /// Presses keys as tmux names them.
    fn press(&self, keys: &[&str]) -> &Self {
        let mut arguments = vec!["send-keys"];
        arguments.extend(keys);
        assert!(self.tmux(&arguments).status.success());
        self
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// Waits until the screen says `what`.
    #[track_caller]
    fn says(&self, what: &str) -> &Self {
        for _ in 0..LOOKS {
            if self.screen().contains(what) {
                return self;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("`{what}` never came up:\n{}", self.screen());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // This server is ours alone, by its socket.
        self.tmux(&["kill-server"]);
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn a_storm_from_its_cause_to_a_file() {
    let Some(terminal) = Terminal::run("tui captures/storm.har", 140, 40) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("refused.jsonl");
    terminal.says("incidents").says("evidence");
    terminal.press(&["Enter"]).says("▸");
    terminal.press(&["Enter"]).says("request headers");
    terminal.press(&["Escape"]).says("evidence");
    terminal.press(&["2"]).says("by time");
    terminal.press(&["f"]).press(&["-l", "status = 401"]).press(&["Enter"]).says("filter: status = 401");
    terminal.press(&["m", "m", "d"]).says("server says");
    terminal.press(&["Escape"]).says("by time");
    terminal.press(&["e", "C-u"]).press(&["-l", &file.display().to_string()]).press(&["Enter"]).says("wrote");
    terminal.press(&["?"]).says("next row");
    terminal.press(&["q"]).says("by time");
    terminal.press(&["Q"]).says("left with 0");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(!written.is_empty() && written.lines().all(|line| line.contains("\"status\":401")), "{written}");
}

#[test]
fn a_bare_file_on_a_terminal_opens_it() {
    let Some(terminal) = Terminal::run("captures/race.har", 80, 24) else { return };
    terminal.says("1 incidents").press(&["8"]).says("AUTH001").press(&["Q"]).says("left with 0");
}

#[test]
fn a_resize_is_followed() {
    let Some(terminal) = Terminal::run("tui --ascii --color never captures/race.har", 80, 24) else { return };
    terminal.says("1 incidents").press(&["2"]).says("finding");
    terminal.tmux(&["resize-window", "-x", "150", "-y", "50"]);
    terminal.says("waterfall").press(&["q", "q"]).says("left with 0");
}

#[test]
fn what_cannot_be_read_is_said_when_the_screen_is_gone() {
    let Some(terminal) = Terminal::run("tui captures/no-such-file.har", 120, 24) else { return };
    terminal.says("cannot read").says("left with 2");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let Some(terminal) = Terminal::run("tui captures/race.har", 120, 24) else { return };
    terminal.says("1 incidents");
    let pid = terminal.tmux(&["display-message", "-p", "#{pane_pid}"]);
    let shell = String::from_utf8_lossy(&pid.stdout).trim().to_owned();
    let children = Command::new("ps").args(["-o", "pid=,comm=", "--ppid", &shell]).output().unwrap();
    let children = String::from_utf8_lossy(&children.stdout).into_owned();
    let child =
        children.lines().find(|line| line.contains("authtrace")).and_then(|line| line.split_whitespace().next());
    let Some(child) = child else { panic!("the program is not among {children}") };
    assert!(Command::new("kill").args(["-TERM", child]).status().unwrap().success());
    terminal.says("left with 0");
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_authtrace")).args(arguments).current_dir(root()).output().unwrap()
    };
    let output = run(&["tui", "captures/race.har"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("authtrace analyze"));
    let keys = run(&["tui", "--list-keys"]);
    assert!(String::from_utf8_lossy(&keys.stdout).contains("next-finding"));
    let bare = run(&["captures/race.har"]);
    assert_eq!(bare.status.code(), Some(1), "without a terminal a bare file is analysed");
}

#[test]
fn keys_come_from_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("authtrace.toml");
    std::fs::write(&config, "[tui-keys]\nmark = [\"x\"]\n").unwrap();
    let run = |text: Option<&str>| {
        if let Some(text) = text {
            std::fs::write(&config, text).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
        command.args(["tui", "--list-keys", "--config"]).arg(&config).output().unwrap()
    };
    let listed = String::from_utf8_lossy(&run(None).stdout).into_owned();
    assert!(listed.contains("mark               x "), "{listed}");
    let wrong = run(Some("[tui-keys]\nnonsense = [\"x\"]\n"));
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no action is called `nonsense`"));
}
