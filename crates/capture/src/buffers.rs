//! Buffers on their way back from whoever read them to whoever fills them, so that few are allocated.

use std::sync::mpsc::{self, Receiver, SyncSender};

/// A way back for buffers. It holds `most` of them; more than that are freed, since nobody waits for them.
pub(crate) fn way_back(most: usize) -> (Spent, Reusable) {
    let (spent, reusable) = mpsc::sync_channel(most);
    (Spent(spent), Reusable(reusable))
}

/// Where buffers go that were read.
pub(crate) struct Spent(SyncSender<Vec<u8>>);

impl Spent {
    /// Gives `buffer` back, if there is anything to use again.
    pub(crate) fn give_back(&self, buffer: Vec<u8>) {
        if buffer.capacity() > 0 {
            // The other side may be done already, or have enough.
            let _ = self.0.try_send(buffer);
        }
    }
}

/// Where they come from again.
pub(crate) struct Reusable(Receiver<Vec<u8>>);

impl Reusable {
    /// A buffer that still holds what was read last, or a new one.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.0.try_recv().unwrap_or_default()
    }

    /// A buffer with nothing in it.
    #[cfg(all(feature = "live", unix))]
    pub(crate) fn take_empty(&self) -> Vec<u8> {
        let mut buffer = self.take();
        buffer.clear();
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_is_of_use_and_no_more_than_that() {
        let (spent, reusable) = way_back(1);
        spent.give_back(Vec::new());
        spent.give_back(b"first".to_vec());
        spent.give_back(b"second".to_vec());
        assert_eq!(reusable.take(), b"first");
        assert_eq!(reusable.take(), b"");
    }

    #[cfg(all(feature = "live", unix))]
    #[test]
    fn an_empty_buffer_holds_nothing_of_its_last_use() {
        let (spent, reusable) = way_back(1);
        spent.give_back(b"read already".to_vec());
        let buffer = reusable.take_empty();
        assert!(buffer.is_empty());
        assert!(buffer.capacity() > 0);
    }
}
