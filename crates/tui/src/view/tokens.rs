//! Tokens as lifelines: from issue to expiry, every use a tick in the colour of its outcome, above what the token says.
//!
//! ```text
//!   token kind     for      ok refused  from   lifeline
//! ▌ T1    jwt      access   12       2  -      ◂──────┃┃┃─┃──────▸
//!   T2    opaque   refresh   1       0  T5            ◆────────┃
//! ───────────────────────────────────────────── 1/24 ─
//! T1 jwt:412:…x9Qk#1b2c3d4e
//!   given by  #14 POST /v1/client/sessions/{id}/tokens
//! ```

use authtrace_analyze::{facts::Fact, tokens::Token};
use authtrace_parse::Timestamp;
use ratatui::{
    buffer::Buffer,
    text::{Line, Span},
};

use super::{
    details,
    list::{self, span},
};
use crate::{
    model::{Data, Model},
    text::{cell, right},
    theme::Role,
};

/// Columns before the lifeline.
const BEFORE: usize = 52;

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let head = format!(
        "  {}{}{}{} {} {}lifeline",
        cell("token", 6),
        cell("kind", 14),
        cell("for", 9),
        right("ok", 5),
        right("refused", 7),
        cell("from", 7)
    );
    let head = Line::from(span(head, model.setup.theme.style(Role::Dim)));
    let empty = if model.data.is_some() { "No credential in any exchange." } else { "reading …" };
    list::draw(model, buffer, Some(head), empty, |row| line(model, row).unwrap_or_default());
    details::draw(model, buffer);
}

fn line(model: &Model, row: usize) -> Option<Line<'static>> {
    let data = model.data.as_ref()?;
    let id = *data.tokens.get(row)?;
    let token = data.analysis().capture.tokens.get(id);
    let theme = model.setup.theme;
    let purpose = token.purpose.map_or("-", authtrace_analyze::tokens::Purpose::name);
    let from = token.delivered_by.and_then(|by| data.analysis().fact(by)?.request.refresh_token);
    let from = from.filter(|from| *from != id).map_or_else(|| "-".to_owned(), |from| from.to_string());
    let refused = if token.refused > 0 { Role::Bad } else { Role::Dim };
    let mut spans = vec![
        span("  ", theme.style(Role::Plain)),
        span(cell(&id.to_string(), 6), theme.style(Role::Name)),
        span(cell(token.classified.kind.name(), 14), theme.style(Role::Plain)),
        span(cell(purpose, 9), theme.style(Role::Dim)),
        span(right(&token.accepted.to_string(), 5) + " ", theme.style(Role::Good)),
        span(right(&token.refused.to_string(), 7) + " ", theme.style(refused)),
        span(cell(&from, 7), theme.style(Role::Name)),
    ];
    let width = usize::from(model.areas().list.width).saturating_sub(BEFORE + 1);
    spans.extend(lifeline(model, data, token, width));
    Some(Line::from(spans))
}

/// One cell of a lifeline: a sign and what it means.
type Cell = (&'static str, Role);

/// The line from issue to expiry on the scale of the whole capture.
fn lifeline(model: &Model, data: &Data, token: &Token, width: usize) -> Vec<Span<'static>> {
    let Some((from, until)) = data.index.span.filter(|_| width > 0) else { return Vec::new() };
    let glyphs = model.setup.glyphs;
    let column = |at: Timestamp| {
        let whole = (i128::from(until) - i128::from(from)).max(1);
        let part = (i128::from(at.nanos()) - i128::from(from)).clamp(0, whole);
        usize::try_from(part * i128::try_from(width - 1).unwrap_or(0) / whole).unwrap_or(0).min(width - 1)
    };
    let claims = token.claims();
    let issued = claims.and_then(|c| c.iat).map(|date| date.intended()).or(token.delivered_at);
    let expires = claims.and_then(|c| c.exp).map(|date| date.intended());
    let (Some(begin), Some(end)) = (issued.or(token.first), expires.or(token.last)) else { return Vec::new() };
    let mut cells: Vec<Cell> = vec![(" ", Role::Plain); width];
    let (start, stop) = (column(begin), column(end).max(column(begin)));
    // Beyond its expiry a token is no longer alive, whoever sends it.
    cells[start..=stop].fill((glyphs.life, Role::Dim));
    if begin.nanos() < from {
        cells[start] = (glyphs.before, Role::Dim);
    }
    if end.nanos() > until {
        cells[stop] = (glyphs.after, Role::Dim);
    }
    if let Some(given) = token.delivered_at {
        cells[column(given)] = (glyphs.given, Role::Name);
    }
    for fact in token.sent_in.iter().filter_map(|id| data.analysis().fact(*id)) {
        let Some(at) = fact.timing.started().or(fact.timing.sent()) else { continue };
        let cell = &mut cells[column(at)];
        // Of several uses in one column the refused one shows.
        if *cell != (glyphs.tick, Role::Bad) {
            *cell = (glyphs.tick, outcome(fact));
        }
    }
    cells.into_iter().map(|(sign, role)| span(sign, model.setup.theme.style(role))).collect()
}

fn outcome(fact: &Fact) -> Role {
    match (fact.refused(), fact.succeeded()) {
        (true, _) => Role::Bad,
        (_, true) => Role::Good,
        _ => Role::Warn,
    }
}
