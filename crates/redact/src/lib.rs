//! Captures that may be shared: exchanges and captures in, captures without a secret out.
//!
//! ```text
//! first look: every exchange ─► Preparation + Analysis ─► Redactor (what must go, and what stands for it)
//! second look: HAR entries ─► HarRedactor ─► HAR                  and a Receipt of what was done
//!              exchanges ─► PacketWriter ─► pcapng
//! ```
//!
//! Values are replaced by others of the same length and shape, so that framing, routes and judgement stay as they were:
//! see [`surrogate`]. [`convert`] writes exchanges as HAR 1.2. This crate opens no file and draws no random number: the
//! caller hands it bytes and keys.

#![forbid(unsafe_code)]

mod body;
pub mod convert;
mod encoded;
pub mod har;
mod json;
mod markup;
mod names;
pub mod packets;
mod preparation;
mod receipt;
mod redactor;
pub mod surrogate;
mod sweep;

pub use preparation::Preparation;
pub use receipt::{About, Receipt};
pub use redactor::Redactor;
pub use sweep::Sweep;
