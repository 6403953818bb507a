//! Looking for a row that says something, or that a finding is about: a slice of a long list at a time, so that whoever
//! carries it out is soon free again and a search that nobody awaits any more ends by itself.

use std::{fmt::Write as _, ops::Range, sync::Arc};

use authtrace_analyze::facts::{Fact, SessionId};
use authtrace_parse::ExchangeId;

use crate::{
    arrange::{Row, Rows},
    model::{Data, Model, Topic},
    screen::Screen,
    text::Needle,
};

/// Rows that are looked at in one go: a few milliseconds.
const SLICE: usize = 8192;

/// A list as a search sees it: it stays what it was when the search began.
#[derive(Clone, Debug, PartialEq)]
pub enum List {
    /// Rows of the first screen.
    Topics,
    /// Rows of the timeline.
    Timeline(Arc<Rows>),
    /// Rows of the screen of tokens.
    Tokens,
    /// Rows of the screen of sessions.
    Sessions,
    /// Exchanges of one session.
    Flow(SessionId),
    /// Rows of the screen of rules.
    Rules,
}

impl List {
    /// The list of the current screen.
    pub fn of(model: &Model) -> Option<Self> {
        Some(match model.screen {
            Screen::Incidents => Self::Topics,
            Screen::Timeline => Self::Timeline(Arc::clone(&model.rows)),
            Screen::Tokens => Self::Tokens,
            Screen::Sessions => Self::Sessions,
            Screen::Flow => Self::Flow(model.session?),
            Screen::Rules => Self::Rules,
            Screen::Exchange | Screen::Compare => return None,
        })
    }

    /// Number of its rows.
    pub fn length(&self, data: &Data) -> usize {
        match self {
            Self::Topics => data.topics.len(),
            Self::Timeline(rows) => rows.shown.len(),
            Self::Tokens => data.tokens.len(),
            Self::Sessions => data.sessions.len(),
            Self::Flow(session) => data.flows.places(*session).len(),
            Self::Rules => data.rules.len(),
        }
    }

    /// Every exchange in it, those of folded groups included.
    pub fn exchanges<'a>(&'a self, data: &'a Data) -> Box<dyn Iterator<Item = ExchangeId> + 'a> {
        let id = |place: &u32| Some(data.fact(*place)?.id);
        match self {
            Self::Timeline(rows) => Box::new(rows.groups.iter().flat_map(|group| &group.members).filter_map(id)),
            Self::Flow(session) => Box::new(data.flows.places(*session).iter().filter_map(id)),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The exchange of row `row`, where the row is one.
    fn fact<'a>(&self, data: &'a Data, row: usize) -> Option<&'a Fact> {
        match self {
            Self::Timeline(rows) => match rows.shown.get(row)? {
                Row::Exchange(place) => data.fact(*place),
                Row::Group(_) => None,
            },
            Self::Flow(session) => data.fact(*data.flows.places(*session).get(row)?),
            _ => None,
        }
    }

    /// Appends what row `row` says to `out`.
    pub fn write(&self, data: &Data, row: usize, out: &mut String) -> Option<()> {
        let capture = &data.analysis().capture;
        match self {
            Self::Topics => topic(data, *data.topics.get(row)?, out)?,
            Self::Timeline(rows) => match rows.shown.get(row)? {
                Row::Group(group) => out.push_str(&rows.groups.get(*group as usize)?.name),
                Row::Exchange(place) => fact(data, data.fact(*place)?, out),
            },
            Self::Flow(_) => fact(data, self.fact(data, row)?, out),
            Self::Tokens => {
                let id = *data.tokens.get(row)?;
                let token = capture.tokens.get(id);
                push(out, format_args!("{id} {}", authtrace_report::tokens::name(capture, id, token)));
                token.carriers.iter().for_each(|carrier| push(out, format_args!(" {carrier}")));
            }
            Self::Sessions => {
                let id = *data.sessions.get(row)?;
                let subject = capture.session(id).and_then(|s| s.subject.as_deref());
                push(out, format_args!("{id} {}", subject.unwrap_or_default()));
            }
            Self::Rules => {
                let rule = data.rules.get(row)?;
                push(out, format_args!("{} {} {}", rule.code, rule.id, rule.title));
            }
        }
        Some(())
    }
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Sought {
    /// A row that says this, in lower case.
    Text(String),
    /// An exchange that a finding is about.
    Finding,
}

/// A search under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// Its number: an answer to another one is of no use.
    pub number: u64,
    /// The screen that it began on.
    pub screen: Screen,
    /// Where.
    pub list: List,
    /// What.
    pub sought: Sought,
    /// Towards the end, or the start.
    pub forwards: bool,
    /// The row that it began beside; it is looked at last.
    pub from: usize,
    /// Rows that were looked at.
    pub done: usize,
}

