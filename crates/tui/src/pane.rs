//! The details of what is selected, as lines that know the exchanges they speak of. `report` writes most of them.

use authtrace_analyze::{FindingId, facts::SessionId, tokens::TokenId};
use authtrace_parse::ExchangeId;
use authtrace_report::{
    Clock, Line, Page, Style,
    exchange::{self, Again, Shown},
    moment::{date_and_time, span},
    rules,
    style::Ink,
    terminal::{self, Detail, Layout},
    tokens,
};

use crate::{
    compare,
    model::{Cursor, Data, Model, Topic},
    reveal::{self, Level},
    screen::Screen,
};

/// What details are about; they are written anew when it changes.
#[derive(Clone, Debug, Default, PartialEq)]
enum About {
    #[default]
    Nothing,
    Topic(Topic),
    Exchange(ExchangeId, State),
    Preview(ExchangeId),
    Token(TokenId, Option<Level>),
    Session(SessionId),
    Compare([ExchangeId; 2], [State; 2]),
    Captures,
    Rule(usize),
}

/// How far reading an exchange again has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Awaited,
    Here,
    Failed,
}

/// Details.
#[derive(Default)]
pub struct Pane {
    about: About,
    width: u16,
    verbose: bool,
    clock: Option<std::mem::Discriminant<Clock>>,
    /// The look at a running capture.
    look: u64,
    /// What stands there.
    pub lines: Vec<Line>,
    /// The line that the reader is at.
    pub cursor: Cursor,
}

