//! Colours: none, sixteen, or many on dark or on light; what a piece of text is decides, never where it stands.

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
    /// 24 bits, on a dark background.
    True,
    /// 24 bits, on a light background.
    Light,
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

/// One colour in each depth: among sixteen, on dark, on light.
type Hue = (Color, u32, u32);

// On either background each has a contrast of 4.5 to 1 at least (WCAG 2.2, 1.4.3).
const GREEN: Hue = (Color::Green, 0x7f_c9_7f, 0x11_63_29);
const YELLOW: Hue = (Color::Yellow, 0xe0_b4_5c, 0x8a_59_00);
const RED: Hue = (Color::Red, 0xfb_8f_95, 0xc4_1e_2f);
const CYAN: Hue = (Color::Cyan, 0x5f_b3_d9, 0x09_69_9c);
const GREY: Hue = (Color::Reset, 0xa3_a8_b2, 0x57_5e_68);
const FOUND: Hue = (Color::Yellow, 0xff_d8_66, 0x8a_59_00);

/// Lanes that differ in colour.
const LANES: [Hue; 6] = [
    CYAN,
    (Color::Magenta, 0xc9_9a_fa, 0x6f_3f_c9),
    YELLOW,
    (Color::Blue, 0x93_ad_f5, 0x22_54_c4),
    GREEN,
    (Color::Red, 0xe5_9a_9a, 0xa9_2f_45),
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
                Depth::True | Depth::Light => self.colour(GREY),
                _ => plain.add_modifier(Modifier::DIM),
            },
            Role::Bold => plain.add_modifier(Modifier::BOLD),
            Role::Good => self.colour(GREEN),
            Role::Warn => self.colour(YELLOW),
            Role::Bad => self.colour(RED).add_modifier(Modifier::BOLD),
            Role::Name => self.colour(CYAN),
            Role::Cursor => match self.depth {
                Depth::True => plain.bg(Color::from_u32(0x2f_3b_54)).add_modifier(Modifier::BOLD),
                Depth::Light => plain.bg(Color::from_u32(0xd3_e3_fb)).add_modifier(Modifier::BOLD),
                _ => plain.add_modifier(Modifier::REVERSED),
            },
            Role::CursorBeside => match self.depth {
                Depth::True => plain.bg(Color::from_u32(0x26_2b_36)),
                Depth::Light => plain.bg(Color::from_u32(0xea_ee_f4)),
                _ => plain.add_modifier(Modifier::UNDERLINED),
            },
            Role::Tab => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Role::Match => self.colour(FOUND).add_modifier(Modifier::UNDERLINED),
            Role::Lane(lane) => self.colour(LANES[lane % LANES.len()]),
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

    fn colour(self, (sixteen, dark, light): Hue) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            Depth::Sixteen => Style::new().fg(sixteen),
            Depth::True => Style::new().fg(Color::from_u32(dark)),
            Depth::Light => Style::new().fg(Color::from_u32(light)),
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

    /// Relative luminance (WCAG 2.2).
    fn luminance(colour: u32) -> f64 {
        let part = |shift: u32| {
            let part = f64::from(colour >> shift & 0xff) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    #[test]
    fn every_colour_can_be_read_on_its_background() {
        let contrast = |a: u32, b: u32| {
            let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
            if a > b { a / b } else { b / a }
        };
        for (_, dark, light) in [GREEN, YELLOW, RED, CYAN, GREY, FOUND].into_iter().chain(LANES) {
            // The background itself, the cursor's row without the focus, and with it.
            for (colour, grounds) in
                [(dark, [0x1e_1e_1e, 0x26_2b_36, 0x2f_3b_54]), (light, [0xff_ff_ff, 0xea_ee_f4, 0xd3_e3_fb])]
            {
                for ground in grounds {
                    assert!(
                        contrast(colour, ground) >= 4.5,
                        "{colour:06x} on {ground:06x}: {}",
                        contrast(colour, ground)
                    );
                }
            }
        }
    }

    #[test]
    fn without_colour_there_is_none() {
        let roles = [Role::Dim, Role::Good, Role::Bad, Role::Warn, Role::Name, Role::Cursor, Role::Tab, Role::Lane(3)];
        for role in roles {
            let style = Theme::new(Depth::None).style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }
}
