//! What the fuzz targets do, and what they start from.
//!
//! A body takes any bytes and panics where an invariant does not hold. The fuzzer calls it from `fuzz_targets/`; the ordinary
//! tests include the same files and run every body over the same seeds and a fixed set of mutations of them.

pub mod containers;
pub mod conversation;
pub mod har;
#[cfg(feature = "jose")]
pub mod jose;
pub mod link;
pub mod mutation;
pub mod quic;
pub mod replay;
pub mod seeds;
pub mod stream;
