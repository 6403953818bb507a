//! What facts have in common, kept once for all of them.

use std::{collections::HashSet, sync::Arc};

use super::{Common, Fact, credential::Credential, shared::Lists};
use crate::text::{Interner, Text};

/// What facts have in common, each kept once.
#[derive(Default)]
pub(crate) struct Sharing {
    pub(super) interner: Interner,
    commons: HashSet<Arc<Common>, foldhash::fast::RandomState>,
    pub(super) credentials: Lists<Credential>,
    pub(super) stacks: Lists<Text>,
}

impl Sharing {
    /// Replaces what `fact` has in common with earlier ones by theirs.
    pub(crate) fn share(&mut self, fact: &mut Fact) {
        fact.credentials = self.credentials.unite(&fact.credentials);
        fact.stack = self.stacks.unite(&fact.stack);
        fact.call_site = fact.stack.first().cloned();
        fact.path = self.interner.unite(&fact.path);
        fact.common = match self.commons.get(&*fact.common) {
            Some(known) => Arc::clone(known),
            None => {
                self.commons.insert(Arc::clone(&fact.common));
                Arc::clone(&fact.common)
            }
        };
    }

    /// `common`, or the one that is equal to it.
    pub(super) fn common(&mut self, common: Common) -> Arc<Common> {
        if let Some(known) = self.commons.get(&common) {
            return Arc::clone(known);
        }
        let common = Arc::new(common);
        self.commons.insert(Arc::clone(&common));
        common
    }
}
