//! `redact`: a capture that is safe to share and still diagnosable. A HAR stays a HAR, packets become a pcapng.

use std::sync::Arc;

use authtrace_capture::{Container, Limits, PacketReader, Plan, read_bytes};
use authtrace_redact::{
    Sweep,
    convert::TextBodies,
    har::HarRedactor,
    packets::{FrameKeeper, PacketWriter},
};

use super::{share, start_logging};
use crate::{
    args::{RedactArgs, ShareArgs},
    exit,
    interrupt::Interrupt,
};

/// Runs the verb.
pub(super) fn run(args: &RedactArgs) -> anyhow::Result<u8> {
    let args = &args.share;
    start_logging(&args.logging());
    let interrupt = Interrupt::listen();
    let Some(mut look) = share::look(args, &interrupt)? else { return Ok(exit::USAGE) };
    let mut draft = share::Draft::new(args, Some(Sweep::certain(&look.analysis)))?;
    match look.container {
        Container::Har => har(args, &mut look, &mut draft, &interrupt)?,
        Container::Pcap | Container::Pcapng => packets(args, &mut look, &mut draft, &interrupt)?,
    }
    if interrupt.is_set() {
        draft.discard();
        return Ok(exit::INTERRUPTED);
    }
    look.redactor.receipt.remark(DEAD);
    draft.finish()?;
    share::receipt(args, &look)?;
    Ok(if look.analysis.is_empty() { exit::NO_JUDGEMENT } else { exit::OK })
}

/// What whoever gets the capture must know.
pub(super) const DEAD: &str =
    "signatures of tokens are dead: no key verifies them any more, so judge signatures before redacting";

/// Entry by entry; memory does not grow with the file.
fn har(
    args: &ShareArgs,
    look: &mut share::Look,
    draft: &mut share::Draft,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let mut rewriter = HarRedactor::new(&mut look.redactor);
    draft.write(HarRedactor::head().as_bytes());
    read_bytes(args.path()?, Limits::default(), &mut |bytes| {
        if !interrupt.is_set() {
            rewriter.push(bytes, &mut |text| draft.write(text.as_bytes()));
        }
    })?;
    rewriter.finish(&mut |text| draft.write(text.as_bytes()));
    Ok(())
}

/// Frames of plain HTTP/1 are changed in place, other conversations written anew; what gave no exchange is not copied.
fn packets(
    args: &ShareArgs,
    look: &mut share::Look,
    draft: &mut share::Draft,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let plan = Plan { keys: Arc::clone(&look.keys), ..Plan::new(&TextBodies) };
    let mut reader = PacketReader::new();
    let mut keeper = FrameKeeper::default();
    read_bytes(args.path()?, Limits::default(), &mut |bytes| {
        reader.push(bytes, &mut |placed| keeper.push(&placed.frame))
    })?;
    reader.finish(&mut |placed| keeper.push(&placed.frame));
    let kept = keeper.finish(&mut look.redactor, &look.plain);
    let mut writer = PacketWriter::new(&mut look.redactor, kept);
    let report = share::read(args, &plan, interrupt, &mut |exchange| writer.push(&exchange))?;
    draft.write(&writer.finish(env!("CARGO_PKG_VERSION")));
    let receipt = &mut look.redactor.receipt;
    receipt.remark("packets are those of readable HTTP/1, changed in place; what else was understood is written anew, in the clear, and nothing more is copied");
    if let Some(report) = report {
        receipt.not_understood("TLS connection that was not decrypted: left out", report.opaque_count);
        receipt.not_understood("QUIC connection: left out", report.quic.count);
    }
    Ok(())
}
