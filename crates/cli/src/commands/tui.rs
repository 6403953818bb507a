//! `tui`: the terminal UI, fed by a loader beside it. The screen is there before the first byte is read.

use std::{
    io::IsTerminal as _,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use authtrace_analyze::{Analysis, facts::Fact};
use authtrace_parse::Exchange;
use authtrace_tui::{
    Message, Outside, Provisional, Setup, glyphs,
    keys::Keymap,
    model::{Data, Loaded as Shown},
    terminal,
    theme::{Depth, Theme},
};

use super::focus;
use crate::{
    args::{AnalyzeArgs, InspectArgs, ScreenArgs, TuiArgs},
    details::Details,
    exit::{self, Verdict},
    interrupt::Interrupt,
    load,
    output::{self, Output, complain},
    watch::{Arrivals, Watch},
};

/// Facts that are handed over at a time.
const BATCH: usize = 64;
/// Facts that are handed over at all before everything is judged: a reader sees no more of them.
const SHOWN: usize = 10_000;
/// Time between two words on progress.
const PACE: Duration = Duration::from_millis(50);

/// Whether there is a terminal to draw on.
pub(super) fn is_possible() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// `authtrace FILE` on a terminal.
pub(super) fn run_bare(args: &AnalyzeArgs) -> anyhow::Result<u8> {
    run(&TuiArgs { inspect: args.inspect.clone(), ..TuiArgs::default() })
}

/// Runs the verb.
pub(super) fn run(args: &TuiArgs) -> anyhow::Result<u8> {
    let setup = setup(&args.inspect, &args.screen)?;
    if args.list_keys {
        Output::new(&args.inspect.output).write(&setup.keymap.list())?;
        return Ok(exit::OK);
    }
    args.inspect.paths()?;
    if !is_possible() {
        bail!("tui needs a terminal; `authtrace analyze` writes the same as text");
    }
    let (sender, messages) = mpsc::channel();
    let files = Arc::new(Files::default());
    let ending = Arc::new(Mutex::new(Ending::default()));
    spawn_loader(&args.inspect, &sender, &files, &ending);
    spawn_signals(&sender);
    terminal::run(setup, files, &sender, &messages).context("cannot use this terminal")?;
    let mut ending = ending.lock().unwrap_or_else(PoisonError::into_inner);
    ending.complaints.iter().for_each(|complaint| complain(complaint));
    match ending.error.take() {
        Some(error) => Err(error),
        None => Ok(ending.verdict.code()),
    }
}

/// The UI as the flags want it.
pub(super) fn setup(inspect: &InspectArgs, args: &ScreenArgs) -> anyhow::Result<Setup> {
    let mut keymap = Keymap::default();
    for (action, keys) in &args.keys {
        keymap.rebind(action, keys).map_err(|why| anyhow::anyhow!("tui-keys: {why}"))?;
    }
    Ok(Setup {
        theme: Theme::new(depth(args.theme.as_deref(), inspect.output.color.as_deref())?),
        glyphs: if args.ascii || !shows_unicode() { glyphs::PLAIN } else { glyphs::UNICODE },
        keymap,
        clock: focus::clock(inspect)?,
        mouse: !args.no_mouse,
        filter: None,
        live: None,
    })
}

/// The colours that are asked for; else as many as the terminal says it has, unless colour is unwanted.
fn depth(theme: Option<&str>, color: Option<&str>) -> anyhow::Result<Depth> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let most = match theme.unwrap_or("auto") {
        "auto" => most(),
        "dark" => Depth::True,
        "light" => Depth::Light,
        "terminal" => Depth::Sixteen,
        "none" => Depth::None,
        other => bail!("--theme {other}: no such theme; use auto, dark, light, terminal or none"),
    };
    Ok(match color.unwrap_or("auto") {
        "never" => Depth::None,
        "always" => most,
        "auto" if set("NO_COLOR") => Depth::None,
        "auto" => most,
        other => bail!("--color {other}: no such choice; use auto, always or never"),
    })
}

/// What the terminal says of itself: many colours by `COLORTERM`, its background by `COLORFGBG` (`15;0`).
fn most() -> Depth {
    let many = std::env::var("COLORTERM").is_ok_and(|term| matches!(term.as_str(), "truecolor" | "24bit"));
    let ground = std::env::var("COLORFGBG").ok();
    match ground.as_deref().and_then(|colours| colours.rsplit(';').next()) {
        _ if !many => Depth::Sixteen,
        Some("7" | "15") => Depth::Light,
        _ => Depth::True,
    }
}

/// Whether the locale, where one is set, is one of Unicode.
fn shows_unicode() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// What is left to say when the screen is gone.
#[derive(Default)]
struct Ending {
    complaints: Vec<String>,
    error: Option<anyhow::Error>,
    verdict: Verdict,
}

