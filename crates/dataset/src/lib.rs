//! Parquet, the files that other engines read: so far, what a query came to.

#![forbid(unsafe_code)]

mod answer;

pub use answer::parquet_of;
