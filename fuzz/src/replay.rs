//! Runs a target's body over its seeds, over what once broke it, and over mutations that are the same in every run.

use std::{collections::BTreeSet, path::Path};

use crate::mutation::{Random, mutate};

/// Runs `body` over the `seeds`, over the inputs in `regressions/<target>/` below `fuzz`, and over `mutations` of both; says
/// how many inputs that were.
pub fn replay(target: &str, body: fn(&[u8]), seeds: &BTreeSet<Vec<u8>>, fuzz: &Path, mutations: usize) -> usize {
    let broke = std::fs::read_dir(fuzz.join("regressions").join(target)).into_iter().flatten().flatten();
    let broke: BTreeSet<Vec<u8>> = broke.filter_map(|entry| std::fs::read(entry.path()).ok()).collect();
    let inputs: Vec<&Vec<u8>> = seeds.iter().chain(&broke).collect();
    inputs.iter().for_each(|input| body(input));
    let mut random = Random::new(1);
    for round in 0..if inputs.is_empty() { 0 } else { mutations } {
        body(&mutate(inputs[round % inputs.len()], &mut random));
    }
    inputs.len() + mutations
}
