//! Incidents: the causes, and everything about the one under the cursor as `analyze` words it.
//!
//! ```text
//! ▌high AUTH002 98% API called before…│ high[AUTH002]: API called before the token was ready
//!  cov  CAP203      Incomplete flow    │   GET /api/books was sent 806 ms before …
//!  low  AUTH101     Credentials sent … │   evidence  #11 … → 401
//!                                      │   ruled out token-expired: …
//! ```

use authtrace_analyze::Finding;
use ratatui::{buffer::Buffer, text::Line};

use super::{
    details,
    list::{self, span},
};
use crate::{
    model::{Data, Model, Topic},
    text::{cell, fit, right},
    theme::{Role, severity_role},
};

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let empty = match &model.data {
        None => "reading …",
        Some(data) if data.analysis().is_empty() => "No HTTP request could be read.",
        Some(data) if !data.analysis().has_authentication() => "No authentication traffic.",
        Some(_) => "Nothing wrong was found.",
    };
    list::draw(model, buffer, None, empty, |row| line(model, row).unwrap_or_default());
    details::draw(model, buffer);
}

fn line(model: &Model, row: usize) -> Option<Line<'static>> {
    let data = model.data.as_ref()?;
    let theme = model.setup.theme;
    let room = usize::from(model.areas().list.width).saturating_sub(23);
    let Parts { label, role, code, sure, title, route } = parts(data, *data.topics.get(row)?)?;
    let above = row.checked_sub(1).and_then(|above| parts(data, *data.topics.get(above)?));
    // Rows of one kind differ in their routes only, and a narrow list shows no end of a line.
    let text = match (above.is_some_and(|above| above.title == title), route) {
        (true, Some(route)) => format!("{} {route}", model.setup.glyphs.same),
        (false, Some(route)) => format!("{title}: {route}"),
        (_, None) => title.to_owned(),
    };
    Some(Line::from(vec![
        span(" ", theme.style(Role::Plain)),
        span(cell(label, 9), theme.style(role)),
        span(cell(code, 8), theme.style(Role::Name)),
        span(right(&sure, 4) + " ", theme.style(Role::Dim)),
        span(fit(&text, room), theme.style(Role::Plain)),
    ]))
}

/// What a row says.
struct Parts<'a> {
    label: &'static str,
    role: Role,
    code: &'static str,
    sure: String,
    title: &'a str,
    route: Option<&'a str>,
}

fn parts(data: &Data, topic: Topic) -> Option<Parts<'_>> {
    let analysis = data.analysis();
    match topic {
        Topic::Incident(at) => {
            let incident = analysis.incidents.get(at)?;
            Some(judged(analysis.finding(incident.root)?, &incident.title))
        }
        Topic::Finding(id) => analysis.finding(id).map(|finding| judged(finding, &finding.title)),
        Topic::Coverage(at) => {
            let rule = analysis.coverage.get(at)?.rule;
            let (label, role) = ("coverage", Role::Dim);
            Some(Parts { label, role, code: rule.code, sure: String::new(), title: rule.title, route: None })
        }
    }
}

fn judged<'a>(finding: &'a Finding, title: &'a str) -> Parts<'a> {
    Parts {
        label: finding.severity.name(),
        role: severity_role(finding.severity),
        code: finding.rule.code,
        sure: format!("{:.0}%", finding.confidence().value() * 100.0),
        title,
        route: Some(&finding.route),
    }
}
