//! `--tui`: the capture in the terminal UI, which shows each judgement as it comes.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
};

use anyhow::{Context as _, bail};
use authtrace_analyze::Analysis;
use authtrace_capture::{DetailSource, InputPath, live::Totals};
use authtrace_tui::{
    Message, Setup,
    message::Counts,
    model::{Data, Loaded},
    terminal,
};

use crate::{
    args::CaptureArgs,
    commands::tui::{self, Files},
    details::Details,
    format::Format,
    output::Quiet,
};

/// The terminal UI, before it is shown.
pub(super) struct Screen {
    setup: Setup,
    files: Arc<Files>,
    sender: Sender<Message>,
    messages: Receiver<Message>,
}

impl Screen {
    /// The UI where `args` ask for one.
    pub(super) fn of(args: &CaptureArgs, format: Format) -> anyhow::Result<Option<Self>> {
        if !args.tui {
            return Ok(None);
        }
        if format == Format::Jsonl {
            bail!("--tui draws where -T jsonl writes its events; choose one of them");
        }
        if !tui::is_possible() {
            bail!("--tui needs a terminal; without it, capture says what it finds line by line");
        }
        let setup = Setup { live: Some(args.interface.join("+")), ..tui::setup(&args.analyze.inspect, &args.screen)? };
        let files = Files::default();
        // Of a ring, the file that an exchange lies in may be gone.
        if let Some(path) = args.write.as_deref().filter(|_| args.ring_buffer.is_empty()) {
            files.open(details(path));
        }
        let (sender, messages) = mpsc::channel();
        Ok(Some(Self { setup, files: Arc::new(files), sender, messages }))
    }

    /// Whoever tells it what happens.
    pub(super) fn teller(&self) -> Teller {
        Teller(self.sender.clone())
    }

    /// Shows it until its reader leaves. What is complained of in the meantime is said behind it.
    pub(super) fn show(self) -> anyhow::Result<()> {
        let _quiet = Quiet::begin();
        terminal::run(self.setup, self.files, &self.sender, &self.messages).context("cannot use this terminal")
    }
}

/// Exchanges are read again from the file that is being written.
fn details(path: &Path) -> Details {
    let mut details = Details::default();
    details.push(DetailSource::new(InputPath::File(path.to_owned())));
    details
}

/// Tells the UI what happens. Where it is gone, the capture is about to end.
#[derive(Clone)]
pub(super) struct Teller(Sender<Message>);

impl Teller {
    /// The capture as far as it is judged.
    pub(super) fn judged(&self, analysis: Analysis) {
        let loaded = Loaded { analysis: Arc::new(analysis), focus: None };
        let _ = self.0.send(Message::Refreshed(Box::new(Data::new(loaded))));
    }

    /// How it goes.
    pub(super) fn counts(&self, totals: Totals) {
        let lost = totals.interface_drops + totals.system_drops;
        let _ = self.0.send(Message::Captured(Counts { frames: totals.frames, lost }));
    }

    /// Something that went wrong.
    pub(super) fn complain(&self, complaint: &str) {
        let _ = self.0.send(Message::Trouble(complaint.to_owned()));
    }

    /// It is over: by itself, or because somebody outside asked for it.
    pub(super) fn ended(&self, interrupted: bool) {
        let _ = self.0.send(if interrupted { Message::Quit } else { Message::Ended });
    }
}
