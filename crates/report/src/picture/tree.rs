//! The causal tree: boxes joined to what they follow from.

use super::svg::{Drawing, cut};
use crate::{
    incident_report::model::{Branch, Chapter},
    words::{count, some},
};

const WIDTH: f64 = 900.0;
const INDENT: f64 = 36.0;
const BOX: f64 = 44.0;
const ROW: f64 = 58.0;
const WIDEST: f64 = 640.0;

/// The picture, or `None` where nothing follows from the root: one box says no more than the text.
pub(super) fn draw(chapter: &Chapter) -> Option<String> {
    let mut drawing = Drawing::new();
    let mut row = 0;
    for branch in &chapter.tree {
        place(&mut drawing, branch, 0, &mut row);
    }
    let height = ROW * row as f64;
    let title = "Causal tree: the root cause and what followed from it";
    let description = format!(
        "{}, headed by {}. The list below says the same in words.",
        count(row, "box").replace("boxs", "boxes"),
        chapter.code
    );
    (row > 1).then(|| drawing.finish(&format!("tree-{}", chapter.id), [WIDTH, height], title, &description))
}

/// Draws `branch` and what is below it; gives the height of its middle.
fn place(drawing: &mut Drawing, branch: &Branch, depth: usize, row: &mut usize) -> f64 {
    let (x, y) = (INDENT * depth as f64 + 2.0, ROW * *row as f64 + 4.0);
    *row += 1;
    let class = if depth == 0 { "box root" } else { "box" };
    drawing.rect(class, [x, y, WIDEST, BOX], "");
    drawing.text("label strong", [x + 10.0, y + 18.0], &cut(&format!("{} {}", branch.code, branch.title), 84));
    let place = format!("{} · {}", some(&branch.routes, 3), count(branch.requests, "request"));
    drawing.text("axis", [x + 10.0, y + 35.0], &cut(&place, 92));
    for child in &branch.children {
        let middle = place_child(drawing, child, depth, row);
        let stem = x + INDENT / 2.0;
        drawing.path("link", &[[stem, y + BOX], [stem, middle], [x + INDENT, middle]], "");
    }
    y + BOX / 2.0
}

fn place_child(drawing: &mut Drawing, child: &Branch, depth: usize, row: &mut usize) -> f64 {
    place(drawing, child, depth + 1, row)
}
