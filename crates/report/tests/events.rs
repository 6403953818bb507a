//! A capture that grows: every exchange, finding and incident is told once, and what is told adds up to the end.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read captures and may panic")]

mod support;

use std::collections::BTreeMap;

use authtrace_analyze::{Analyzer, Settings};
use authtrace_report::{
    View,
    events::{Chronicle, Kind, Reason, lines, sentence},
};

/// What was said of one incident, in order.
type Story = Vec<Kind>;

#[test]
fn each_thing_is_told_once_and_ends() {
    let mut opened = 0;
    for (name, exchanges) in support::exchanges_of_samples() {
        let mut analyzer = Analyzer::new(Settings::default());
        let mut chronicle = Chronicle::default();
        let mut told = Vec::new();
        let mut stories: BTreeMap<u32, Story> = BTreeMap::new();
        for exchange in &exchanges {
            analyzer.push(exchange);
            let analysis = analyzer.so_far().judge(Vec::new());
            let view = View::all(&analysis);
            let news = chronicle.look(&view);
            told.extend(news.exchanges.iter().map(|fact| fact.id));
            for change in &news.changes {
                stories.entry(change.number).or_default().push(change.kind);
                assert!(!sentence(change).contains('\n'), "{name}");
            }
            let text = lines(&view, &news, true);
            assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{name}");
        }
        let analysis = analyzer.finish(Vec::new());
        let view = View::all(&analysis);
        let news = chronicle.end(&view);
        for change in &news.changes {
            stories.entry(change.number).or_default().push(change.kind);
        }
        let mut ids: Vec<_> = exchanges.iter().map(|exchange| exchange.id).collect();
        ids.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, ids, "{name}: every exchange once");
        let mut last = 0;
        for (number, story) in &stories {
            assert_eq!(story[0], Kind::Opened, "{name}, L{number}: {story:?}");
            assert_eq!(story.iter().filter(|kind| **kind == Kind::Opened).count(), 1, "{name}, L{number}: {story:?}");
            let closed = story.iter().filter(|kind| matches!(kind, Kind::Closed(_))).count();
            assert!(closed == 1 && matches!(story.last(), Some(Kind::Closed(_))), "{name}, L{number}: {story:?}");
            assert!(story.len() <= 10, "{name}, L{number}: a storm is no row of lines: {story:?}");
            last += usize::from(story.last() == Some(&Kind::Closed(Reason::CaptureEnded)));
            opened += 1;
        }
        assert_eq!(last, analysis.incidents.len(), "{name}: what holds at the end was open");
        assert_eq!(chronicle.open(), 0);
    }
    assert!(opened > 5, "only {opened} incidents");
}

/// What is no longer at hand is not what did not happen.
#[test]
fn an_incident_outlasts_the_facts_that_it_rests_on() {
    let mut outlasting = 0;
    for (name, exchanges) in support::exchanges_of_samples() {
        let mut analyzer = Analyzer::new(Settings::default());
        exchanges.iter().for_each(|exchange| analyzer.push(exchange));
        let mut chronicle = Chronicle::default();
        let analysis = analyzer.so_far().judge(Vec::new());
        chronicle.look(&View::all(&analysis));
        let open = chronicle.open();
        let mut parts = Vec::new();
        for keep in [analyzer.known() / 2, 1, 0] {
            analyzer.set_aside(keep, |part| parts.push(part));
            let analysis = analyzer.so_far().judge(Vec::new());
            let news = chronicle.look(&View::all(&analysis));
            let closed = news.changes.iter().filter(|change| matches!(change.kind, Kind::Closed(Reason::Withdrawn)));
            assert_eq!(closed.count(), 0, "{name}, {keep} at hand");
            assert!(news.exchanges.is_empty(), "{name}, {keep} at hand");
        }
        assert!(chronicle.open() >= open, "{name}");
        analyzer.take_back(parts);
        let analysis = analyzer.finish(Vec::new());
        let news = chronicle.end(&View::all(&analysis));
        let ended = news.changes.iter().filter(|change| change.kind == Kind::Closed(Reason::CaptureEnded)).count();
        assert_eq!(
            ended,
            analysis.incidents.len(),
            "{name}: {:?}",
            news.changes.iter().map(|c| c.kind).collect::<Vec<_>>()
        );
        outlasting += open;
    }
    assert!(outlasting > 5, "only {outlasting} incidents");
}
