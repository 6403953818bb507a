//! Everything that the screen is drawn from. Only [`update`](crate::update) changes it.

mod cursor;
mod data;
mod live;

use std::sync::Arc;

use authtrace_analyze::{
    facts::{Fact, SessionId},
    tokens::TokenId,
};
use authtrace_parse::{Exchange, ExchangeId};
use authtrace_report::Clock;
use ratatui::layout::Size;

pub use cursor::Cursor;
pub use data::{Data, Loaded, Topic};
pub use live::{Kept, Live};

use crate::{
    arrange::{Arrangement, Row, Rows},
    find::Find,
    glyphs::{Glyphs, UNICODE},
    keys::Keymap,
    message::Provisional,
    pane::Pane,
    prompt::{History, Prompt},
    reveal::Level,
    screen::{Areas, Screen},
    theme::Theme,
};

/// What the caller decides.
#[derive(Clone)]
pub struct Setup {
    /// Colours.
    pub theme: Theme,
    /// Signs.
    pub glyphs: Glyphs,
    /// Keys.
    pub keymap: Keymap,
    /// How times are shown; `None` shows the time of day in lists and offsets in evidence.
    pub clock: Option<Clock>,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// A filter of the timeline from the start.
    pub filter: Option<String>,
    /// What is captured, where this is no file.
    pub live: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            glyphs: UNICODE,
            keymap: Keymap::default(),
            clock: None,
            mouse: true,
            filter: None,
            live: None,
        }
    }
}

/// What a key means at the moment.
pub enum Mode {
    /// It does what the table says.
    Normal,
    /// It is typed.
    Prompt(Prompt),
    /// The help page is open, scrolled by this many lines.
    Help(usize),
    /// Whether the whole value of this token shall be shown.
    Confirm(TokenId),
}

/// One line for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Whether something did not work.
    pub trouble: bool,
}

/// What is known while inputs are read.
#[derive(Default)]
pub struct Reading {
    /// The input that is being read.
    pub path: String,
    /// Exchanges so far.
    pub seen: u64,
    /// Whether that is all of them.
    pub judging: bool,
    /// The first of them.
    pub rows: Vec<Provisional>,
    /// What went wrong.
    pub complaints: Vec<String>,
}

/// An exchange that was read again, or why not.
pub type Read = (ExchangeId, Result<Arc<Exchange>, String>);

/// Everything.
pub struct Model {
    /// What the caller decided.
    pub setup: Setup,
    /// Columns and rows.
    pub size: Size,
    /// The screen.
    pub screen: Screen,
    /// Where [`Action::Back`](crate::keys::Action::Back) leads, last first.
    pub trail: Vec<Screen>,
    /// What keys mean.
    pub mode: Mode,
    /// Whether keys move in the details instead of the list.
    pub in_pane: bool,
    /// A place in the list of each screen.
    pub lists: [Cursor; 8],
    /// The details of what is selected.
    pub pane: Pane,
    /// The analysis, once it is there.
    pub data: Option<Arc<Data>>,
    /// What is known before.
    pub reading: Reading,
    /// The rows of the timeline; shared with whoever looks through them.
    pub rows: Arc<Rows>,
    /// How they are arranged.
    pub how: Arrangement,
    /// The filter of the rows that are shown.
    pub filtered: Option<String>,
    /// The arrangement that is being made.
    pub awaited: Option<Arrangement>,
    /// Marked exchanges, the last one last.
    pub marks: Vec<ExchangeId>,
    /// The exchange of the fourth screen.
    pub exchange: Option<ExchangeId>,
    /// Exchanges that were read again, the last ones.
    pub read: Vec<Read>,
    /// Exchanges that are being read.
    pub awaiting: Vec<ExchangeId>,
    /// The session of the sixth screen.
    pub session: Option<SessionId>,
    /// What is searched for, in lower case.
    pub search: Option<String>,
    /// The search under way.
    pub finding: Option<Find>,
    /// Searches so far.
    pub searches: u64,
    /// What was typed before.
    pub history: History,
    /// The token whose value is shown, and how much of it.
    pub revealed: Option<(TokenId, Level)>,
    /// Whether everything is said.
    pub verbose: bool,
    /// One line for the reader.
    pub notice: Option<Notice>,
    /// The capture that is running, where there is one.
    pub live: Option<Live>,
    /// Whether the reader did anything yet: then nobody else changes the screen.
    pub touched: bool,
}