impl Pane {
    /// What a search or a copy sees of line `at`.
    pub fn text(&self, at: usize) -> String {
        let pieces = self.lines.get(at).map(|line| line.pieces.as_slice()).unwrap_or_default();
        pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// All lines as text.
    pub fn all(&self) -> String {
        (0..self.lines.len()).map(|at| self.text(at) + "\n").collect()
    }
}

/// Writes the details anew where they are about something else than before.
pub fn refresh(model: &mut Model) {
    let about = about(model);
    let width = model.areas().pane.width;
    let clock = model.setup.clock.as_ref().map(std::mem::discriminant);
    let look = model.live.as_ref().map_or(0, |live| live.shown);
    let pane = &model.pane;
    if (&pane.about, pane.width, pane.verbose, pane.clock, pane.look) == (&about, width, model.verbose, clock, look) {
        return;
    }
    let lines = model.data.as_ref().map(|data| write(model, data, &about, width)).unwrap_or_default();
    // The same thing at another width keeps the place; another thing begins at its top.
    let cursor = if pane.about == about { pane.cursor } else { Cursor::default() };
    model.pane = Pane { about, width, verbose: model.verbose, clock, look, lines, cursor };
}

fn about(model: &Model) -> About {
    let Some(data) = &model.data else { return About::Nothing };
    let at = model.cursor().at;
    let state = |id: ExchangeId| match model.read_again(id) {
        None => State::Awaited,
        Some(Ok(_)) => State::Here,
        Some(Err(_)) => State::Failed,
    };
    let level = |token| model.revealed.filter(|(shown, _)| *shown == token).map(|(_, level)| level);
    let found = match model.screen {
        Screen::Incidents => data.topics.get(at).map(|topic| About::Topic(*topic)),
        Screen::Timeline => model.selected_fact().map(|fact| About::Preview(fact.id)),
        Screen::Tokens => data.tokens.get(at).map(|token| About::Token(*token, level(*token))),
        Screen::Exchange => model.exchange.map(|id| About::Exchange(id, state(id))),
        Screen::Sessions => data.sessions.get(at).map(|session| About::Session(*session)),
        Screen::Compare => Some(model.compared().map_or(About::Captures, |pair| About::Compare(pair, pair.map(state)))),
        Screen::Rules => Some(About::Rule(at)),
        Screen::Flow => None,
    };
    found.unwrap_or_default()
}

fn write(model: &Model, data: &Data, about: &About, width: u16) -> Vec<Line> {
    let analysis = data.analysis();
    let detail = if model.verbose { Detail::Everything } else { Detail::Normal };
    let layout =
        Layout { width: usize::from(width), style: Style::PLAIN, clock: model.setup.clock.clone(), detail, more: "v" };
    match about {
        About::Nothing => Vec::new(),
        About::Topic(topic) => self::topic(data, *topic, &layout),
        About::Exchange(id, _) => self::exchange(model, data, *id, &layout),
        About::Preview(id) => preview(data, *id, &layout),
        About::Token(id, revealed) => self::token(data, *id, *revealed, &layout),
        About::Session(id) => session(data, *id, &layout),
        About::Compare(pair, _) => compare::exchanges(model, data, *pair, &layout),
        About::Captures => compare::captures(analysis, &layout),
        About::Rule(at) => data.rules.get(*at).map(|rule| self::rule(data, rule, &layout)).unwrap_or_default(),
    }
}

fn topic(data: &Data, topic: Topic, layout: &Layout) -> Vec<Line> {
    let analysis = data.analysis();
    match topic {
        Topic::Incident(at) => {
            let incident = analysis.incidents.get(at);
            incident.map(|incident| terminal::incident_lines(&data.view(), incident, layout)).unwrap_or_default()
        }
        Topic::Finding(id) => {
            let finding = analysis.finding(id);
            finding.map(|finding| terminal::finding_lines(&data.view(), finding, layout)).unwrap_or_default()
        }
        Topic::Coverage(at) => {
            analysis.coverage.get(at).map(|gap| terminal::coverage_lines(gap, layout)).unwrap_or_default()
        }
    }
}

fn exchange(model: &Model, data: &Data, id: ExchangeId, layout: &Layout) -> Vec<Line> {
    let again = match model.read_again(id) {
        None => Again::Awaited,
        Some(Ok(exchange)) => Again::Here(exchange),
        Some(Err(why)) => Again::Failed(why),
    };
    page_of(data, id, again, layout)
}

fn page_of(data: &Data, id: ExchangeId, again: Again<'_>, layout: &Layout) -> Vec<Line> {
    let analysis = data.analysis();
    let Some(fact) = analysis.fact(id) else { return Vec::new() };
    exchange::lines(Shown { analysis, fact, again, findings: data.index.findings(id) }, layout)
}

/// The start of an exchange's page, without what only a second look into the input shows.
fn preview(data: &Data, id: ExchangeId, layout: &Layout) -> Vec<Line> {
    page_of(data, id, Again::Unasked, layout)
}

fn token(data: &Data, id: TokenId, revealed: Option<Level>, layout: &Layout) -> Vec<Line> {
    let capture = &data.analysis().capture;
    let mut lines = tokens::page::lines(capture, id, layout);
    if let Some(level) = revealed {
        lines.extend(reveal::lines(capture.tokens.get(id), level, layout.width));
    }
    lines
}

fn session(data: &Data, id: SessionId, layout: &Layout) -> Vec<Line> {
    let analysis = data.analysis();
    let Some(session) = analysis.capture.session(id) else { return Vec::new() };
    let mut page = Page::new(layout.width, layout.style);
    let zone = layout.clock.as_ref().unwrap_or(&Clock::Utc).zone();
    let subject =
        session.subject.as_deref().map_or_else(|| "principal unknown".to_owned(), |sub| format!("sub #{sub}"));
    page.headline(&id.to_string(), Ink::Bold, &subject);
    if let Some((first, last)) = session.first.zip(session.last) {
        let lasted = span(last.nanos_since(first));
        page.hanging(2, "when", 12, Ink::Plain, &format!("{}, for {lasted}", date_and_time(first, &zone)));
    }
    let counts = format!("{}, {} refused", session.exchanges, session.refused);
    page.hanging(2, "exchanges", 12, Ink::Plain, &counts);
    page.about(Some(session.first_exchange));
    page.hanging(2, "starts at", 12, Ink::Plain, &format!("#{}", session.first_exchange.0));
    let mut label = "findings";
    for (number, finding) in (0u32..).map(FindingId).zip(&analysis.findings) {
        if finding.session == Some(id) {
            page.about(finding.first_exchange());
            let text = format!("{number} {} {}: {}", finding.rule.code, finding.title, finding.route);
            page.hanging(2, label, 12, Ink::Severity(finding.severity), &text);
            label = "";
        }
    }
    page.about(None);
    page.blank();
    page.para(2, Ink::Dim, "Enter shows its flow.");
    page.into_lines()
}

fn rule(data: &Data, rule: &authtrace_analyze::catalogue::RuleMeta, layout: &Layout) -> Vec<Line> {
    let mut page = Page::new(layout.width, layout.style);
    let found = data.analysis().findings.iter().filter(|finding| finding.rule.code == rule.code);
    let mut any = false;
    for finding in found.take(20) {
        page.about(finding.first_exchange());
        page.hanging(0, "here", 6, Ink::Severity(finding.severity), &format!("{}: {}", finding.title, finding.route));
        any = true;
    }
    page.about(None);
    if any {
        page.blank();
    }
    rules::write(&mut page, rule);
    page.into_lines()
}
