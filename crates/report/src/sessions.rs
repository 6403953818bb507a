//! `sessions`: who did what, one row a session.

use std::collections::BTreeSet;

use authtrace_analyze::facts::{SessionId, session::Session};

use crate::{
    columns::{Column, table},
    csv,
    json::{self, document as doc},
    moment::{Ticker, rfc3339, span},
    terminal::Layout,
    view::View,
};

/// One JSON document.
pub fn json(view: &View<'_>) -> String {
    json::pretty(&documents(view))
}

/// One session a line.
pub fn jsonl(view: &View<'_>) -> String {
    documents(view).iter().map(json::line).collect()
}

/// One session a row, for a spreadsheet.
pub fn csv(view: &View<'_>) -> String {
    const COLUMNS: &[&str] = &["id", "principal", "first", "last", "exchanges", "refused", "first_exchange"];
    csv::table(COLUMNS, documents(view))
}

/// A table.
pub fn text(view: &View<'_>, layout: &Layout, width: Option<usize>) -> String {
    let sessions = in_focus(view);
    if sessions.is_empty() {
        return "No session: no exchange in focus carries or is given a credential.\n".to_owned();
    }
    let columns = [
        Column::left("session"),
        Column::flexible("principal", 12),
        Column::right("exchanges"),
        Column::right("refused"),
        Column::left("first"),
        Column::left("lasted"),
        Column::right("starts at"),
    ];
    let clock = layout.clock.clone().unwrap_or_default();
    let mut ticker = Ticker::new(&clock, view.begins());
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|(id, s)| {
            vec![
                id.to_string(),
                s.subject.as_deref().map_or_else(|| "-".to_owned(), |subject| format!("sub #{subject}")),
                s.exchanges.to_string(),
                s.refused.to_string(),
                ticker.show(s.first),
                s.last.zip(s.first).map_or_else(|| "-".to_owned(), |(last, first)| span(last.nanos_since(first))),
                format!("#{}", s.first_exchange.0),
            ]
        })
        .collect();
    table(&columns, &rows, width, layout.style)
}

/// Sessions as objects of the document.
pub(crate) fn documents(view: &View<'_>) -> Vec<doc::Session> {
    in_focus(view)
        .into_iter()
        .map(|(id, session)| doc::Session {
            id: id.to_string(),
            principal: session.subject.as_deref().map(str::to_owned),
            first: session.first.map(rfc3339),
            last: session.last.map(rfc3339),
            exchanges: session.exchanges,
            refused: session.refused,
            first_exchange: session.first_exchange.0,
        })
        .collect()
}

/// Sessions that exchanges in focus belong to, by number.
pub fn in_focus<'a>(view: &View<'a>) -> Vec<(SessionId, &'a Session)> {
    let seen: BTreeSet<SessionId> = view.facts().filter_map(|fact| fact.session).collect();
    let numbered = (0u32..).map(SessionId).zip(&view.analysis.capture.sessions);
    numbered.filter(|(id, _)| seen.contains(id)).collect()
}
