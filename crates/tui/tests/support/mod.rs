//! A terminal without a terminal: samples are analysed, keys go in as people write them, the screen comes out as text.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    dead_code,
    reason = "tests read captures, may panic, and use what they need"
)]

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use authtrace_analyze::{
    Analysis, Analyzer, BodyNeeds, Settings,
    coverage::Input,
    facts::Fact,
    key::{KeyRing, dotenv},
};
use authtrace_capture::{DetailSource, InputPath, Place, Plan, read_input};
use authtrace_parse::Exchange;
use authtrace_tui::{
    Loaded, Message, Outside, Setup,
    keys::Chord,
    message::Command,
    model::{Data, Model},
    update::update,
    view,
    work::{Subject, perform},
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size};

/// The real inputs, and files that are written to memory.
pub(crate) struct Files {
    sources: Vec<DetailSource>,
    pub(crate) written: Mutex<Vec<(String, String)>>,
}

impl Outside for Files {
    fn exchange(&self, analysis: &Analysis, fact: &Fact) -> Result<Exchange, String> {
        let ends = analysis.capture.client_socket(fact).zip(fact.server).map(|(client, server)| [client, server]);
        let place = Place { locator: fact.source.locator, ends };
        self.sources[usize::from(fact.source.input)].exchange(&place).map_err(|error| error.to_string())
    }

    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        self.written.lock().unwrap().push((path.to_owned(), text.to_owned()));
        Ok(())
    }
}

/// The UI with its reader's hands.
pub(crate) struct Screen {
    pub(crate) model: Model,
    pub(crate) files: Files,
    pub(crate) copied: Vec<String>,
    pub(crate) left: bool,
}

impl Screen {
    /// The UI before anything is read.
    pub(crate) fn empty(setup: Setup, width: u16, height: u16) -> Self {
        let files = Files { sources: Vec::new(), written: Mutex::default() };
        let model = Model::new(setup, Size { width, height });
        Self { model, files, copied: Vec::new(), left: false }
    }

    /// The UI with these files.
    pub(crate) fn open(paths: &[PathBuf], setup: Setup, width: u16, height: u16) -> Self {
        let mut screen = Self::empty(setup, width, height);
        screen.files.sources = paths.iter().map(|path| DetailSource::new(InputPath::File(path.clone()))).collect();
        let analysis = Arc::new(analyse(paths));
        screen.tell(Message::Loaded(Box::new(Data::new(Loaded { analysis, focus: None }))));
        screen
    }

    /// The UI with the sample `name` of `captures/`.
    pub(crate) fn sample(name: &str, width: u16, height: u16) -> Self {
        Self::open(&[captures().join(name)], Setup::default(), width, height)
    }

    /// Takes a message in and does what the model asks for, until it asks no more.
    pub(crate) fn tell(&mut self, message: Message) {
        let mut waiting = update(&mut self.model, message);
        while let Some(command) = waiting.pop() {
            match &command {
                Command::Quit => self.left = true,
                Command::Copy(text) => self.copied.push(text.clone()),
                _ => {}
            }
            let Some(data) = self.model.subject() else { continue };
            let subject = Subject { data: Arc::clone(data), clock: self.model.setup.clock.clone() };
            if let Some(answer) = perform(&command, &subject, &self.files) {
                waiting.extend(update(&mut self.model, answer));
            }
        }
    }

    /// Presses keys, separated by spaces: `2 j j enter`.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            self.tell(Message::Key(Chord::parse(key).unwrap_or_else(|| panic!("{key} is no key"))));
        }
        self
    }

    /// Types a line and enters it.
    pub(crate) fn enter(&mut self, line: &str) -> &mut Self {
        line.chars().for_each(|c| self.tell(Message::Key(Chord::plain(ratatui::crossterm::event::KeyCode::Char(c)))));
        self.press("enter")
    }

    /// The cells of the screen.
    pub(crate) fn buffer(&self) -> Buffer {
        let Size { width, height } = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(&self.model, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen as text, without the ends of lines that are empty.
    pub(crate) fn text(&self) -> String {
        text(&self.buffer())
    }

    /// Whether the screen says `what`; the screen is told where it does not.
    #[track_caller]
    pub(crate) fn says(&self, what: &str) -> &Self {
        let text = self.text();
        assert!(text.contains(what), "`{what}` is not on the screen:\n{text}");
        self
    }
}

pub(crate) fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in area.left()..area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The analysis of `paths`, with the `.env` file beside the first where there is one.
pub(crate) fn analyse(paths: &[PathBuf]) -> Analysis {
    let mut ring = KeyRing::new();
    let env = paths.first().map(|path| path.with_extension("env"));
    let text = env.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    for (name, value) in dotenv::parse(&text) {
        ring.add_value(&name, &value);
    }
    let mut analyzer = Analyzer::new(Settings { keys: ring, ..Settings::default() });
    let mut inputs = Vec::new();
    let mut first_id = 0;
    for (index, path) in (0u16..).zip(paths) {
        let plan = Plan { index, first_id, ..Plan::new(&BodyNeeds) };
        let report = read_input(&InputPath::File(path.clone()), &plan, &mut |e| analyzer.push(&e)).unwrap();
        first_id = report.next_id;
        inputs.push(Input {
            path: path.file_name().unwrap().to_string_lossy().into_owned(),
            sha256: report.sha256,
            bytes: report.bytes,
            exchanges: report.exchanges,
            ..Input::default()
        });
    }
    analyzer.finish(inputs)
}

pub(crate) fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures")
}
