//! Says what happens while a capture runs: events on standard output for programs, lines on standard error for people.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use authtrace_analyze::Analysis;
use authtrace_capture::live::Control;
use authtrace_report::{
    View,
    events::{self, Chronicle, Kind, News, Stats},
    gate,
};

use super::{hook::Hook, screen::Teller};
use crate::{
    commands::analyze::Judgement,
    output::{self, complain},
};

/// Time between two words on how it goes, for programs and on a terminal.
const STATS: Duration = Duration::from_secs(5);
const PROGRESS: Duration = Duration::from_millis(500);

/// Says each thing once.
pub(super) struct Announcer<'a> {
    judgement: &'a Judgement<'a>,
    chronicle: Chronicle,
    hook: Option<Hook>,
    /// The terminal UI, where there is one: then nothing else is drawn on the terminal.
    screen: Option<Teller>,
    /// Whether events go to standard output.
    streams: bool,
    quiet: bool,
    /// Whether a line on a terminal says how it goes.
    shows: bool,
    shown: bool,
    began: Instant,
    next_stats: Instant,
    next_progress: Instant,
    exchanges: u64,
    forgotten: u64,
    failures: usize,
}

impl<'a> Announcer<'a> {
    pub(super) fn new(
        judgement: &'a Judgement<'a>,
        streams: bool,
        quiet: bool,
        hook: Option<Hook>,
        screen: Option<Teller>,
    ) -> Self {
        let now = Instant::now();
        Self {
            judgement,
            chronicle: Chronicle::default(),
            hook,
            streams,
            quiet: quiet || screen.is_some(),
            shows: !quiet && screen.is_none() && std::io::stderr().is_terminal(),
            screen,
            shown: false,
            began: now,
            next_stats: now + STATS,
            next_progress: now,
            exchanges: 0,
            forgotten: 0,
            failures: 0,
        }
    }

    /// Tells what `analysis` newly shows; all of it may still turn out otherwise.
    pub(super) fn judged(&mut self, analysis: Analysis) {
        self.count(&analysis);
        // The flags were tried before the capture began; a filter that fits no column fails at the end, with its reason.
        if let Ok(view) = self.judgement.view(&analysis) {
            let news = self.chronicle.look(&view);
            self.tell(&view, &news, true);
        }
        if let Some(screen) = &self.screen {
            screen.judged(analysis);
        }
    }

    /// Tells how it goes, and what went wrong.
    pub(super) fn tick(&mut self, control: &Control) {
        self.complaints(control);
        let now = Instant::now();
        if self.streams && now >= self.next_stats {
            self.next_stats = now + STATS;
            self.stats(control);
        }
        if now >= self.next_progress {
            self.next_progress = now + PROGRESS;
            self.progress(control);
        }
    }

    /// Tells how everything came out; gives the number of things that went wrong on the way.
    pub(super) fn end(mut self, analysis: &Analysis, control: &Control) -> anyhow::Result<usize> {
        self.complaints(control);
        self.count(analysis);
        let view = self.judgement.view(analysis)?;
        let news = self.chronicle.end(&view);
        self.tell(&view, &news, false);
        if self.streams {
            self.stats(control);
        }
        self.clear();
        if let Some(hook) = self.hook {
            hook.finish();
        }
        Ok(self.failures)
    }

    fn tell(&mut self, view: &View<'_>, news: &News<'_>, provisional: bool) {
        if let Some(hook) = &mut self.hook {
            for change in news.changes.iter().filter(|change| change.kind == Kind::Opened) {
                let text = events::document(view, change, provisional);
                if gate::leaks_escaped(&text, view.analysis).is_none() {
                    hook.run(text);
                }
            }
        }
        if self.streams {
            self.stream(&events::lines(view, news, provisional), view.analysis);
        } else if !self.quiet && provisional {
            for change in &news.changes {
                let text = events::sentence(change);
                if gate::leaks_escaped(&text, view.analysis).is_none() {
                    self.say(&text);
                }
            }
        }
    }

    fn stream(&self, text: &str, analysis: &Analysis) {
        if let Some(token) = gate::leaks_escaped(text, analysis) {
            complain(&format!("events that would show the secret {token} were left out; this is a defect, report it"));
            return;
        }
        // Nobody listens any more: the capture goes on for its file and its report.
        let _ = output::to_stdout(text.as_bytes());
    }

    fn complaints(&mut self, control: &Control) {
        for complaint in control.complaints() {
            self.failures += 1;
            self.say(&complaint);
        }
    }

    fn count(&mut self, analysis: &Analysis) {
        let inputs = &analysis.capture.inputs;
        self.forgotten = inputs.iter().map(|input| input.forgotten).sum();
        let seen: u64 = inputs.iter().map(|input| u64::from(input.exchanges)).sum();
        self.exchanges = seen.saturating_sub(self.forgotten);
    }

    fn stats(&self, control: &Control) {
        let totals = control.totals();
        let stats = Stats {
            elapsed: self.began.elapsed().as_secs_f64(),
            frames: totals.frames,
            bytes: totals.bytes,
            written: totals.written,
            interface_drops: totals.interface_drops,
            system_drops: totals.system_drops,
            secrets: totals.secrets,
            exchanges: self.exchanges,
            forgotten: self.forgotten,
        };
        let _ = output::to_stdout(events::stats(&stats).as_bytes());
    }

    fn progress(&mut self, control: &Control) {
        let totals = control.totals();
        if let Some(screen) = &self.screen {
            screen.counts(totals);
        }
        if !self.shows {
            return;
        }
        let lost = totals.interface_drops + totals.system_drops;
        let open = self.chronicle.open();
        let mut stderr = std::io::stderr().lock();
        // A line that cannot be written is no reason to stop.
        let _ = write!(
            stderr,
            "\r\x1b[K{} frames, {} exchanges, {open} incidents, {lost} lost",
            totals.frames, self.exchanges
        );
        let _ = stderr.flush();
        self.shown = true;
    }

    fn say(&mut self, text: &str) {
        self.clear();
        complain(text);
        if let Some(screen) = &self.screen {
            screen.complain(text);
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
