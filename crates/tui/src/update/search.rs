//! Searching: the next row that says something, has a finding, or is marked.

use authtrace_analyze::facts::Fact;

use super::go;
use crate::{
    arrange::Row,
    model::{Data, Model, Notice, Topic},
    screen::Screen,
    text::holds,
};

/// Goes to the next row that holds what is searched for, around the end.
pub(super) fn next(model: &mut Model, forwards: bool) {
    let Some(needle) = model.search.clone() else {
        model.notice = Some(Notice { text: "nothing to search for; press / first".to_owned(), trouble: false });
        return;
    };
    let in_pane = model.moves_pane();
    let (length, at) = match in_pane {
        true => (model.pane.lines.len(), model.pane.cursor.at),
        false => (model.length(), model.cursor().at),
    };
    let text = |row| if in_pane { model.pane.text(row) } else { row_text(model, row).unwrap_or_default() };
    let found = around(length, at, forwards).find(|row| holds(&text(*row), &needle));
    match found {
        Some(row) if in_pane => model.pane.cursor.at = row,
        Some(row) => model.cursor_mut().at = row,
        None => model.notice = Some(Notice { text: format!("not found: {needle}"), trouble: true }),
    }
}

/// Goes to the next exchange that a finding is about.
pub(super) fn finding(model: &mut Model, forwards: bool) {
    let Some(data) = &model.data else { return };
    let timeline = Screen::Timeline.index();
    let has = |row: &usize| match model.rows.shown.get(*row) {
        Some(Row::Exchange(place)) => data.fact(*place).is_some_and(|fact| !data.index.findings(fact.id).is_empty()),
        _ => false,
    };
    let found = around(model.rows.shown.len(), model.lists[timeline].at, forwards).find(has);
    match found {
        None => model.notice = Some(Notice { text: "no other exchange with a finding".to_owned(), trouble: false }),
        Some(row) => {
            let fact = match model.rows.shown.get(row) {
                Some(Row::Exchange(place)) => data.fact(*place),
                _ => None,
            };
            let id = fact.map(|fact| fact.id);
            model.lists[timeline].at = row;
            match id {
                Some(id) if model.screen == Screen::Exchange => model.exchange = Some(id),
                _ => go::to(model, Screen::Timeline),
            }
        }
    }
}

/// Goes to the next marked exchange.
pub(super) fn mark(model: &mut Model) {
    let now = model.selected_fact().map(|fact| fact.id);
    let at = now.and_then(|now| model.marks.iter().position(|id| *id == now));
    let next = at.map_or(0, |at| (at + 1) % model.marks.len().max(1));
    let Some(id) = model.marks.get(next).copied() else {
        model.notice = Some(Notice { text: "nothing is marked; m marks an exchange".to_owned(), trouble: false });
        return;
    };
    if go::select(model, id) {
        go::to(model, Screen::Timeline);
    } else {
        go::show(model, id);
    }
}

/// The rows of a list from the one beside `at` on, around the end, `at` last.
fn around(length: usize, at: usize, forwards: bool) -> impl Iterator<Item = usize> {
    (1..=length).map(move |step| if forwards { (at + step) % length } else { (at + length - step) % length })
}

/// What is copied: the line of the details, or the row.
pub(super) fn selection(model: &Model) -> Option<String> {
    if model.moves_pane() && model.revealed.is_none() {
        return Some(model.pane.text(model.pane.cursor.at));
    }
    row_text(model, model.cursor().at)
}

/// What row `row` of the current list says.
fn row_text(model: &Model, row: usize) -> Option<String> {
    let Some(data) = &model.data else {
        let row = model.reading.rows.get(row).filter(|_| model.screen == Screen::Timeline)?;
        return Some(format!("#{} {} {}", row.id.0, row.route, row.host));
    };
    match model.screen {
        Screen::Incidents => Some(topic_text(data, *data.topics.get(row)?)),
        Screen::Timeline => match model.rows.shown.get(row)? {
            Row::Group(group) => Some(model.rows.groups.get(*group as usize)?.name.clone()),
            Row::Exchange(place) => Some(fact_text(data, data.fact(*place)?)),
        },
        Screen::Flow => Some(fact_text(data, data.fact(*model.flow.get(row)?)?)),
        Screen::Tokens => {
            let id = *data.tokens.get(row)?;
            let capture = &data.analysis().capture;
            let token = capture.tokens.get(id);
            let carriers: Vec<String> = token.carriers.iter().map(ToString::to_string).collect();
            Some(format!("{id} {} {}", authtrace_report::tokens::name(capture, id, token), carriers.join(" ")))
        }
        Screen::Sessions => {
            let id = *data.sessions.get(row)?;
            let subject = data.analysis().capture.sessions.get(id.0 as usize).and_then(|s| s.subject.as_deref());
            Some(format!("{id} {}", subject.unwrap_or_default()))
        }
        Screen::Rules => data.rules.get(row).map(|rule| format!("{} {} {}", rule.code, rule.id, rule.title)),
        Screen::Exchange | Screen::Compare => None,
    }
}

fn topic_text(data: &Data, topic: Topic) -> String {
    let analysis = data.analysis();
    match topic {
        Topic::Incident(at) => analysis
            .incidents
            .get(at)
            .map(|incident| {
                let code = analysis.finding(incident.root).map_or("", |root| root.rule.code);
                format!("{code} {}: {}", incident.title, incident.statement)
            })
            .unwrap_or_default(),
        Topic::Finding(id) => {
            analysis.finding(id).map(|f| format!("{} {} {}", f.rule.code, f.title, f.route)).unwrap_or_default()
        }
        Topic::Coverage(at) => {
            analysis.coverage.get(at).map(|c| format!("{} {}", c.rule.code, c.says)).unwrap_or_default()
        }
    }
}

fn fact_text(data: &Data, fact: &Fact) -> String {
    let status = fact.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let session = fact.session.map(|session| session.to_string()).unwrap_or_default();
    let tokens: Vec<String> = fact.credentials.iter().map(|c| c.token.to_string()).collect();
    let codes = data.index.findings(fact.id).iter().filter_map(|id| Some(data.analysis().finding(*id)?.rule.code));
    let codes: Vec<&str> = codes.collect();
    format!(
        "#{} {} {}{} {status} {} {} {session} {} {}",
        fact.id.0,
        fact.method,
        fact.origin,
        fact.path,
        fact.outcome.class.name(),
        fact.role.name(),
        tokens.join(" "),
        codes.join(" ")
    )
}
