//! A place in a long list, and the part of the list that is on the screen.

/// The row that is selected and the first row that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Selected row.
    pub at: usize,
    /// First row on the screen.
    pub top: usize,
}

impl Cursor {
    /// Goes `by` rows down, or up where it is negative.
    pub fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by);
    }

    /// Holds it within `length` rows of which `room` are shown, and moves the window only as far as needed.
    pub fn settle(&mut self, length: usize, room: usize) {
        let room = room.max(1);
        self.at = self.at.min(length.saturating_sub(1));
        self.top = self.top.min(self.at).max((self.at + 1).saturating_sub(room)).min(length.saturating_sub(room));
    }

    /// The rows on the screen.
    pub fn window(&self, length: usize, room: usize) -> std::ops::Range<usize> {
        self.top.min(length)..self.top.saturating_add(room).min(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_cursor() {
        let mut cursor = Cursor::default();
        cursor.step(12);
        cursor.settle(100, 10);
        assert_eq!(cursor, Cursor { at: 12, top: 3 });
        cursor.step(-5);
        cursor.settle(100, 10);
        assert_eq!(cursor, Cursor { at: 7, top: 3 }, "the window stays while it shows the row");
        cursor.step(isize::MAX);
        cursor.settle(100, 10);
        assert_eq!((cursor, cursor.window(100, 10)), (Cursor { at: 99, top: 90 }, 90..100));
        cursor.settle(0, 10);
        assert_eq!((cursor, cursor.window(0, 10)), (Cursor::default(), 0..0));
        cursor.step(-1);
        cursor.settle(3, 0);
        assert_eq!(cursor.at, 0);
    }
}
