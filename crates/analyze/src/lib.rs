//! Exchanges in, an analysis out: what authentication traffic means and why a request was refused.

#![forbid(unsafe_code)]

pub mod challenge;
pub mod dictionary;
pub mod key;
pub mod token;
