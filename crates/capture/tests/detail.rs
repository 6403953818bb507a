//! Every exchange can be read again, alone and whole, from the input that it came from.
#![allow(clippy::unwrap_used, reason = "a test reads captures")]

use std::path::Path;

use authtrace_capture::{DetailError, DetailSource, InputPath, Place, Plan, read_input};
use authtrace_parse::{BodyQuestion, Exchange};

fn keep_none(_: &BodyQuestion<'_>) -> usize {
    0
}

fn place(exchange: &Exchange) -> Place {
    let ends = exchange.client.zip(exchange.server);
    Place { locator: exchange.source.locator, ends: ends.map(|(client, server)| [client, server]) }
}

#[test]
fn an_exchange_is_found_again_with_its_bodies() {
    for name in ["race.pcapng", "storm.pcap", "issuer.pcapng.gz", "race.har"] {
        let path = InputPath::File(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures").join(name));
        let mut exchanges = Vec::new();
        read_input(&path, &Plan::new(&keep_none), &mut |exchange| exchanges.push(exchange)).unwrap();
        let source = DetailSource::new(path);
        let mut bodies = 0;
        for exchange in &exchanges {
            let again = source.exchange(&place(exchange)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(again.request.method, exchange.request.method, "{name}");
            assert_eq!(again.request.target.path.expose(), exchange.request.target.path.expose(), "{name}");
            let status = |exchange: &Exchange| exchange.response.as_ref().map(|response| response.status);
            assert_eq!(status(&again), status(exchange), "{name}");
            assert_eq!(again.timing.started, exchange.timing.started, "{name}");
            bodies += usize::from(again.response.as_ref().is_some_and(|response| response.body.text().is_some()));
        }
        assert!(bodies > exchanges.len() / 2, "{name}: {bodies} bodies of {}", exchanges.len());
    }
}

#[test]
fn what_is_not_there_any_more_is_said() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/race.har");
    let nowhere = Place { locator: authtrace_parse::Locator::Entry(99_999), ends: None };
    assert!(matches!(DetailSource::new(InputPath::File(path)).exchange(&nowhere), Err(DetailError::Changed { .. })));
    assert!(matches!(DetailSource::new(InputPath::Stdin).exchange(&nowhere), Err(DetailError::Gone)));
}
