//! Page lifetimes: one document's life in a client, the frame in which "the token was not ready yet" makes sense.
//!
//! A browser's lifetime runs from a document navigation to the next one in the same recorder page.
//! A client without documents starts a new one after a pause of [`PAUSE`].

use std::{collections::HashMap, time::Duration};

use super::{ClientId, Fact, LifetimeId};
use crate::text::Text;

/// A client without documents that is silent this long has started anew.
pub const PAUSE: Duration = Duration::from_secs(30);

/// Numbers the lifetimes of `facts`, which are in time order per client.
pub(crate) fn assign<'a>(facts: impl Iterator<Item = &'a mut Fact>) {
    let mut open: HashMap<(ClientId, Option<Text>), Open> = HashMap::new();
    let mut next = 0;
    for fact in facts {
        let started = fact.started_nanos();
        let fresh = |next: &mut u32| {
            let id = LifetimeId(*next);
            *next += 1;
            id
        };
        let state = open.entry((fact.client, fact.page.clone())).or_insert_with(|| Open {
            id: fresh(&mut next),
            documents: false,
            used: false,
            last: started,
        });
        let pause = i64::try_from(PAUSE.as_nanos()).unwrap_or(i64::MAX);
        let silent = !state.documents && started - state.last > pause;
        if state.used && (fact.is_document || silent) {
            state.id = fresh(&mut next);
        }
        state.used = true;
        state.documents |= fact.is_document;
        state.last = started;
        fact.lifetime = state.id;
    }
}

struct Open {
    id: LifetimeId,
    documents: bool,
    used: bool,
    last: i64,
}