impl Find {
    /// Looks at the next slice: the row that fits, and whether any are left to look at.
    pub fn look(&self, data: &Data) -> Look {
        let length = self.list.length(data);
        let until = self.done.saturating_add(SLICE).min(length);
        let mut rows = self.rows(self.done..until, length);
        let found = match &self.sought {
            Sought::Finding => {
                rows.find(|row| self.list.fact(data, *row).is_some_and(|f| !data.index.findings(f.id).is_empty()))
            }
            Sought::Text(text) => {
                let needle = Needle::new(text);
                let mut said = String::new();
                rows.find(|row| {
                    said.clear();
                    self.list.write(data, *row, &mut said);
                    needle.is_in(&mut said)
                })
            }
        };
        match found {
            Some(row) => Look::Found(row),
            None if until < length => Look::Goes(until, length),
            None => Look::Nothing,
        }
    }

    /// The rows after these steps from where it began, around the end.
    fn rows(&self, steps: Range<usize>, length: usize) -> impl Iterator<Item = usize> {
        let (from, forwards) = (self.from, self.forwards);
        steps.map(move |step| around(from, step + 1, length, forwards))
    }
}

/// The row `step` steps beside `at`, around the end of `length` rows.
pub(crate) fn around(at: usize, step: usize, length: usize, forwards: bool) -> usize {
    if forwards { (at + step) % length } else { (at + length - step) % length }
}

/// What a look at a slice came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// This row fits.
    Found(usize),
    /// None so far; so many rows were looked at, of so many.
    Goes(usize, usize),
    /// No row fits.
    Nothing,
}

/// Writing to a string does not fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn topic(data: &Data, topic: Topic, out: &mut String) -> Option<()> {
    let analysis = data.analysis();
    match topic {
        Topic::Incident(at) => {
            let incident = analysis.incidents.get(at)?;
            let code = analysis.finding(incident.root).map_or("", |root| root.rule.code);
            push(out, format_args!("{code} {}: {}", incident.title, incident.statement));
        }
        Topic::Finding(id) => {
            let finding = analysis.finding(id)?;
            push(out, format_args!("{} {} {}", finding.rule.code, finding.title, finding.route));
        }
        Topic::Coverage(at) => {
            let gap = analysis.coverage.get(at)?;
            push(out, format_args!("{} {}", gap.rule.code, gap.says));
        }
    }
    Some(())
}

fn fact(data: &Data, fact: &Fact, out: &mut String) {
    push(out, format_args!("#{} {} {}{} ", fact.id.0, fact.method, fact.origin, fact.path));
    match fact.status {
        Some(status) => push(out, format_args!("{status}")),
        None => out.push_str("no answer"),
    }
    push(out, format_args!(" {} {}", fact.outcome.class.name(), fact.role.name()));
    if let Some(session) = fact.session {
        push(out, format_args!(" {session}"));
    }
    fact.credentials.iter().for_each(|credential| push(out, format_args!(" {}", credential.token)));
    for finding in data.index.findings(fact.id).iter().filter_map(|id| data.analysis().finding(*id)) {
        push(out, format_args!(" {}", finding.rule.code));
    }
}