/// Reads and judges on a thread of its own; leaving the UI does not wait for it.
fn spawn_loader(args: &InspectArgs, sender: &Sender<Message>, files: &Arc<Files>, ending: &Arc<Mutex<Ending>>) {
    let (args, sender) = (args.clone(), sender.clone());
    let (files, ending) = (Arc::clone(files), Arc::clone(ending));
    thread::spawn(move || {
        give_way();
        let mut watch = Screen::new(sender.clone(), Arc::clone(&ending));
        let loaded = load::load_watched(&args, &Interrupt::default(), &mut watch);
        let loaded = loaded.and_then(|loaded| Ok((focus::exchanges(&args, &loaded.analysis)?, loaded)));
        let mut ending = ending.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the UI is gone, nobody listens.
        let _ = match loaded {
            Ok((_, loaded)) if loaded.nothing => {
                ending.verdict.usage = true;
                sender.send(Message::Quit)
            }
            Ok((focus, loaded)) => {
                let no_judgement = loaded.analysis.is_empty();
                ending.verdict = Verdict { usage: loaded.failed, no_judgement, ..Verdict::default() };
                files.open(loaded.details);
                let shown = Shown { analysis: Arc::new(loaded.analysis), focus: focus.map(Arc::new) };
                sender.send(Message::Loaded(Box::new(Data::new(shown))))
            }
            Err(error) => {
                ending.error = Some(error);
                sender.send(Message::Quit)
            }
        };
    });
}

/// Whoever works beside the screen gives way to it; threads that are started from here on inherit it.
fn give_way() {
    // Elsewhere this would slow the whole program down. Where it is refused, a key may wait a little longer.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}

/// Leaves in good order when somebody asks the program to end; elsewhere the terminal's own key has to do.
#[cfg(not(unix))]
fn spawn_signals(_: &Sender<Message>) {}

/// Leaves in good order when somebody asks the program to end.
#[cfg(unix)]
fn spawn_signals(sender: &Sender<Message>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    let sender = sender.clone();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            // Where the UI is gone already, there is nothing to leave.
            let _ = sender.send(Message::Quit);
        }
    });
}

/// Tells the UI how loading goes.
struct Screen {
    sender: Sender<Message>,
    ending: Arc<Mutex<Ending>>,
    seen: u64,
    next: Instant,
}

impl Screen {
    fn new(sender: Sender<Message>, ending: Arc<Mutex<Ending>>) -> Self {
        Self { sender, ending, seen: 0, next: Instant::now() }
    }
}

impl Watch for Screen {
    fn tick(&mut self, path: &str) {
        self.seen += 1;
        let now = Instant::now();
        if now >= self.next {
            self.next = now + PACE;
            // Where the UI is gone, the program is about to end.
            let _ = self.sender.send(Message::Progress { path: path.to_owned(), seen: self.seen });
        }
    }

    fn complain(&mut self, message: &str) {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).complaints.push(message.to_owned());
        let _ = self.sender.send(Message::Complaint(message.to_owned()));
    }

    fn done(&mut self) {
        let _ = self.sender.send(Message::Judging { seen: self.seen });
    }

    fn arrivals(&self) -> Option<Arrivals> {
        let mut arrived = Arrived { sender: self.sender.clone(), rows: Vec::new(), count: 0 };
        Some(Box::new(move |fact| arrived.push(fact)))
    }
}

/// Collects facts and hands them to the UI in batches; the last one when it is dropped.
struct Arrived {
    sender: Sender<Message>,
    rows: Vec<Provisional>,
    count: usize,
}

impl Arrived {
    fn push(&mut self, fact: &Fact) {
        if self.count == SHOWN {
            return;
        }
        self.count += 1;
        self.rows.push(Provisional {
            id: fact.id,
            at: fact.timing.started().or(fact.timing.sent()),
            host: fact.host.clone(),
            route: fact.route.clone(),
            status: fact.status,
            outcome: fact.outcome.class.name(),
        });
        if self.rows.len() == BATCH || self.count == 1 {
            self.send();
        }
    }

    fn send(&mut self) {
        if !self.rows.is_empty() {
            let _ = self.sender.send(Message::Arrived(std::mem::take(&mut self.rows)));
        }
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        self.send();
    }
}

/// The inputs, once they are read.
#[derive(Default)]
pub(super) struct Files(OnceLock<Details>);

impl Files {
    pub(super) fn open(&self, details: Details) {
        // Loading ends once.
        let _ = self.0.set(details);
    }
}

impl Outside for Files {
    fn exchange(&self, analysis: &Analysis, fact: &Fact) -> Result<Exchange, String> {
        self.0.get().ok_or("its input is not open")?.exchange(analysis, fact)
    }

    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        output::to_file(Path::new(path), text.as_bytes()).map_err(|error| format!("cannot write {path}: {error}"))
    }

    fn give_way(&self) {
        give_way();
    }
}
