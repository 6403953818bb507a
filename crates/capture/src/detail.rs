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
    input: InputPath,
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
        Self { input, keys: Arc::clone(KeyLog::none()) }
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
        if self.input == InputPath::Stdin {
            return Err(DetailError::Gone);
        }
        let keep = |_: &BodyQuestion<'_>| Self::BODY;
        let plan = Plan { only: place.ends, keys: Arc::clone(&self.keys), ..Plan::new(&keep) };
        let mut found = None;
        read_input(&self.input, &plan, &mut |exchange| {
            if exchange.source.locator == place.locator {
                found = Some(exchange);
            }
        })?;
        found.ok_or_else(|| DetailError::Changed { path: self.input.display() })
    }
}
