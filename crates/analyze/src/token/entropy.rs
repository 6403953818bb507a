//! How much a value could surprise a guesser: an estimate that decides what may be fingerprinted.

/// Bits below which a value counts as guessable: a hash of it would give it away to anyone who tries candidates.
pub const GUESSABLE_BITS: f32 = 64.0;

/// Shannon entropy of the bytes of `text`, in bits per byte: 0 for one repeated byte, at most 8.
pub fn bits_per_byte(text: &str) -> f32 {
    if text.is_empty() {
        return 0.0;
    }
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f32;
    counts.iter().filter(|&&n| n > 0).map(|&n| n as f32 / total).map(|p| -p * p.log2()).sum()
}

/// Estimated bits of the whole of `text`: entropy per byte times length. An upper bound for text that a person chose.
pub fn bits(text: &str) -> f32 {
    bits_per_byte(text) * text.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, guessable: bool) {
        assert_eq!(bits(text) < GUESSABLE_BITS, guessable, "{text}");
    }

    #[test]
    fn separates_passwords_from_tokens() {
        check("", true);
        check("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true);
        check("hunter2", true);
        check("123456", true);
        check("9f86d081884c7d659a2feaa0c55ad015", false);
    }
}
