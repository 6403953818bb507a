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
        Some(data) if data.analysis().capture.facts.is_empty() => "No HTTP request could be read.",
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
    let (label, role, code, sure, title) = parts(data, *data.topics.get(row)?)?;
    Some(Line::from(vec![
        span(" ", theme.style(Role::Plain)),
        span(cell(&label, 9), theme.style(role)),
        span(cell(&code, 8), theme.style(Role::Name)),
        span(right(&sure, 4) + " ", theme.style(Role::Dim)),
        span(fit(&title, room), theme.style(Role::Plain)),
    ]))
}

type Parts = (String, Role, String, String, String);

fn parts(data: &Data, topic: Topic) -> Option<Parts> {
    let analysis = data.analysis();
    let of = |finding: &Finding, title: &str| {
        let sure = format!("{:.0}%", finding.confidence().value() * 100.0);
        let role = severity_role(finding.severity);
        (finding.severity.name().to_owned(), role, finding.rule.code.to_owned(), sure, title.to_owned())
    };
    match topic {
        Topic::Incident(at) => {
            let incident = analysis.incidents.get(at)?;
            let root = analysis.finding(incident.root)?;
            Some(of(root, &format!("{}: {}", incident.title, root.route)))
        }
        Topic::Finding(id) => {
            let finding = analysis.finding(id)?;
            Some(of(finding, &format!("{}: {}", finding.title, finding.route)))
        }
        Topic::Coverage(at) => {
            let gap = analysis.coverage.get(at)?;
            let title = gap.rule.title.to_owned();
            Some(("coverage".to_owned(), Role::Dim, gap.rule.code.to_owned(), String::new(), title))
        }
    }
}
