//! Facts in Parquet: what extraction writes, what judging reads back, and what other engines may ask.

#![forbid(unsafe_code)]

mod answer;

pub use answer::parquet_of;
