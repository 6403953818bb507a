//! What the search finds in made-up truth tables, and what it leaves to chance.

use super::{
    features::FEATURES,
    search::search,
    statement::{Bits, Statement, Test},
};

/// A statement of the feature whose words contain `words`, true where `truth` has a 1.
fn statement(words: &str, truth: &str) -> Statement {
    let of = |n: usize| Statement { feature: n, test: Test::Is("x".into()), truth: Bits::of(std::iter::empty()) };
    let feature = (0..FEATURES.len()).find(|n| of(*n).text().contains(words)).expect("a feature");
    Statement { truth: Bits::of(truth.bytes().map(|b| b == b'1')), ..of(feature) }
}

#[track_caller]
fn check(failing: usize, statements: &[(&str, &str)], expected: &[&[&str]]) {
    let statements: Vec<_> = statements.iter().map(|(words, truth)| statement(words, truth)).collect();
    let found = search(&statements, failing);
    let said: Vec<Vec<String>> = found.iter().map(|f| f.statements.iter().map(|s| s.text()).collect()).collect();
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.iter().zip(*expected).all(|(said, words)| said.contains(words)), "{said:?} is not {expected:?}");
    }
}

#[test]
fn a_difference_of_authentication_is_said_of_one_failure() {
    check(1, &[("has Authorization", "011")], &[&["has Authorization"]]);
}

#[test]
fn any_other_difference_of_one_failure_is_chance() {
    check(1, &[("User-Agent", "011"), ("the port", "100"), ("the host", "010"), ("Origin", "001")], &[]);
}

#[test]
fn with_enough_samples_it_is_not() {
    check(8, &[("the port", "1111111100000000"), ("the host", "1010101010101010")], &[&["the port"]]);
}

#[test]
fn two_statements_that_separate_together() {
    check(6, &[("the port", "111111111000000000"), ("Origin", "111111000111000000")], &[&["the port", "Origin"]]);
}

#[test]
fn what_tells_most_where_nothing_tells_all() {
    check(10, &[("kid", "11111111100000000001"), ("the host", "10101010101010101010")], &[&["kid"]]);
}

#[test]
fn noise_tells_nothing() {
    check(8, &[("the port", "1011001011010010"), ("the host", "1010101010101010")], &[]);
}

#[test]
fn a_family_speaks_once() {
    check(
        2,
        &[("has Authorization", "0011"), ("has a session cookie", "1100"), ("well-formed Authorization", "0011")],
        &[&["has Authorization"]],
    );
}
