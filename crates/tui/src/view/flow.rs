//! The flow of one session: who asked whom, and what came back.
//!
//! ```text
//!               client                 http://localhost:8000      http://localhost:9000
//!                 │                              │                          │
//! ▌18:09:36.952   ├─ GET /api/v1/books/ ────────▶│                          │
//!           #11   │◀╌╌ 401 refused ╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤                          │
//! ```

use authtrace_analyze::facts::Fact;
use authtrace_report::moment::Ticker;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::write;
use crate::{
    model::{Data, Model},
    text::{fit, width},
    theme::Role,
};

/// Columns of the time.
const GUTTER: u16 = 16;

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let area = model.areas().list;
    let theme = model.setup.theme;
    let Some(data) = model.data.as_ref().filter(|_| !model.flow().is_empty()) else {
        let text = if model.data.is_some() { "No session." } else { "reading …" };
        write(buffer, area, 2, 0, text, theme.style(Role::Dim));
        return;
    };
    let flow = model.flow();
    let origins = model.session.map(|session| data.flows.origins(session)).unwrap_or_default();
    let places = Places::new(area, origins.len());
    names(model, buffer, area, &places, origins);
    let cursor = model.cursor();
    let ours = cursor.window(flow.len(), model.room());
    for (row, place) in ours.clone().zip(flow.get(ours.clone()).unwrap_or_default()) {
        let y = area.y + 2 + u16::try_from((row - ours.start) * 2).unwrap_or(0);
        let Some(fact) = data.fact(*place).filter(|_| y + 1 < area.bottom()) else { break };
        let rect = Rect { y, height: 2, ..area };
        let to = origins.iter().position(|origin| *origin == fact.origin).unwrap_or(origins.len().saturating_sub(1));
        call(model, data, buffer, rect, &places, to, fact);
        super::list::mark_matches(model, buffer, Rect { height: 1, ..rect });
        if row == cursor.at {
            buffer.set_style(rect, theme.style(Role::Cursor));
        }
    }
}

/// Where the lifelines stand.
struct Places {
    client: u16,
    step: u16,
    count: u16,
}

impl Places {
    fn new(area: Rect, origins: usize) -> Self {
        let count = u16::try_from(origins).unwrap_or(1).max(1);
        let client = GUTTER + 2;
        let step = (area.width.saturating_sub(client + 12) / count).max(6);
        Self { client, step, count }
    }

    /// The column of origin `number`.
    fn of(&self, number: usize) -> u16 {
        self.client + self.step * (u16::try_from(number).unwrap_or(0) + 1)
    }

    fn all(&self) -> impl Iterator<Item = u16> + '_ {
        (0..=self.count).map(|number| self.client + self.step * number)
    }
}

fn names(model: &Model, buffer: &mut Buffer, area: Rect, places: &Places, origins: &[authtrace_analyze::text::Text]) {
    let style = model.setup.theme.style(Role::Bold);
    let step = usize::from(places.step);
    let mut name = |text: &str, at: u16| {
        let text = fit(text, step.saturating_sub(1).max(6));
        let half = u16::try_from(width(&text) / 2).unwrap_or(0);
        write(buffer, area, at.saturating_sub(half), 0, &text, style);
    };
    name("client", places.client);
    for (number, origin) in origins.iter().enumerate() {
        let short = origin.split_once("://").map_or(&**origin, |(_, host)| host);
        name(short, places.of(number));
    }
    let lifeline = model.setup.theme.style(Role::Dim);
    for x in places.all() {
        write(buffer, area, x, 1, model.setup.glyphs.down, lifeline);
    }
}

/// Question and answer.
fn call(model: &Model, data: &Data, buffer: &mut Buffer, area: Rect, places: &Places, to: usize, fact: &Fact) {
    let (theme, glyphs) = (model.setup.theme, model.setup.glyphs);
    let dim = theme.style(Role::Dim);
    for x in places.all() {
        write(buffer, area, x, 0, glyphs.down, dim);
        write(buffer, area, x, 1, glyphs.down, dim);
    }
    let clock = model.setup.clock.clone().unwrap_or_default();
    let begins = data.index.span.map(|(begin, _)| authtrace_parse::Timestamp::from_nanos(begin));
    let time = Ticker::new(&clock, begins).show(fact.timing.started().or(fact.timing.sent()));
    let mark = if model.marks.contains(&fact.id) { glyphs.mark } else { " " };
    write(buffer, area, 0, 0, &format!("{mark} {}", fit(&time, usize::from(GUTTER) - 2)), dim);
    write(buffer, area, 2, 1, &format!("#{}", fact.id.0), dim);
    let end = places.of(to);
    let role = match (fact.refused(), fact.succeeded()) {
        (true, _) => Role::Bad,
        (_, true) => Role::Good,
        _ => Role::Warn,
    };
    let carries = fact.main_credential().map(|c| format!(" [{}]", c.token)).unwrap_or_default();
    let asked = format!(" {} {}{carries} ", fact.method, fact.path);
    arrow(buffer, area, 0, (places.client, end), (glyphs.across, "", glyphs.right), &asked, theme.style(Role::Plain));
    let answer = match (fact.status, &fact.failure) {
        (Some(status), _) => format!(" {status} {} ", fact.outcome.class.name()),
        (None, Some(failure)) => format!(" {failure} "),
        (None, None) => " no answer ".to_owned(),
    };
    let given: Vec<String> = fact.delivered.iter().map(|d| d.token.to_string()).collect();
    let answer = if given.is_empty() { answer } else { format!("{answer}gives {} ", given.join(", ")) };
    arrow(buffer, area, 1, (places.client, end), (glyphs.reply, glyphs.left, ""), &answer, theme.style(role));
}

/// A line between two lifelines: `shaft` with a head at its left or right end, and a text on it.
fn arrow(
    buffer: &mut Buffer,
    area: Rect,
    y: u16,
    (from, to): (u16, u16),
    (shaft, left, right): (&str, &str, &str),
    text: &str,
    style: Style,
) {
    let room = usize::from(to.saturating_sub(from + 1));
    write(buffer, area, from + 1, y, &shaft.repeat(room), style);
    write(buffer, area, from + 1, y, left, style);
    if !right.is_empty() {
        write(buffer, area, to.saturating_sub(1), y, right, style);
    }
    let text = fit(text, room.saturating_sub(4));
    write(buffer, area, from + 3, y, &text, style);
}
