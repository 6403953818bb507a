//! Searching: the next row that says something, has a finding, or is marked. Long lists are looked through beside the screen.

use std::sync::Arc;

use super::go;
use crate::{
    find::{Find, List, Look, Sought, around},
    message::Command,
    model::{Model, Notice},
    screen::Screen,
    text::Needle,
};

/// Goes to the next row that holds what is searched for, around the end.
pub(super) fn next(model: &mut Model, forwards: bool) -> Vec<Command> {
    let Some(text) = model.search.clone() else {
        say(model, "nothing to search for; press / first".to_owned(), false);
        return Vec::new();
    };
    if model.moves_pane() {
        in_pane(model, &text, forwards);
        return Vec::new();
    }
    if model.data.is_none() {
        before_judgement(model, &text, forwards);
        return Vec::new();
    }
    let Some(list) = List::of(model) else { return Vec::new() };
    let from = model.cursor().at;
    begin(model, list, Sought::Text(text), forwards, from)
}

/// Goes to the next exchange that a finding is about.
pub(super) fn finding(model: &mut Model, forwards: bool) -> Vec<Command> {
    if model.data.is_none() {
        return Vec::new();
    }
    let list = List::Timeline(Arc::clone(&model.rows));
    let from = model.lists[Screen::Timeline.index()].at;
    begin(model, list, Sought::Finding, forwards, from)
}

/// A search in place of the one under way.
fn begin(model: &mut Model, list: List, sought: Sought, forwards: bool, from: usize) -> Vec<Command> {
    model.searches += 1;
    let find = Find { number: model.searches, screen: model.screen, list, sought, forwards, from, done: 0 };
    model.finding = Some(find.clone());
    vec![Command::Find(find)]
}

/// A slice was looked at: shows what was found, or goes on.
pub(super) fn looked(model: &mut Model, number: u64, look: Look) -> Vec<Command> {
    let Some(mut find) = model.finding.take_if(|find| find.number == number) else { return Vec::new() };
    match look {
        Look::Goes(done, _) => {
            find.done = done;
            model.finding = Some(find.clone());
            return vec![Command::Find(find)];
        }
        Look::Found(row) => found(model, &find, row),
        Look::Nothing => match &find.sought {
            Sought::Text(text) => say(model, format!("not found: {text}"), true),
            Sought::Finding => say(model, "no other exchange with a finding".to_owned(), false),
        },
    }
    Vec::new()
}

fn found(model: &mut Model, find: &Find, row: usize) {
    if find.sought != Sought::Finding {
        model.cursor_mut().at = row;
        return;
    }
    model.lists[Screen::Timeline.index()].at = row.min(model.rows.shown.len().saturating_sub(1));
    match model.timeline_fact().map(|fact| fact.id) {
        Some(id) if model.screen == Screen::Exchange => model.exchange = Some(id),
        _ => go::to(model, Screen::Timeline),
    }
}

/// Gives a search up whose list is gone, or whose reader went elsewhere. What was found would be another row.
pub(super) fn settle(model: &mut Model) {
    let holds = |find: &Find| {
        let same = !matches!(&find.list, List::Timeline(rows) if !Arc::ptr_eq(rows, &model.rows));
        let shown = !matches!(&find.list, List::Flow(session) if model.session != Some(*session));
        find.screen == model.screen && same && shown
    };
    if !model.finding.as_ref().is_none_or(holds) {
        model.finding = None;
    }
}

fn in_pane(model: &mut Model, text: &str, forwards: bool) {
    let needle = Needle::new(text);
    let (length, at) = (model.pane.lines.len(), model.pane.cursor.at);
    let mut rows = (1..=length).map(|step| around(at, step, length, forwards));
    match rows.find(|row| needle.is_in(&mut model.pane.text(*row))) {
        Some(row) => model.pane.cursor.at = row,
        None => say(model, format!("not found: {text}"), true),
    }
}

/// The same among the few rows that are there while the rest is read.
fn before_judgement(model: &mut Model, text: &str, forwards: bool) {
    let needle = Needle::new(text);
    let (length, at) = (model.length(), model.cursor().at);
    let mut rows = (1..=length).map(|step| around(at, step, length, forwards));
    match rows.find(|row| needle.is_in(&mut provisional(model, *row).unwrap_or_default())) {
        Some(row) => model.cursor_mut().at = row,
        None => say(model, format!("not found so far: {text}"), true),
    }
}

fn provisional(model: &Model, row: usize) -> Option<String> {
    let row = model.reading.rows.get(row)?;
    Some(format!("#{} {} {}", row.id.0, row.route, row.host))
}

/// Goes to the next marked exchange.
pub(super) fn mark(model: &mut Model) {
    let now = model.selected_fact().map(|fact| fact.id);
    let at = now.and_then(|now| model.marks.iter().position(|id| *id == now));
    let next = at.map_or(0, |at| (at + 1) % model.marks.len().max(1));
    let Some(id) = model.marks.get(next).copied() else {
        return say(model, "nothing is marked; m marks an exchange".to_owned(), false);
    };
    if go::select(model, id) {
        go::to(model, Screen::Timeline);
    } else {
        go::show(model, id);
    }
}

/// What is copied: the line of the details, or the row.
pub(super) fn selection(model: &Model) -> Option<String> {
    if model.moves_pane() && model.revealed.is_none() {
        return Some(model.pane.text(model.pane.cursor.at));
    }
    let at = model.cursor().at;
    let Some(data) = &model.data else {
        return provisional(model, at).filter(|_| model.screen == Screen::Timeline);
    };
    let mut text = String::new();
    List::of(model)?.write(data, at, &mut text)?;
    Some(text)
}

fn say(model: &mut Model, text: String, trouble: bool) {
    model.notice = Some(Notice { text, trouble });
}
