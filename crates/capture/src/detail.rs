//! Details on demand: an analysis keeps little of an exchange, so whoever looks at one has it read again.

use std::{net::SocketAddr, sync::Arc};

use authtrace_parse::{BodyQuestion, Exchange, KeyLog, Locator};

use crate::{
    error::InputError,
    expand::InputPath,
    input::{Plan, read_input},
};

/// Where the details of exchanges come from: the input that they were read from.
pub struct DetailSource {
    /// `None` where only facts are left of it.
    input: Option<InputPath>,
    keys: Arc<KeyLog>,
}

/// Which exchange is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its place in the input.
    pub locator: Locator,
    /// For packets, the two ends of its connection: only that connection is put together again.
    pub ends: Option<[SocketAddr; 2]>,
}

/// Why there are no details.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetailError {
    /// Standard input has gone by.
    #[error("standard input cannot be read a second time; write it to a file and give that")]
    Gone,
    /// A dataset holds no headers and no bodies.
    #[error(
        "a dataset holds facts alone, and the capture that it was made from is not there or was changed; analyse that"
    )]
    FactsOnly,
    /// The input cannot be read any more.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The input is not what it was.
    #[error("{path}: holds no such exchange any more; the file was changed since it was analysed")]
    Changed {
        /// As given.
        path: String,
    },
}

impl DetailSource {
    /// The most bytes of a body that are read for a person to look at.
    pub const BODY: usize = 1 << 20;

    /// The details of what was read from `input`.
    pub fn new(input: InputPath) -> Self {
        Self { input: Some(input), keys: Arc::clone(KeyLog::none()) }
    }

    /// The details of the input of a dataset: those of the file at `path`, if it still has so many bytes.
    pub fn of_dataset(path: &str, bytes: u64) -> Self {
        let same = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == bytes);
        Self { input: same.then(|| InputPath::File(path.into())), keys: Arc::clone(KeyLog::none()) }
    }

    /// The same, read with the secrets of TLS connections.
    #[must_use]
    pub fn with_keys(self, keys: Arc<KeyLog>) -> Self {
        Self { keys, ..self }
    }

    /// Reads one exchange again, with its bodies up to [`DetailSource::BODY`].
    ///
    /// # Errors
    ///
    /// Where the input is gone, cannot be read, or holds no such exchange any more.
    pub fn exchange(&self, place: &Place) -> Result<Exchange, DetailError> {
        let input = match &self.input {
            None => return Err(DetailError::FactsOnly),
            Some(InputPath::Stdin) => return Err(DetailError::Gone),
            Some(input) => input,
        };
        let keep = |_: &BodyQuestion<'_>| Self::BODY;
        let mut found = None;
        // A client that only a load balancer states is no end of a connection: then all of them are read.
        let attempts = [place.ends, None];
        for only in &attempts[usize::from(place.ends.is_none())..] {
            let plan = Plan { only: *only, keys: Arc::clone(&self.keys), ..Plan::new(&keep) };
            read_input(input, &plan, &mut |exchange| {
                if exchange.source.locator == place.locator {
                    found = Some(exchange);
                }
            })?;
            if found.is_some() {
                break;
            }
        }
        found.ok_or_else(|| DetailError::Changed { path: input.display() })
    }
}
