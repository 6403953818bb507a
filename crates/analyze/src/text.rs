//! Shared short strings: a capture repeats the same few hosts, routes and names thousands of times.

use std::{collections::HashSet, sync::Arc};

/// A string shared by everything that says the same.
pub type Text = Arc<str>;

/// Hands out one [`Text`] per distinct string.
#[derive(Default)]
pub(crate) struct Interner {
    known: HashSet<Text, foldhash::fast::RandomState>,
}

impl Interner {
    /// The shared copy of `text`.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let shared: Text = Arc::from(text);
        self.known.insert(shared.clone());
        shared
    }
}
