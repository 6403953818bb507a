//! Parts come back in the order in which they went, and the oldest give way.
use authtrace_analyze::stored::{KeysTried, Part};

use super::*;

/// A part that says which it is, of a size of its own.
fn part(number: usize) -> Part {
    let twins = (0..number % 7 + 1).map(|n| (format!("{number}"), format!("{:x}", n * 7_919 + number))).collect();
    Part { keys: KeysTried { any: true, twins }, ..Part::default() }
}

fn number(part: &Part) -> usize {
    part.keys.twins[0].0.parse().unwrap()
}

fn spill(limit: u64) -> Spill {
    Spill::with(tempfile::tempfile().map_err(|error| error.to_string()), 10, limit).unwrap()
}

#[test]
fn everything_comes_back_where_there_is_room() {
    let mut spill = spill(1 << 20);
    (0..500).for_each(|n| assert!(spill.keep(part(n)).is_none()));
    assert!(spill.parts().flatten().map(|part| number(&part)).eq(0..500));
    assert!(spill.drain().map(|part| number(&part)).eq(0..500));
    assert_eq!(spill.drain().count(), 0);
}

#[test]
fn the_oldest_give_way_and_nothing_else() {
    for limit in [60, 200, 333, 1_000, 4_567] {
        let mut spill = spill(limit);
        for last in 0..300 {
            assert!(spill.keep(part(last)).is_none());
            let kept: Vec<usize> = spill.parts().map(|part| number(&part.unwrap())).collect();
            assert!(kept.iter().copied().eq(last + 1 - kept.len()..last + 1) || limit < 100, "{limit}: {kept:?}");
            let bytes = spill.file.as_ref().unwrap().metadata().unwrap().len();
            assert!(bytes <= limit, "{bytes} of {limit}");
        }
    }
}

#[test]
fn a_part_that_was_changed_is_forgotten() {
    let mut spill = spill(1 << 20);
    (0..3).for_each(|n| assert!(spill.keep(part(n)).is_none()));
    let at = spill.blocks[1].at;
    spill.file.as_ref().unwrap().write_all_at(b"?", at).unwrap();
    spill.check();
    assert!(spill.drain().map(|part| number(&part)).eq([0, 2]));
}

#[test]
fn without_a_file_it_is_said_once() {
    let mut spill = Spill::with(Err("/nowhere: no such folder".to_owned()), 10, 1 << 20).unwrap();
    let said = spill.keep(part(0)).unwrap();
    assert!(said.contains("/nowhere") && said.contains("forgotten"), "{said}");
    assert!(spill.keep(part(1)).is_none());
}
