//! The screens and where their panels stand.
//!
//! ```text
//! ┌ 1 incidents  2 timeline  3 tokens … ────────────────────────┐ tabs
//! │ what is shown: inputs, counts, filter, order                │ heading
//! │ list                                                        │ body: a list, details, or both
//! │─────────────────────────────────────────────────────────────│
//! │ details                                                     │
//! └ keys, a notice, or what is being typed ─────────────────────┘ foot
//! ```

use ratatui::layout::{Rect, Size};

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Screen {
    Incidents,
    Timeline,
    Tokens,
    Exchange,
    Sessions,
    Flow,
    Compare,
    Rules,
}

impl Screen {
    /// Every screen, in the order of their keys.
    pub const ALL: [Self; 8] = [
        Self::Incidents,
        Self::Timeline,
        Self::Tokens,
        Self::Exchange,
        Self::Sessions,
        Self::Flow,
        Self::Compare,
        Self::Rules,
    ];

    /// Name on its tab and in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incidents => "incidents",
            Self::Timeline => "timeline",
            Self::Tokens => "tokens",
            Self::Exchange => "exchange",
            Self::Sessions => "sessions",
            Self::Flow => "flow",
            Self::Compare => "compare",
            Self::Rules => "rules",
        }
    }

    /// Place in [`Screen::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// What stands on it.
    const fn panels(self) -> Panels {
        match self {
            Self::Incidents | Self::Rules => Panels::Beside,
            Self::Tokens | Self::Sessions => Panels::Stacked,
            Self::Timeline => Panels::Preview,
            Self::Flow => Panels::List,
            Self::Exchange | Self::Compare => Panels::Details,
        }
    }
}

/// What stands on a screen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Panels {
    /// A list and, beside it where there is room, else below, details.
    Beside,
    /// A wide list above details.
    Stacked,
    /// A list, and a few lines of details where there is room.
    Preview,
    /// A list alone.
    List,
    /// Details alone.
    Details,
}

/// Smallest size that is drawn.
pub const SMALLEST: Size = Size { width: 40, height: 8 };
/// Columns from which list and details stand side by side.
const BESIDE_FROM: u16 = 110;
/// Rows from which the timeline has a preview.
const PREVIEW_FROM: u16 = 24;
/// Lines of the preview.
const PREVIEW: u16 = 8;

/// Where everything stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The row of tabs.
    pub tabs: Rect,
    /// The heading.
    pub heading: Rect,
    /// The list; empty where the screen has none.
    pub list: Rect,
    /// The line between list and details; empty where there is none.
    pub rule: Rect,
    /// The details; empty where the screen has none.
    pub pane: Rect,
    /// The last row.
    pub foot: Rect,
}

impl Areas {
    /// The areas of `screen` in a terminal of `size`, where its list has `rows` rows.
    pub fn of(screen: Screen, size: Size, rows: usize) -> Self {
        let Size { width, height } = size;
        let row = |y: u16| Rect { x: 0, y, width, height: 1.min(height) };
        let body = Rect { x: 0, y: 2, width, height: height.saturating_sub(3) };
        let frame = Self { tabs: row(0), heading: row(1), foot: row(height.saturating_sub(1)), ..Self::default() };
        let below = |list: u16| {
            let list = list.min(body.height);
            let rest = body.height - list;
            let rule = Rect { y: body.y + list, height: rest.min(1), ..body };
            let pane = Rect { y: body.y + list + rest.min(1), height: rest.saturating_sub(1), ..body };
            Self { list: Rect { height: list, ..body }, rule, pane, ..frame }
        };
        match screen.panels() {
            Panels::List => Self { list: body, ..frame },
            Panels::Details => Self { pane: body, ..frame },
            Panels::Preview if height >= PREVIEW_FROM => below(body.height - PREVIEW),
            Panels::Preview => Self { list: body, ..frame },
            Panels::Beside if width >= BESIDE_FROM => {
                let list = (width / 5 * 2).min(72);
                let rule = Rect { x: list, width: 1, ..body };
                let pane = Rect { x: list + 2, width: width - list - 2, ..body };
                Self { list: Rect { width: list, ..body }, rule, pane, ..frame }
            }
            Panels::Beside => below((body.height / 4).clamp(3, 10)),
            // A short list leaves its room to the details; a line names the columns.
            Panels::Stacked => {
                let needed = u16::try_from(rows.saturating_add(2)).unwrap_or(u16::MAX);
                below(needed.clamp(4, (body.height * 2 / 5).max(4)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_never_leave_the_terminal() {
        for screen in Screen::ALL {
            for (width, height) in [(0, 0), (1, 1), (40, 8), (80, 24), (120, 40), (109, 23), (500, 3), (200, 60)] {
                let size = Size { width, height };
                let whole = Rect { x: 0, y: 0, width, height };
                let a = Areas::of(screen, size, usize::from(width));
                for area in [a.tabs, a.heading, a.list, a.rule, a.pane, a.foot] {
                    let inside = area.is_empty() || whole.intersection(area) == area;
                    assert!(inside || height < SMALLEST.height, "{screen:?} {size:?}: {area:?}");
                }
            }
        }
    }
}
