//! From screen to screen, and into what is selected.

use std::sync::Arc;

use authtrace_analyze::facts::{Fact, SessionId};
use authtrace_parse::ExchangeId;

use crate::{
    arrange::{Fold, Row},
    message::Command,
    model::{Model, Notice},
    screen::Screen,
};

/// Steps back that are remembered.
const TRAIL: usize = 50;

/// Goes to `screen`, with what is selected where the screen shows one thing.
pub(super) fn to(model: &mut Model, screen: Screen) {
    if screen == model.screen {
        return;
    }
    let fact = model.selected_fact().map(|fact| (fact.id, fact.session));
    match screen {
        Screen::Exchange if model.screen != Screen::Compare => {
            model.exchange = fact.map(|(id, _)| id).or(model.exchange).or_else(|| first(model));
        }
        Screen::Flow => {
            let first = || model.data.as_ref().and_then(|data| data.sessions.first().copied());
            let session = match model.screen {
                Screen::Sessions => selected_session(model),
                _ => fact.and_then(|(_, session)| session),
            };
            let session = session.or(model.session).or_else(first);
            set_session(model, session);
        }
        _ => {}
    }
    switch(model, screen);
}

/// Shows `screen`.
fn switch(model: &mut Model, screen: Screen) {
    if screen == model.screen {
        return;
    }
    model.trail.push(model.screen);
    if model.trail.len() > TRAIL {
        model.trail.remove(0);
    }
    model.screen = screen;
    model.in_pane = false;
}

/// Shows the exchange `id`.
pub(super) fn show(model: &mut Model, id: ExchangeId) {
    model.exchange = Some(id);
    select(model, id);
    switch(model, Screen::Exchange);
}

/// Puts the cursor of the timeline on exchange `id`, where the arrangement holds it.
pub(super) fn select(model: &mut Model, id: ExchangeId) -> bool {
    let Some(place) = model.data.as_ref().and_then(|data| data.place(id)) else { return false };
    let row = match model.rows.row(place) {
        None if model.how.fold != Fold::None => Arc::make_mut(&mut model.rows).reveal(place),
        row => row,
    };
    if let Some(row) = row {
        model.lists[Screen::Timeline.index()].at = row;
    }
    row.is_some()
}

/// Shows the flow of `session`.
pub(super) fn set_session(model: &mut Model, session: Option<SessionId>) {
    if session == model.session {
        return;
    }
    model.session = session;
    model.lists[Screen::Flow.index()] = crate::model::Cursor::default();
}

/// Opens what is under the cursor.
pub(super) fn open(model: &mut Model) {
    if model.moves_pane() {
        let link = model.pane.lines.get(model.pane.cursor.at).and_then(|line| line.exchange);
        if let Some(id) = link.filter(|id| model.screen != Screen::Exchange || model.exchange != Some(*id)) {
            show(model, id);
        }
        return;
    }
    match model.screen {
        Screen::Timeline => match model.rows.shown.get(model.cursor().at).copied() {
            Some(Row::Group(group)) => toggle(model, group, None),
            Some(Row::Exchange(_)) => show_selected(model),
            None => {}
        },
        Screen::Flow => show_selected(model),
        Screen::Sessions => to(model, Screen::Flow),
        Screen::Incidents | Screen::Tokens | Screen::Rules => {
            model.in_pane = true;
            let first = model.pane.lines.iter().position(|line| line.exchange.is_some());
            model.pane.cursor.at = first.unwrap_or(0);
        }
        Screen::Exchange | Screen::Compare => {}
    }
}

fn show_selected(model: &mut Model) {
    if let Some(id) = model.selected_fact().map(|fact| fact.id) {
        show(model, id);
    }
}

/// Left and right: groups fold, sessions and exchanges go by.
pub(super) fn sideways(model: &mut Model, right: bool) {
    match model.screen {
        Screen::Timeline => {
            if model.how.fold == Fold::None {
                return;
            }
            let at = model.cursor().at;
            let head = model.rows.shown.iter().take(at + 1).rposition(|row| matches!(row, Row::Group(_)));
            if let Some((head, Row::Group(group))) = head.and_then(|head| Some((head, *model.rows.shown.get(head)?))) {
                if !right {
                    model.cursor_mut().at = head;
                }
                toggle(model, group, Some(right));
            }
        }
        Screen::Flow => {
            let sessions = model.data.as_ref().map(|data| data.sessions.as_slice()).unwrap_or_default();
            let at = sessions.iter().position(|session| Some(*session) == model.session);
            let next = at.map_or(Some(0), |at| if right { Some(at + 1) } else { at.checked_sub(1) });
            if let Some(session) = next.and_then(|at| sessions.get(at)).copied() {
                set_session(model, Some(session));
            }
        }
        Screen::Exchange => neighbour(model, right),
        _ => model.in_pane = right,
    }
}

/// The exchange before or after this one in the timeline.
fn neighbour(model: &mut Model, after: bool) {
    let row = model.lists[Screen::Timeline.index()].at;
    let mut rows = 0..model.rows.shown.len();
    let exchange = |row: &usize| matches!(model.rows.shown.get(*row), Some(Row::Exchange(_)));
    let next = if after { rows.by_ref().skip(row + 1).find(exchange) } else { (0..row).rev().find(exchange) };
    let Some(Row::Exchange(place)) = next.and_then(|row| model.rows.shown.get(row)).copied() else { return };
    let id = model.data.as_ref().and_then(|data| data.fact(place)).map(|fact: &Fact| fact.id);
    if let (Some(id), Some(row)) = (id, next) {
        model.exchange = Some(id);
        model.lists[Screen::Timeline.index()].at = row;
    }
}

fn toggle(model: &mut Model, group: u32, open: Option<bool>) {
    let known = model.rows.groups.get(group as usize).filter(|group| !group.name.is_empty());
    let Some(known) = known.filter(|known| open != Some(known.open)) else { return };
    let open = open.unwrap_or(!known.open);
    let rows = Arc::make_mut(&mut model.rows);
    if let Some(group) = rows.groups.get_mut(group as usize) {
        group.open = open;
    }
    rows.refresh();
}

/// One step back: out of a search, out of the details, then to the screen before, then out.
pub(super) fn back(model: &mut Model) -> Vec<Command> {
    if model.finding.take().is_some() {
        model.notice = Some(Notice { text: "search given up".to_owned(), trouble: false });
    } else if model.in_pane && !model.areas().list.is_empty() {
        model.in_pane = false;
    } else if model.search.is_some() {
        model.search = None;
    } else if let Some(screen) = model.trail.pop() {
        model.screen = screen;
    } else {
        return vec![Command::Quit];
    }
    Vec::new()
}

fn selected_session(model: &Model) -> Option<SessionId> {
    let data = model.data.as_ref()?;
    data.sessions.get(model.lists[Screen::Sessions.index()].at).copied()
}

/// The exchange under the timeline's cursor, else the first of all.
fn first(model: &Model) -> Option<ExchangeId> {
    let data = model.data.as_ref()?;
    model.timeline_fact().or_else(|| data.analysis().capture.facts.first()).map(|fact| fact.id)
}
