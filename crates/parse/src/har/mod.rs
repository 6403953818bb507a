//! HAR text in, exchanges out.
