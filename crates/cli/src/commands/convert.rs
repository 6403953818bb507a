//! `convert`: any capture as HAR.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    sync::Arc,
};

use anyhow::bail;
use authtrace_capture::Plan;
use authtrace_parse::{Exchange, Locator};
use authtrace_redact::{
    Redactor, Sweep,
    convert::{self, TextBodies},
    har::redact_entry,
};

use super::{redact::DEAD, share, start_logging};
use crate::{
    args::{ConvertArgs, ShareArgs},
    exit,
    interrupt::Interrupt,
    keylog,
};

/// Runs the verb.
pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<u8> {
    start_logging(&args.share.logging());
    if args.with_secrets && !args.yes {
        may_write_secrets()?;
    }
    let interrupt = Interrupt::listen();
    if args.with_secrets {
        let draft = share::Draft::new(&args.share, None)?;
        let keys = Arc::new(keylog::read(&args.share.keylog)?);
        return write(&args.share, draft, &Plan { keys, ..Plan::new(&TextBodies) }, &interrupt, None);
    }
    let Some(mut look) = share::look(&args.share, &interrupt)? else { return Ok(exit::USAGE) };
    let draft = share::Draft::new(&args.share, Some(Sweep::certain(&look.analysis)))?;
    let plan = Plan { keys: Arc::clone(&look.keys), ..Plan::new(&TextBodies) };
    let code = write(&args.share, draft, &plan, &interrupt, Some(&mut look.redactor))?;
    if code != exit::INTERRUPTED {
        look.redactor.receipt.remark(DEAD);
        share::receipt(&args.share, &look)?;
    }
    Ok(code)
}

/// A person may say yes; a script must have said it.
fn may_write_secrets() -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("--with-secrets writes every password and token of the capture; add --yes if that is meant");
    }
    let mut stderr = io::stderr().lock();
    // A question that cannot be asked is answered with no.
    let _ = write!(stderr, "The HAR will hold every password and token of the capture. Write it? [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_err() || !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("nothing was written");
    }
    Ok(())
}

/// Writes the HAR, its entries in the order of their exchanges.
fn write(
    args: &ShareArgs,
    mut draft: share::Draft,
    plan: &Plan<'_>,
    interrupt: &Interrupt,
    mut redactor: Option<&mut Redactor>,
) -> anyhow::Result<u8> {
    let mut entries = Entries { waiting: BTreeMap::new(), next: 0, written: 0 };
    draft.write(convert::head(env!("CARGO_PKG_VERSION")).as_bytes());
    let read = share::read(args, plan, interrupt, &mut |exchange| {
        entries.add(&exchange, redactor.as_deref_mut(), &mut draft);
    })?;
    let Some(report) = read.filter(|_| !interrupt.is_set()) else {
        draft.discard();
        return Ok(if interrupt.is_set() { exit::INTERRUPTED } else { exit::USAGE });
    };
    entries.flush(true, &mut draft);
    let mut tail = convert::tail(&report.pages);
    if let Some(redactor) = redactor {
        tail = convert::redacted_tail(redactor, &report.pages);
    }
    draft.write(tail.as_bytes());
    draft.finish()?;
    Ok(if entries.written == 0 { exit::NO_JUDGEMENT } else { exit::OK })
}

/// Entries in order: packets complete exchanges out of order.
struct Entries {
    waiting: BTreeMap<u32, String>,
    next: u32,
    written: u64,
}

impl Entries {
    fn add(&mut self, exchange: &Exchange, redactor: Option<&mut Redactor>, draft: &mut share::Draft) {
        let entry = convert::entry(exchange);
        let entry = match redactor {
            Some(redactor) => redact_entry(redactor, &entry),
            None => Some(entry),
        };
        // A HAR is in order, with gaps where an entry gave no exchange.
        let in_order = matches!(exchange.source.locator, Locator::Entry(_));
        if in_order {
            self.next = exchange.id.0;
        }
        self.waiting.extend(entry.map(|entry| (exchange.id.0, entry)));
        self.flush(false, draft);
    }

    /// Writes what is next, or, at the end, whatever is left.
    fn flush(&mut self, all: bool, draft: &mut share::Draft) {
        while let Some(first) = self.waiting.first_entry().filter(|first| all || *first.key() == self.next) {
            draft.write(if self.written == 0 { b"\n" } else { b",\n" });
            self.next = first.key().saturating_add(1);
            draft.write(first.remove().as_bytes());
            self.written += 1;
        }
    }
}
