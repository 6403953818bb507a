//! The waterfall: the exchanges that tell an incident, each a bar from its start to its end, failures marked.

use authtrace_analyze::facts::Fact;

use super::{
    fate,
    scale::Scale,
    svg::{Drawing, cut},
};
use crate::{
    incident_report::scene::Scene,
    moment::span,
    words::{answer, count},
};

const WIDTH: f64 = 900.0;
const LABELS: f64 = 330.0;
const ANSWERS: f64 = 90.0;
const ROW: f64 = 22.0;
const TOP: f64 = 24.0;

/// The picture, or `None` where no exchange has a time.
pub(super) fn draw(scene: &Scene<'_>) -> Option<String> {
    let (story, omitted) = scene.story();
    let rows: Vec<_> = story.into_iter().filter(|f| f.started_nanos() > 0).collect();
    let near = near(scene);
    let shown = || rows.iter().filter(|f| is_near(f, near));
    let from = shown().map(|f| f.started_nanos()).min()?;
    let until = shown().map(|f| f.ended_nanos()).max()?;
    let height = TOP + ROW * rows.len() as f64 + if omitted > 0 { ROW } else { 6.0 };
    let scale = Scale::new(from, until, LABELS, WIDTH - LABELS - ANSWERS);
    let mut drawing = Drawing::new();
    scale.draw(&mut drawing, TOP - 6.0, height - 6.0);
    for (row, fact) in rows.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let (begin, end) = (scale.at(fact.started_nanos()), scale.at(fact.ended_nanos()));
        let failing = scene.failing.iter().any(|f| f.id == fact.id);
        if failing {
            drawing.rect("marked", [0.0, y, WIDTH, ROW - 2.0], "");
        }
        let took = span(fact.ended_nanos() - fact.started_nanos());
        let title = format!("#{} {} {}, {took}", fact.id.0, fact.route, answer(fact));
        drawing.text("label", [6.0, y + 14.0], &cut(&format!("#{} {}", fact.id.0, fact.route), 46));
        if is_near(fact, near) {
            drawing.rect(fate::class(fact), [begin, y + 4.0, (end - begin).max(3.0), ROW - 10.0], &title);
        } else {
            let (at, away) = away(fact, from, until);
            drawing.text(at, [if at == "away" { LABELS + 4.0 } else { WIDTH - ANSWERS - 6.0 }, y + 14.0], &away);
        }
        drawing.text(
            "label",
            [WIDTH - ANSWERS + 8.0, y + 14.0],
            &cut(&format!("{} {}", fate::sign(fact), answer(fact)), 12),
        );
    }
    if omitted > 0 {
        drawing.text("axis", [6.0, height - 8.0], &format!("and {} like these", count(omitted, "more exchange")));
    }
    let id = format!("waterfall-{}", scene.incident.id);
    let description = format!(
        "{} over {}; {} failed. The timeline in the appendix says the same in words.",
        count(rows.len(), "exchange"),
        span(rows.iter().map(|f| f.ended_nanos()).max()? - rows.first()?.started_nanos()),
        scene.failing.len()
    );
    Some(drawing.finish(&id, [WIDTH, height], "Waterfall of the exchanges of this incident", &description))
}

/// The time around the failures that is drawn to scale: a sign-in minutes before would squeeze them into a point.
fn near(scene: &Scene<'_>) -> (i64, i64) {
    const AT_LEAST: i64 = 100_000_000;
    let begin = scene.failing.first().map_or(0, |f| f.started_nanos());
    let end = scene.failing.iter().map(|f| f.ended_nanos()).max().unwrap_or(begin);
    let around = 3 * (end - begin).max(AT_LEAST);
    (begin.saturating_sub(around), end.saturating_add(around))
}

fn is_near(fact: &Fact, (from, until): (i64, i64)) -> bool {
    (from..=until).contains(&fact.started_nanos())
}

/// Class and words for an exchange that is out of scale.
fn away(fact: &Fact, from: i64, until: i64) -> (&'static str, String) {
    if fact.started_nanos() < from {
        ("away", format!("← {} earlier", span(from - fact.started_nanos())))
    } else {
        ("away end", format!("{} later →", span(fact.started_nanos() - until)))
    }
}
