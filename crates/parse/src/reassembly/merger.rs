//! Puts what the workers say in one order, and numbers exchanges by it.

use std::{collections::HashMap, sync::Arc};

use super::{
    ReassemblySummary,
    worker::{Said, Worker},
};
use crate::{
    exchange::{Exchange, ExchangeId},
    shard::{Event, Ticket},
    tls::{KeyLog, Outlook},
};

/// Times that sessions may be handed on from connections that resume one to others that do.
const MOST_ROUNDS: usize = 16;

/// Gives all workers the secrets that the connections of any of them showed, until that brings no more; then nothing waits
/// any longer. What comes of it does not depend on how connections are spread.
fn retry_waiting(workers: &mut [Worker<'_>]) {
    let Some(keys) = workers.first().map(|worker| KeyLog::clone(worker.keys())) else { return };
    if keys.outlook() == Outlook::Final {
        return;
    }
    let mut keys = keys.with_outlook(Outlook::Sessions);
    for round in 0..=MOST_ROUNDS {
        let mut sessions: Vec<_> = workers.iter_mut().flat_map(Worker::take_sessions).collect();
        sessions.sort_by(|a, b| (a.frame, &a.name).cmp(&(b.frame, &b.name)));
        let is_last = !keys.learn(sessions) && round > 0 || round == MOST_ROUNDS;
        if is_last {
            keys = keys.with_outlook(Outlook::Final);
        }
        let shared = Arc::new(keys.clone());
        for worker in workers.iter_mut() {
            worker.learn(Arc::clone(&shared));
            worker.retry_waiting();
        }
        if is_last {
            return;
        }
    }
}

/// Numbers requests as they become complete and hands out exchanges as they are answered.
pub struct Merger {
    next: u32,
    delivered: u32,
    /// Complete requests whose exchange is not delivered yet.
    numbered: HashMap<(usize, Ticket), ExchangeId, foldhash::fast::RandomState>,
}

impl Merger {
    /// A merger whose first request becomes exchange `first`.
    pub fn new(first: u32) -> Self {
        Self { next: first, delivered: 0, numbered: HashMap::default() }
    }

    /// Takes what each worker said of the same stretch of frames.
    pub fn merge(&mut self, said: impl IntoIterator<Item = Vec<Said>>, sink: &mut dyn FnMut(Exchange)) {
        let mut said: Vec<Said> = said.into_iter().flatten().collect();
        // A frame belongs to one connection, so equal frames are one worker's, in the order in which it said them.
        said.sort_by_key(|said| said.frame);
        said.into_iter().for_each(|said| self.take(said, sink));
    }

    /// Ends the connections of all workers.
    pub fn finish<'p>(
        mut self,
        workers: impl IntoIterator<Item = Worker<'p>>,
        sink: &mut dyn FnMut(Exchange),
    ) -> ReassemblySummary {
        let mut workers: Vec<Worker<'_>> = workers.into_iter().collect();
        workers.iter_mut().for_each(Worker::end_flows);
        retry_waiting(&mut workers);
        let mut summary = ReassemblySummary::default();
        let mut rest = Vec::new();
        for worker in workers {
            let (said, shards) = worker.finish();
            rest.push(said);
            for shard in shards {
                for (kind, count) in shard.notes {
                    *summary.anomalies.entry(kind).or_default() += count;
                }
                summary.opaque.extend(shard.opaque);
                summary.opaque_count += shard.opaque_count;
                summary.decrypted_count += shard.decrypted_count;
            }
        }
        self.merge(rest, sink);
        summary.opaque.sort_by_key(|connection| (connection.first, connection.client, connection.server));
        summary.exchanges = self.delivered;
        summary.next_id = self.next;
        summary
    }

    fn take(&mut self, said: Said, sink: &mut dyn FnMut(Exchange)) {
        match said.event {
            Event::Requested(ticket) => {
                let id = self.draw();
                self.numbered.insert((said.shard, ticket), id);
            }
            Event::Exchange(ticket, mut exchange) => {
                // A request that never became complete gets its number at last.
                exchange.id = self.numbered.remove(&(said.shard, ticket)).unwrap_or_else(|| self.draw());
                self.delivered += 1;
                sink(*exchange);
            }
        }
    }

    fn draw(&mut self) -> ExchangeId {
        let id = ExchangeId(self.next);
        self.next = self.next.saturating_add(1);
        id
    }
}
