//! A small writer for inline SVG: shapes take their colours from classes, and every text is escaped.

use std::fmt::Write as _;

use crate::hidden::visible;

/// The most characters of one text in a picture.
const TEXT: usize = 120;

/// A drawing under construction; coordinates are user units, one of which is a pixel at full size.
pub(super) struct Drawing {
    body: String,
}

impl Drawing {
    pub(super) fn new() -> Self {
        Self { body: String::new() }
    }

    /// A rectangle; `title` is what a pointer or a screen reader gets to read.
    pub(super) fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], title: &str) {
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}" rx="2">{}</rect>"#,
            n(x),
            n(y),
            n(width),
            n(height),
            titled(title)
        );
    }

    /// A straight line.
    pub(super) fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        let _ =
            write!(self.body, r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#, n(x1), n(y1), n(x2), n(y2));
    }

    /// A path of straight segments.
    pub(super) fn path(&mut self, class: &str, points: &[[f64; 2]], title: &str) {
        let points: Vec<String> = points.iter().map(|[x, y]| format!("{} {}", n(*x), n(*y))).collect();
        let _ = write!(self.body, r#"<path class="{class}" d="M{}">{}</path>"#, points.join("L"), titled(title));
    }

    /// A text that begins at `x` (class `end`: ends there).
    pub(super) fn text(&mut self, class: &str, [x, y]: [f64; 2], text: &str) {
        let _ = write!(self.body, r#"<text class="{class}" x="{}" y="{}">{}</text>"#, n(x), n(y), escaped(text));
    }

    /// The finished picture: `id` is unique on the page, `title` and `description` are for those who do not see it.
    pub(super) fn finish(self, id: &str, [width, height]: [f64; 2], title: &str, description: &str) -> String {
        format!(
            concat!(
                r#"<svg class="picture" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-labelledby="{id}-t {id}-d">"#,
                r#"<title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc>{body}</svg>"#
            ),
            w = n(width),
            h = n(height),
            id = id,
            title = escaped(title),
            description = escaped(description),
            body = self.body
        )
    }
}

fn titled(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(title)) }
}

/// A coordinate with one decimal: equal pictures have equal bytes.
fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Text between tags.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text, TEXT).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// `text`, cut to `most` characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_become_markup() {
        let mut drawing = Drawing::new();
        drawing.text("t", [1.0, 2.25], "</text><script>alert(1)</script>");
        drawing.rect("r", [0.0, 0.0, 1.0, 1.0], "\"><b>");
        let svg = drawing.finish("p", [10.0, 10.0], "<i>", "&");
        assert!(!svg.contains("<script>") && !svg.contains("<b>") && !svg.contains("<i>"), "{svg}");
        assert!(svg.contains("x=\"1\" y=\"2.2\""), "{svg}");
    }
}
