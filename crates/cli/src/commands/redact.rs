//! `redact`: a capture that is safe to share and still diagnosable.

use anyhow::bail;
use authtrace_capture::{Container, Limits, read_bytes};
use authtrace_redact::{Sweep, har::HarRedactor};

use super::{share, start_logging};
use crate::{args::RedactArgs, exit, interrupt::Interrupt};

/// Runs the verb.
pub(super) fn run(args: &RedactArgs) -> anyhow::Result<u8> {
    let args = &args.share;
    start_logging(&args.logging());
    let interrupt = Interrupt::listen();
    let Some(mut look) = share::look(args, &interrupt)? else { return Ok(exit::USAGE) };
    if look.container != Container::Har {
        bail!("redact reads HAR only; `authtrace convert` makes a redacted HAR of packets");
    }
    let mut draft = share::Draft::new(args, Some(Sweep::certain(&look.analysis)))?;
    let mut rewriter = HarRedactor::new(&mut look.redactor);
    draft.write(HarRedactor::head().as_bytes());
    read_bytes(args.path()?, Limits::default(), &mut |bytes| {
        if !interrupt.is_set() {
            rewriter.push(bytes, &mut |text| draft.write(text.as_bytes()));
        }
    })?;
    rewriter.finish(&mut |text| draft.write(text.as_bytes()));
    if interrupt.is_set() {
        draft.discard();
        return Ok(exit::INTERRUPTED);
    }
    look.redactor.receipt.remark(DEAD);
    draft.finish()?;
    share::receipt(args, &look)?;
    Ok(if look.analysis.capture.facts.is_empty() { exit::NO_JUDGEMENT } else { exit::OK })
}

/// What whoever gets the capture must know.
pub(super) const DEAD: &str =
    "signatures of tokens are dead: no key verifies them any more, so judge signatures before redacting";
