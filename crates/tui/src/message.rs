//! What the model is told, and what it asks of the outside.

use std::sync::Arc;

use authtrace_analyze::{table::FilterError, text::Text};
use authtrace_parse::{Exchange, ExchangeId, Timestamp};

use crate::{
    arrange::{Arrangement, Rows},
    find::{Find, List, Look},
    keys::Chord,
    model::Data,
};

/// Something that happened.
pub enum Message {
    /// A key.
    Key(Chord),
    /// Text that was pasted.
    Paste(String),
    /// A click or a turn of the wheel.
    Mouse(Mouse),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// How far reading has come.
    Progress {
        /// The input.
        path: String,
        /// Exchanges of all inputs so far.
        seen: u64,
    },
    /// Everything is read, and judged from now on.
    Judging {
        /// Exchanges of all inputs.
        seen: u64,
    },
    /// The first exchanges, while the rest is read.
    Arrived(Vec<Provisional>),
    /// An input gave nothing, or something else is wrong with it.
    Complaint(String),
    /// Everything is read and judged.
    Loaded(Box<Data>),
    /// A running capture, read and judged as far as it is now.
    Refreshed(Box<Data>),
    /// How a running capture goes.
    Captured(Counts),
    /// The capture is over; what was refreshed last is all there is.
    Ended,
    /// The rows that an arrangement asked for, or why there are none.
    Arranged(Arrangement, Result<Rows, FilterError>),
    /// What the search of this number came to so far.
    Looked(u64, Look),
    /// An exchange read again.
    Read(ExchangeId, Result<Arc<Exchange>, String>),
    /// An exchange as curl, or why not.
    Curl(Result<String, String>),
    /// Something was done.
    Done(String),
    /// Something could not be done.
    Trouble(String),
    /// Leave: a signal, or the reader is gone.
    Quit,
}

/// Counters of a running capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames captured.
    pub frames: u64,
    /// Frames that the devices or the kernel lost.
    pub lost: u64,
}

/// What the mouse did, in screen coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// A click.
    Click(u16, u16),
    /// The wheel, away from the reader.
    WheelUp,
    /// The wheel, towards the reader.
    WheelDown,
}

/// An exchange as it is known before anything is judged.
#[derive(Clone, Debug)]
pub struct Provisional {
    /// Number.
    pub id: ExchangeId,
    /// When it began.
    pub at: Option<Timestamp>,
    /// Host.
    pub host: Text,
    /// Method and path template, which hold no secret.
    pub route: Text,
    /// Status of the answer.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: &'static str,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Leave.
    Quit,
    /// Filter, sort and group the timeline.
    Arrange(Arrangement),
    /// Look at the next rows of a list.
    Find(Find),
    /// Read an exchange again.
    Read(ExchangeId),
    /// Write what a screen shows to a file.
    Export(Export),
    /// Put text on the clipboard.
    Copy(String),
    /// Copy an exchange as curl.
    CopyCurl(ExchangeId),
    /// Capture the mouse, or let it go.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
}

/// What to write, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The file; its ending decides the format (`.json`, `.jsonl`, text).
    pub path: String,
    /// What goes into it.
    pub what: What,
}

/// What an export holds.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The report of all incidents.
    Incidents,
    /// The exchanges of this list, groups that are folded included.
    Exchanges(List),
    /// Every credential.
    Tokens,
    /// Every session.
    Sessions,
    /// The catalogue.
    Rules,
    /// Text that is on the screen.
    Text(String),
}
