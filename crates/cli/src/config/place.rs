//! Places in a settings file: bytes as the parser counts, lines and columns as people do.

/// Something wrong at a place.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Byte where it begins.
    pub(crate) at: usize,
    /// What is wrong and what to do, on one line.
    pub(crate) says: String,
}

impl Fault {
    pub(crate) fn new(at: usize, says: impl Into<String>) -> Self {
        Self { at, says: says.into() }
    }
}

/// The text of a file, with its line ends.
pub(crate) struct Text {
    text: String,
}

impl Text {
    pub(crate) fn new(text: String) -> Self {
        Self { text }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, one-based; columns count characters.
    pub(crate) fn place(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        (line, before[start..].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_people_count() {
        let text = Text::new("ä = 1\nbb = 2\n".to_owned());
        assert_eq!(text.place(0), (1, 1));
        assert_eq!(text.place(1), (1, 1), "inside a character");
        assert_eq!(text.place(5), (1, 5));
        assert_eq!(text.place(7), (2, 1));
        assert_eq!(text.place(999), (3, 1));
    }
}
