//! The refresh-rate strip: how many refreshes were sent in each slice of time, accepted and refused.

use authtrace_analyze::facts::{Fact, role::Role};

use super::{scale::Scale, svg::Drawing};
use crate::{moment::span, view::View, words::count};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 40.0;
const TOP: f64 = 24.0;
const HEIGHT: f64 = 90.0;
/// Slices of time.
const SLICES: usize = 60;
/// Fewer refreshes are no storm, and a picture of them says nothing.
const FEWEST: usize = 4;

/// The picture, or `None` where there are few refreshes.
pub(super) fn draw(view: &View<'_>) -> Option<String> {
    let renews =
        |f: &&Fact| matches!(f.role, Role::Refresh | Role::Mint) && f.leg_of().is_none() && f.started_nanos() > 0;
    let refreshes: Vec<&Fact> = view.facts().filter(renews).collect();
    if refreshes.len() < FEWEST {
        return None;
    }
    let from = refreshes.iter().map(|f| f.started_nanos()).min()?;
    let until = refreshes.iter().map(|f| f.started_nanos()).max()?.max(from + 1_000_000);
    let mut slices = [(0usize, 0usize); SLICES];
    for fact in &refreshes {
        let slice = ((fact.started_nanos() - from) as f64 / (until - from) as f64 * (SLICES - 1) as f64) as usize;
        let (good, bad) = &mut slices[slice.min(SLICES - 1)];
        *(if fact.succeeded() { good } else { bad }) += 1;
    }
    let highest = slices.iter().map(|(good, bad)| good + bad).max()?.max(1);
    let scale = Scale::new(from, until, LEFT, WIDTH - LEFT - 20.0);
    let mut drawing = Drawing::new();
    scale.draw(&mut drawing, TOP - 6.0, TOP + HEIGHT);
    let wide = (WIDTH - LEFT - 20.0) / SLICES as f64;
    let slice_long = span((until - from) / SLICES as i64);
    for (slice, (good, bad)) in slices.iter().enumerate() {
        let tall = |number: usize| HEIGHT * number as f64 / highest as f64;
        let x = LEFT + wide * slice as f64;
        let title = format!("{good} accepted, {bad} refused within {slice_long}");
        if *bad > 0 {
            drawing.rect("bad", [x, TOP + HEIGHT - tall(*bad), (wide - 2.0).max(2.0), tall(*bad)], &title);
        }
        if *good > 0 {
            drawing.rect("good", [x, TOP + HEIGHT - tall(good + bad), (wide - 2.0).max(2.0), tall(*good)], &title);
        }
    }
    drawing.line("expiry", [LEFT, TOP + HEIGHT, WIDTH - 20.0, TOP + HEIGHT]);
    drawing.text("axis end", [LEFT - 6.0, TOP + 8.0], &highest.to_string());
    drawing.text("axis end", [LEFT - 6.0, TOP + HEIGHT], "0");
    let refused = refreshes.iter().filter(|f| !f.succeeded()).count();
    let description = format!(
        "{} within {}, {refused} refused.",
        count(refreshes.len(), "refresh").replace("refreshs", "refreshes"),
        span(until - from)
    );
    Some(drawing.finish("refresh-rate", [WIDTH, TOP + HEIGHT + 8.0], "Refreshes over time", &description))
}
