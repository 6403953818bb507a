//! A time axis: nanoseconds to user units, with round marks.

use super::svg::Drawing;
use crate::moment::span;

/// A piece of time on a piece of the picture.
pub(super) struct Scale {
    from: i64,
    until: i64,
    left: f64,
    width: f64,
}

impl Scale {
    /// `from`–`until` in nanoseconds on `width` units from `left`.
    pub(super) fn new(from: i64, until: i64, left: f64, width: f64) -> Self {
        Self { from, until: until.max(from.saturating_add(1_000_000)), left, width }
    }

    /// Where `at` lies; what lies outside is drawn at the edge.
    pub(super) fn at(&self, at: i64) -> f64 {
        let part = (at.saturating_sub(self.from)) as f64 / (self.until - self.from) as f64;
        self.left + part.clamp(0.0, 1.0) * self.width
    }

    /// Draws the marks from `top` to `bottom`, with the time since the start above them.
    pub(super) fn draw(&self, drawing: &mut Drawing, top: f64, bottom: f64) {
        let step = self.step();
        let mut at = 0;
        while at <= self.until - self.from {
            let x = self.at(self.from + at);
            drawing.line("grid", [x, top, x, bottom]);
            let label = if at == 0 { "0".to_owned() } else { format!("+{}", span(at)) };
            drawing.text("axis", [x + 3.0, top - 4.0], &label);
            at += step;
        }
    }

    /// A round step that gives at most six marks.
    fn step(&self) -> i64 {
        const MS: i64 = 1_000_000;
        const STEPS: [i64; 24] = [
            1,
            2,
            5,
            10,
            20,
            50,
            100,
            200,
            500,
            1000,
            2000,
            5000,
            10_000,
            30_000,
            60_000,
            300_000,
            600_000,
            1_800_000,
            3_600_000,
            10_800_000,
            21_600_000,
            86_400_000,
            604_800_000,
            2_592_000_000,
        ];
        let whole = self.until - self.from;
        STEPS.iter().map(|step| step * MS).find(|step| whole / step < 6).unwrap_or(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn marks_are_round_and_few() {
        let scale = Scale::new(0, 830_000_000, 100.0, 200.0);
        assert_eq!(scale.step(), 200_000_000);
        assert_eq!((scale.at(0), scale.at(415_000_000), scale.at(i64::MAX)), (100.0, 200.0, 300.0));
        assert_eq!(Scale::new(5, 5, 0.0, 1.0).at(5), 0.0, "one moment is a scale, too");
    }
}
