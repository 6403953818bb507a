//! The inputs, opened again for whoever looks at one exchange.

use authtrace_analyze::{Analysis, facts::Fact};
use authtrace_capture::{DetailSource, Place};
use authtrace_parse::Exchange;

/// Where exchanges can be read again, by the number of their input.
#[derive(Default)]
pub(crate) struct Details(Vec<DetailSource>);

impl Details {
    /// One more input.
    pub(crate) fn push(&mut self, source: DetailSource) {
        self.0.push(source);
    }

    /// The exchange of `fact` with its headers and bodies, or why it cannot be read, in one line.
    pub(crate) fn exchange(&self, analysis: &Analysis, fact: &Fact) -> Result<Exchange, String> {
        let source = self.0.get(usize::from(fact.source.input)).ok_or("its input is not open")?;
        let ends = analysis.capture.client_socket(fact).zip(fact.server);
        let place = Place { locator: fact.source.locator, ends: ends.map(|(client, server)| [client, server]) };
        source.exchange(&place).map_err(|error| error.to_string())
    }
}
