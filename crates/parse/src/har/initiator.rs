//! `_initiator`: who issued a request, as DevTools writes it.

use serde_json::value::RawValue;

use super::lenient::Scalar;
use crate::exchange::{CallFrame, Initiator};

record! {
    /// The initiator.
    Wire {
        kind: Scalar<'de> = "type",
        url: Scalar<'de> = "url",
        line: Scalar<'de> = "lineNumber",
        column: Scalar<'de> = "columnNumber",
        stack: Option<&'de RawValue> = "stack",
    }
}

record! {
    /// One stack; `parent` is the stack of the asynchronous caller, left as text so that depth costs no recursion.
    Stack {
        frames: Vec<RecordedFrame<'de>> = "callFrames",
        parent: Option<&'de RawValue> = "parent",
    }
}

record! {
    /// One frame.
    RecordedFrame {
        function: Scalar<'de> = "functionName",
        url: Scalar<'de> = "url",
        line: Scalar<'de> = "lineNumber",
        column: Scalar<'de> = "columnNumber",
    }
}

/// Reads an initiator; `None` where it is not DevTools' object. Frames that cannot be read are left out.
pub(super) fn read(raw: &RawValue) -> Option<Initiator> {
    let wire: Wire<'_> = serde_json::from_str(raw.get()).ok()?;
    let kind = wire.kind.filled()?.into();
    let mut frames = Vec::new();
    let mut next = wire.stack;
    // Asynchronous parents without frames are rare: as many stacks as frames are looked at.
    for _ in 0..Initiator::KEPT {
        let Some(stack) = next.and_then(|raw| serde_json::from_str::<Stack<'_>>(raw.get()).ok()) else { break };
        let room = Initiator::KEPT - frames.len();
        frames.extend(stack.frames.iter().take(room).map(|f| frame(&f.function, &f.url, &f.line, &f.column)));
        next = stack.parent.filter(|_| frames.len() < Initiator::KEPT);
    }
    if frames.is_empty() && wire.url.filled().is_some() {
        frames.push(frame(&Scalar::Absent, &wire.url, &wire.line, &wire.column));
    }
    Some(Initiator { kind, frames })
}

fn frame(function: &Scalar<'_>, url: &Scalar<'_>, line: &Scalar<'_>, column: &Scalar<'_>) -> CallFrame {
    let number = |value: &Scalar<'_>| value.number().map_or(0, |number| number as u32);
    let url = url.text().unwrap_or_default();
    let url = url.split(['?', '#']).next().unwrap_or_default();
    CallFrame {
        function: function.text().unwrap_or_default().into(),
        url: url.into(),
        line: number(line),
        column: number(column),
    }
}
