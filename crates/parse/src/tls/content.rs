//! What was inside of a TLS connection: application data, handed to a conversation of its own.

use std::sync::Arc;

use super::Security;
use crate::{
    conversation::{Conversation, Scene},
    http1::head::Side,
    stream::{Mark, Piece},
};

/// The application data of both directions.
#[derive(Default)]
pub(super) struct Content {
    conversation: Option<Box<Conversation>>,
    security: Option<Arc<Security>>,
    /// By side: bytes that went by before the first ones were read.
    missed: [u64; 2],
    /// Whether any could not be read.
    pub(super) is_partial: bool,
}

impl Content {
    /// Whether any application data was read.
    pub(super) fn is_read(&self) -> bool {
        self.conversation.is_some()
    }

    /// Whether exchanges come of it.
    pub(super) fn yields_exchanges(&self) -> bool {
        self.conversation.as_ref().is_some_and(|conversation| conversation.is_read())
    }

    /// Takes application data. `security` is asked for once, when the first comes.
    pub(super) fn data(
        &mut self,
        side: Side,
        bytes: &[u8],
        mark: Mark,
        security: impl FnOnce() -> Security,
        scene: &mut Scene<'_>,
    ) {
        if bytes.is_empty() {
            return;
        }
        if self.conversation.is_none() {
            let security = security();
            let from_start = self.missed == [0; 2];
            let mut conversation = Conversation::agreed_on(security.alpn.as_deref().unwrap_or_default(), from_start);
            self.security = Some(Arc::new(security));
            for (side, missed) in [Side::Client, Side::Server].into_iter().zip(self.missed) {
                if missed > 0 {
                    self.inside(scene, |scene| conversation.piece(side, Piece::Gap(missed), mark, scene));
                }
            }
            self.conversation = Some(Box::new(conversation));
        }
        self.speak(scene, |conversation, scene| conversation.piece(side, Piece::Data(bytes), mark, scene));
    }

    /// So many bytes of application data could not be read.
    pub(super) fn gap(&mut self, side: Side, len: u64, mark: Mark, scene: &mut Scene<'_>) {
        if len == 0 {
            return;
        }
        self.is_partial = true;
        if self.conversation.is_none() {
            self.missed[side as usize] += len;
        }
        self.speak(scene, |conversation, scene| conversation.piece(side, Piece::Gap(len), mark, scene));
    }

    pub(super) fn close(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        self.speak(scene, |conversation, scene| conversation.close(side, mark, scene));
    }

    pub(super) fn finish(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        self.speak(scene, |conversation, scene| conversation.finish(mark, scene));
    }

    fn speak(&mut self, scene: &mut Scene<'_>, say: impl FnOnce(&mut Conversation, &mut Scene<'_>)) {
        if let Some(mut conversation) = self.conversation.take() {
            self.inside(scene, |scene| say(&mut conversation, scene));
            self.conversation = Some(conversation);
        }
    }

    /// Runs `say` in the scene as it is inside.
    fn inside(&self, scene: &mut Scene<'_>, say: impl FnOnce(&mut Scene<'_>)) {
        scene.protected(self.security.clone(), say);
    }
}
