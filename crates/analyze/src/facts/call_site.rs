//! Which of the application's own functions issued a request, as the recorder saw it.

use std::fmt::Write as _;

use authtrace_parse::{CallFrame, Exchange, Target};

use crate::{
    source_maps::{Original, SourceMaps},
    text::{Interner, Text},
};

/// Scripts of libraries: the frame that matters is the application's own.
fn is_library(url: &str) -> bool {
    let name = url.rsplit('/').next().unwrap_or(url);
    const LIBRARIES: &[&str] =
        &["axios", "jquery", "ky.", "superagent", "zone", "polyfill", "sentry", "datadog", "apollo", "react-query"];
    url.contains("/node_modules/") || LIBRARIES.iter().any(|library| name.starts_with(library)) || url.is_empty()
}

/// The innermost frames that are the application's own.
pub(super) fn application_frames(exchange: &Exchange, maps: &SourceMaps, interner: &mut Interner) -> Vec<Text> {
    // A frame of the requested URL itself, or of a document that only names it, is no place in a program.
    let own = &exchange.request.target;
    let scripts = exchange.browser.initiator.iter().filter(|i| &*i.kind != "other").flat_map(|i| &i.frames);
    let names_itself =
        |frame: &CallFrame| Target::parse(&frame.url).is_some_and(|t| t.origin() == own.origin() && t.path == own.path);
    let frames = scripts.filter(|frame| !names_itself(frame)).map(|frame| (frame, original(maps, frame)));
    // What was bundled is told by its source, not by the bundle.
    let source = |(frame, original): &(&CallFrame, Option<Original>)| {
        is_library(original.as_ref().map_or(&*frame.url, |original| original.path.as_str()))
    };
    let frames = frames.filter(|frame| !source(frame));
    frames.take(4).map(|(frame, original)| frame_name(frame, original.as_ref(), interner)).collect()
}

fn original(maps: &SourceMaps, frame: &CallFrame) -> Option<Original> {
    if maps.is_empty() { None } else { maps.original(&frame.url, frame.line, frame.column, &frame.function) }
}

/// `function (file:line)`, one-based as editors count.
fn frame_name(frame: &CallFrame, original: Option<&Original>, interner: &mut Interner) -> Text {
    if let Some(original) = original {
        let function = original.function.as_deref().unwrap_or(&frame.function);
        return written(
            if function.is_empty() { "anonymous" } else { function },
            &original.path,
            original.line,
            interner,
        );
    }
    let path = match frame.url.split("://").nth(1) {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => &*frame.url,
    };
    let path = if path.is_empty() { "/" } else { path };
    let function = if frame.function.is_empty() { "anonymous" } else { &frame.function };
    written(function, path, frame.line.saturating_add(1), interner)
}

fn written(function: &str, path: &str, line: u32, interner: &mut Interner) -> Text {
    let write = |out: &mut String| {
        let _ = write!(out, "f{function} ({path}:{line})");
    };
    interner.derived(write, |raw, interner| interner.scrubbed(&raw[1..]))
}
