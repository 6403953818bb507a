//! Colours: none, sixteen, or many; what a piece of text is decides, never where it stands.

use authtrace_analyze::Severity;
use authtrace_report::style::Ink;
use ratatui::style::{Color, Modifier, Style};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// No colour: bold, dim, underlined and reversed only.
    None,
    /// The sixteen colours that the user chose for the terminal.
    #[default]
    Sixteen,
    /// 24 bits.
    True,
}

/// What something on the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Plain,
    /// Secondary text, lines, padding.
    Dim,
    /// Headings.
    Bold,
    /// It worked.
    Good,
    /// It may matter.
    Warn,
    /// It failed.
    Bad,
    /// A name to hold on to: a token, a session.
    Name,
    /// The row under the cursor.
    Cursor,
    /// The same in a panel without the focus.
    CursorBeside,
    /// The current tab.
    Tab,
    /// What a search found.
    Match,
    /// One of the lanes.
    Lane(usize),
}

/// Colours of one depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    depth: Depth,
}

/// Lanes that differ in colour.
const LANES: [(Color, u32); 6] = [
    (Color::Cyan, 0x5f_b3_d9),
    (Color::Magenta, 0xc5_8a_f9),
    (Color::Yellow, 0xe0_b4_5c),
    (Color::Blue, 0x82_9f_f0),
    (Color::Green, 0x7f_c9_7f),
    (Color::Red, 0xe0_8a_8a),
];

impl Theme {
    /// The theme of `depth`.
    pub fn new(depth: Depth) -> Self {
        Self { depth }
    }

    /// How `role` looks.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match role {
            Role::Plain => plain,
            Role::Dim => match self.depth {
                Depth::True => plain.fg(Color::from_u32(0x8a_8f_98)),
                _ => plain.add_modifier(Modifier::DIM),
            },
            Role::Bold => plain.add_modifier(Modifier::BOLD),
            Role::Good => self.colour(Color::Green, 0x7f_c9_7f),
            Role::Warn => self.colour(Color::Yellow, 0xe0_b4_5c),
            Role::Bad => self.colour(Color::Red, 0xf0_71_78).add_modifier(Modifier::BOLD),
            Role::Name => self.colour(Color::Cyan, 0x5f_b3_d9),
            Role::Cursor => match self.depth {
                Depth::True => plain.bg(Color::from_u32(0x2f_3b_54)).add_modifier(Modifier::BOLD),
                _ => plain.add_modifier(Modifier::REVERSED),
            },
            Role::CursorBeside => match self.depth {
                Depth::True => plain.bg(Color::from_u32(0x26_2b_36)),
                _ => plain.add_modifier(Modifier::UNDERLINED),
            },
            Role::Tab => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Role::Match => self.colour(Color::Yellow, 0xff_d8_66).add_modifier(Modifier::UNDERLINED),
            Role::Lane(lane) => {
                let (sixteen, many) = LANES[lane % LANES.len()];
                self.colour(sixteen, many)
            }
        }
    }

    /// How `report` would ink it.
    pub fn ink(self, ink: Ink) -> Style {
        self.style(match ink {
            Ink::Plain => Role::Plain,
            Ink::Bold => Role::Bold,
            Ink::Dim => Role::Dim,
            Ink::Good => Role::Good,
            Ink::Severity(severity) => severity_role(severity),
        })
    }

    fn colour(self, sixteen: Color, many: u32) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            Depth::Sixteen => Style::new().fg(sixteen),
            Depth::True => Style::new().fg(Color::from_u32(many)),
        }
    }
}

/// How bad it looks.
pub fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Critical | Severity::High => Role::Bad,
        Severity::Medium => Role::Warn,
        Severity::Low => Role::Name,
        Severity::Info => Role::Dim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_there_is_none() {
        let roles = [Role::Dim, Role::Good, Role::Bad, Role::Warn, Role::Name, Role::Cursor, Role::Tab, Role::Lane(3)];
        for role in roles {
            let style = Theme::new(Depth::None).style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }
}
