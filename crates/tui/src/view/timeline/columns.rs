//! How wide each column of the timeline is: what matters stays, the rest comes as there is room.

use crate::text::{cell, right};

/// Widths; 0 leaves a column out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) lanes: usize,
    pub(super) id: usize,
    pub(super) time: usize,
    pub(super) method: usize,
    pub(super) host: usize,
    pub(super) path: usize,
    pub(super) with: usize,
    pub(super) role: usize,
    pub(super) finding: usize,
    pub(super) took: usize,
    pub(super) waterfall: usize,
}

impl Columns {
    /// For a list of `width` columns and `lanes` lanes.
    pub(super) fn of(width: u16, lanes: usize) -> Self {
        let width = usize::from(width);
        let wide = |from: usize, columns: usize| if width >= from { columns } else { 0 };
        let mut columns = Self {
            lanes: if lanes > 0 && width >= 70 { lanes + 1 } else { 0 },
            id: 6,
            time: 14,
            method: 8,
            host: wide(150, 28),
            path: 0,
            with: if width >= 60 { 9 } else { 3 },
            role: wide(125, 12),
            finding: wide(76, 9),
            took: wide(110, 11),
            waterfall: if width >= 100 { 16 + (width - 100) / 4 } else { 0 },
        };
        columns.path = width.saturating_sub(columns.others()).max(8);
        columns
    }

    /// Everything but the path: mark, status and sign included.
    fn others(&self) -> usize {
        let fixed = 2 + self.lanes + self.id + 1 + self.time + self.method + self.host;
        fixed + 6 + self.with + self.role + self.finding + self.took + self.waterfall
    }

    /// The names of the columns.
    pub(super) fn head(&self) -> String {
        let mut head = format!("  {}{} ", cell("", self.lanes), right("id", self.id));
        for (name, width) in [
            ("time", self.time),
            ("method", self.method),
            ("host", self.host),
            ("path", self.path),
            ("code", 6),
            ("with", self.with),
            ("role", self.role),
            ("finding", self.finding),
        ] {
            head.push_str(&cell(name, width));
        }
        if self.took > 0 {
            head.push_str(&(right("took", self.took - 1) + " "));
        }
        if self.waterfall > 0 {
            head.push_str("waterfall");
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_used_and_not_exceeded() {
        for width in 60..400_u16 {
            for lanes in [0, 1, 6] {
                let columns = Columns::of(width, lanes);
                assert_eq!(columns.others() + columns.path, usize::from(width).max(columns.others() + 8));
            }
        }
    }
}
