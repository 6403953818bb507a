//! What a lookup found: facts of one list, cut to a span of time where that is asked for.

use crate::{capture::Capture, facts::Fact};

/// Facts that were looked up, in the order of the lookup.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a, 'l> {
    capture: &'a Capture,
    indices: &'l [u32],
}

impl<'a, 'l> Found<'a, 'l> {
    pub(super) fn new(capture: &'a Capture, indices: &'l [u32]) -> Self {
        Self { capture, indices }
    }

    /// All of them.
    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = &'a Fact> + Clone + use<'a, 'l> {
        let capture = self.capture;
        self.indices.iter().map(move |&index| &capture.facts[index as usize])
    }

    /// Those that began before `at`, in nanoseconds.
    pub(crate) fn before(self, at: i64) -> Self {
        let end = self.indices.partition_point(|&i| self.capture.facts[i as usize].started_nanos() < at);
        Self { indices: &self.indices[..end], ..self }
    }

    /// Those that began at `from` or later.
    pub(crate) fn since(self, from: i64) -> Self {
        let start = self.indices.partition_point(|&i| self.capture.facts[i as usize].started_nanos() < from);
        Self { indices: &self.indices[start..], ..self }
    }
}
