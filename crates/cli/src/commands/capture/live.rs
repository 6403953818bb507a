//! A running capture: packets on some threads, facts on one, judgement on another; signals say when it ends.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc,
};
use std::thread;

use anyhow::Context as _;
use authtrace_analyze::{Analyzer, BodyNeeds, coverage::Input};
use authtrace_capture::{
    Plan,
    live::{Control, Session},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use super::{
    announce::Announcer,
    ending,
    hook::Hook,
    screen::Screen,
    setup,
    spill::Spill,
    watch::{self, Drawn},
};
use crate::{
    args::CaptureArgs,
    commands::{analyze::Judgement, start_logging},
    details::Details,
    exit,
    format::Format,
    load::{self, Loaded},
    output::complain,
    rounds,
};

/// Exchanges that may wait for their facts to be drawn.
const WAITING: usize = 1024;

/// Captures until it is told to stop, and reports.
pub(super) fn run(args: &CaptureArgs) -> anyhow::Result<u8> {
    let inspect = &args.analyze.inspect;
    start_logging(&inspect.output);
    let mut judgement = Judgement::prepare(&args.analyze)?;
    // Whatever else is read, is read while this is allowed.
    let settings = load::settings(inspect, judgement.format.is_handed_on())?;
    let screen = Screen::of(args, judgement.format)?;
    let report = judgement.output.open()?;
    let (session, spill) = setup::open(args, report)?;
    let threads = load::threads(inspect)?;
    let control = Control::default();
    let interrupted = listen(&control).context("cannot listen to signals")?;
    let hook = args.on_incident.as_deref().map(Hook::start).transpose()?;
    let streams = judgement.format == Format::Jsonl;
    let teller = screen.as_ref().map(Screen::teller);
    let announcer = Announcer::new(&judgement, streams, inspect.output.quiet, hook, teller.clone());
    let plan = Plan { threads, ..Plan::new(&BodyNeeds) };
    let at_once = match rounds::is_whole(inspect) {
        true => u64::MAX,
        false => args.analyze.at_once.unwrap_or(rounds::AT_ONCE),
    };
    let capture = || {
        let mut captured = capture(session, &plan, Analyzer::new(settings), spill, announcer, &control);
        ending::gather(&mut captured.analyzer, &mut captured.spill, at_once);
        captured.input.forgotten = captured.spill.forgotten();
        if let Some(teller) = &teller {
            teller.judged(captured.analyzer.so_far().judge(vec![captured.input.clone()]));
            teller.ended(interrupted.load(Ordering::Relaxed));
        }
        captured
    };
    let Captured { analyzer, spill, announcer, input, frames } = match screen {
        None => capture(),
        Some(screen) => beside(screen, capture, &control)?,
    };
    let analysis = ending::finish(analyzer, spill, input, at_once)?;
    // Something was named and gave less than was asked of it: a device that went away at once, a file that is not whole.
    let failed = announcer.end(&analysis, &control)? > 0;
    let interrupted = interrupted.load(Ordering::Relaxed);
    let loaded = Loaded { analysis, details: Details::default(), failed, nothing: false, interrupted };
    if loaded.analysis.is_empty() && !inspect.output.quiet {
        complain(&format!("{frames} frames, and no HTTP that can be read among them"));
    }
    if args.tui && judgement.output.file().is_none() {
        // It was all on the screen.
        return judgement.exit_code(&loaded);
    }
    if streams {
        // The events were the output; a file gets the document.
        judgement.format = Format::Json;
        if judgement.output.file().is_none() {
            return judgement.exit_code(&loaded);
        }
    }
    judgement.write(&loaded)
}

/// What a capture leaves behind.
struct Captured<'a> {
    analyzer: Analyzer,
    spill: Spill,
    announcer: Announcer<'a>,
    input: Input,
    frames: u32,
}

/// Captures until `control` or a limit ends it; facts are drawn on a thread of their own.
fn capture<'a>(
    session: Session,
    plan: &Plan<'_>,
    analyzer: Analyzer,
    spill: Spill,
    announcer: Announcer<'a>,
    control: &Control,
) -> Captured<'a> {
    let (exchanges_in, exchanges) = mpsc::sync_channel(WAITING);
    let name = session.name.clone();
    let name = name.as_str();
    let (report, Drawn { analyzer, spill, seen, announcer }) = thread::scope(|scope| {
        let drawing = scope.spawn(move || watch::draw(&exchanges, analyzer, spill, announcer, control, name));
        let report = session.run(plan, control, &mut |exchange| {
            // Drawing ends early only by a panic, which joining it passes on.
            let _ = exchanges_in.send(exchange);
        });
        drop(exchanges_in);
        (report, drawing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let frames = report.frames;
    Captured { analyzer, spill, announcer, input: seen.input(report), frames }
}

/// Captures beside the terminal UI; whoever leaves that ends the capture.
fn beside<'a>(
    screen: Screen,
    capture: impl FnOnce() -> Captured<'a> + Send,
    control: &Control,
) -> anyhow::Result<Captured<'a>> {
    thread::scope(|scope| {
        let capturing = scope.spawn(capture);
        let shown = screen.show();
        control.stop.store(true, Ordering::Relaxed);
        let captured = capturing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        shown.map(|()| captured)
    })
}

/// The first Ctrl-C or SIGTERM ends the capture and reports, the second Ctrl-C ends the program; SIGHUP begins a file.
fn listen(control: &Control) -> std::io::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    flag::register_conditional_shutdown(SIGINT, exit::INTERRUPTED.into(), Arc::clone(&interrupted))?;
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&interrupted))?;
        flag::register(signal, Arc::clone(&control.stop))?;
    }
    flag::register(SIGHUP, Arc::clone(&control.rotate))?;
    Ok(interrupted)
}