impl Model {
    /// An empty model: nothing is read yet.
    pub fn new(setup: Setup, size: Size) -> Self {
        let live = setup.live.clone().map(Live::new);
        let how = Arrangement { filter: setup.filter.clone(), ..Arrangement::default() };
        Self {
            setup,
            size,
            screen: Screen::Timeline,
            trail: Vec::new(),
            mode: Mode::Normal,
            in_pane: false,
            lists: [Cursor::default(); 8],
            pane: Pane::default(),
            data: None,
            reading: Reading::default(),
            rows: Arc::default(),
            how,
            filtered: None,
            awaited: None,
            marks: Vec::new(),
            exchange: None,
            read: Vec::new(),
            awaiting: Vec::new(),
            session: None,
            search: None,
            finding: None,
            searches: 0,
            history: History::default(),
            revealed: None,
            verbose: false,
            notice: None,
            live,
            touched: false,
        }
    }

    /// Where everything stands.
    pub fn areas(&self) -> Areas {
        Areas::of(self.screen, self.size, self.length())
    }

    /// Rows of the current list.
    pub fn length(&self) -> usize {
        let Some(data) = &self.data else {
            return if self.screen == Screen::Timeline { self.reading.rows.len() } else { 0 };
        };
        match self.screen {
            Screen::Incidents => data.topics.len(),
            Screen::Timeline => self.rows.shown.len(),
            Screen::Tokens => data.tokens.len(),
            Screen::Sessions => data.sessions.len(),
            Screen::Flow => self.flow().len(),
            Screen::Rules => data.rules.len(),
            Screen::Exchange | Screen::Compare => 0,
        }
    }

    /// Rows of the current list that fit on the screen.
    pub fn room(&self) -> usize {
        let height = usize::from(self.areas().list.height);
        match self.screen {
            // One line names the columns.
            Screen::Timeline | Screen::Tokens | Screen::Sessions => height.saturating_sub(1),
            // Question and answer; two lines name the parties.
            Screen::Flow => height.saturating_sub(2) / 2,
            _ => height,
        }
    }

    /// The place in the current list.
    pub fn cursor(&self) -> Cursor {
        self.lists[self.screen.index()]
    }

    /// The same, to be changed.
    pub fn cursor_mut(&mut self) -> &mut Cursor {
        &mut self.lists[self.screen.index()]
    }

    /// Whether keys move in the details: because the reader went there, or because there is nothing else.
    pub fn moves_pane(&self) -> bool {
        let areas = self.areas();
        !areas.pane.is_empty() && (self.in_pane || areas.list.is_empty())
    }

    /// The fact of the row under the cursor: of the timeline, the flow, or the fourth screen.
    pub fn selected_fact(&self) -> Option<&Fact> {
        let data = self.data.as_ref()?;
        match self.screen {
            Screen::Timeline => self.timeline_fact(),
            Screen::Flow => data.fact(*self.flow().get(self.cursor().at)?),
            _ => data.analysis().fact(self.exchange?),
        }
    }

    /// The fact of the row under the timeline's cursor, whatever the screen.
    pub fn timeline_fact(&self) -> Option<&Fact> {
        match self.rows.shown.get(self.lists[Screen::Timeline.index()].at)? {
            Row::Exchange(place) => self.data.as_ref()?.fact(*place),
            Row::Group(_) => None,
        }
    }

    /// Places of the exchanges of the sixth screen.
    pub fn flow(&self) -> &[u32] {
        let shown = self.data.as_deref().zip(self.session);
        shown.map(|(data, session)| data.flows.places(session)).unwrap_or_default()
    }

    /// The token under the cursor.
    pub fn selected_token(&self) -> Option<TokenId> {
        let data = self.data.as_ref()?;
        data.tokens.get(self.lists[Screen::Tokens.index()].at).copied()
    }

    /// What rows are made of: what is shown, or what is about to be.
    pub fn subject(&self) -> Option<&Arc<Data>> {
        let coming = self.live.as_ref().filter(|live| live.is_coming()).and_then(|live| live.coming.as_ref());
        coming.or(self.data.as_ref())
    }

    /// The exchange `id`, where it was read again.
    pub fn read_again(&self, id: ExchangeId) -> Option<&Result<Arc<Exchange>, String>> {
        self.read.iter().find(|(known, _)| *known == id).map(|(_, read)| read)
    }

    /// The two exchanges to compare, in order of their marks.
    pub fn compared(&self) -> Option<[ExchangeId; 2]> {
        self.marks.last_chunk().copied()
    }
}
