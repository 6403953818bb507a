//! Draws facts as exchanges arrive and has them judged now and then: often while that is cheap, seldom when it is not.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use authtrace_analyze::{
    Analyzer, Snapshot,
    coverage::{Input, InputFormat},
};
use authtrace_capture::live::Control;
use authtrace_parse::Exchange;

use super::{announce::Announcer, spill::Spill};
use crate::load::Seen;

/// Shortest time between two judgements.
const PACE: Duration = Duration::from_millis(250);
/// For each second of judging, this many seconds go to what is captured.
const SHARE: u32 = 9;
/// Longest wait for an exchange before a look at the clock.
const TICK: Duration = Duration::from_millis(100);

/// What is left when the capture is over.
pub(super) struct Drawn<'a> {
    pub(super) analyzer: Analyzer,
    pub(super) spill: Spill,
    pub(super) seen: Seen,
    pub(super) announcer: Announcer<'a>,
}

/// A moment to be judged.
struct Job {
    snapshot: Snapshot,
    input: Input,
    /// What it cost to take it.
    taken: Duration,
}

/// Draws facts until `exchanges` ends; those that memory has no room for go to `spill`. `name` is what the capture is called.
pub(super) fn draw<'a>(
    exchanges: &Receiver<Exchange>,
    mut analyzer: Analyzer,
    mut spill: Spill,
    announcer: Announcer<'a>,
    control: &Control,
    name: &str,
) -> Drawn<'a> {
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let (jobs_in, jobs) = mpsc::channel();
        let (costs_in, costs) = mpsc::channel();
        let judge = scope.spawn(move || judge(&jobs, &costs_in, announcer, control));
        let (mut next, mut idle, mut fresh, mut count) = (Instant::now(), true, false, 0u64);
        loop {
            match exchanges.recv_timeout(TICK) {
                Ok(exchange) => {
                    seen.note(&exchange);
                    analyzer.push(&exchange);
                    spill.relieve(&mut analyzer).into_iter().for_each(|trouble| control.complain(trouble));
                    count += 1;
                    fresh = true;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Ok(cost) = costs.try_recv() {
                (idle, next) = (true, Instant::now() + PACE.max(SHARE * cost));
            }
            if idle && Instant::now() >= next {
                let job = fresh.then(|| take(&analyzer, &seen, count, spill.forgotten(), name));
                (idle, fresh) = (job.is_none(), false);
                if job.is_none() {
                    next = Instant::now() + PACE;
                }
                // The judge ends early only by a panic, which joining it passes on.
                let _ = jobs_in.send(job);
            }
        }
        drop(jobs_in);
        let announcer = judge.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Drawn { analyzer, spill, seen, announcer }
    })
}

fn take(analyzer: &Analyzer, seen: &Seen, count: u64, forgotten: u64, name: &str) -> Job {
    let began = Instant::now();
    let exchanges = u32::try_from(count).unwrap_or(u32::MAX);
    let input = Input { path: name.to_owned(), format: InputFormat::Pcapng, exchanges, forgotten, ..seen.so_far() };
    let snapshot = analyzer.so_far();
    Job { snapshot, input, taken: began.elapsed() }
}

/// Judges what it is given, and tells what that took. Without a job it only says how things go.
fn judge<'a>(
    jobs: &Receiver<Option<Job>>,
    costs: &Sender<Duration>,
    mut announcer: Announcer<'a>,
    control: &Control,
) -> Announcer<'a> {
    for job in jobs {
        if let Some(job) = job {
            let began = Instant::now();
            announcer.judged(job.snapshot.judge(vec![job.input]));
            // Whoever draws facts may be done.
            let _ = costs.send(began.elapsed() + job.taken);
        }
        announcer.tick(control);
    }
    announcer
}
