//! The numbers that rules judge by: named, documented, with a default, and each open to a setting.

use std::{collections::BTreeMap, time::Duration};

use crate::{capture::Capture, catalogue::catalogue};

/// The value of a threshold, in the unit that its rule asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A span of time.
    Time(Duration),
    /// A number of things.
    Count(usize),
    /// A share, 0 to 1.
    Share(f64),
}

impl Limit {
    /// Whether `other` is of the same unit.
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// One number that a rule judges by.
#[derive(Debug)]
pub struct Threshold {
    /// Its name within the rule, in snake case.
    pub name: &'static str,
    /// What it means and why the default is what it is.
    pub says: &'static str,
    /// Its value where nothing else is set.
    pub default: Limit,
}

impl Threshold {
    /// Its name as a key of a settings file, in kebab case.
    pub fn key(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// Thresholds that are set otherwise than by default, by code of their rule and name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(BTreeMap<(&'static str, &'static str), Limit>);

impl Overrides {
    /// Sets the threshold `key` (kebab or snake case) of the rule `code`.
    ///
    /// # Errors
    /// Where the rule has no such threshold, or `value` is of another unit: the threshold it is not, where there is one.
    pub fn set(&mut self, code: &str, key: &str, value: Limit) -> Result<(), Option<&'static Threshold>> {
        let rule = catalogue().find(|rule| rule.code == code).ok_or(None)?;
        let name = key.replace('-', "_");
        let threshold = rule.thresholds.iter().find(|threshold| threshold.name == name).ok_or(None)?;
        if !threshold.default.is_like(value) {
            return Err(Some(threshold));
        }
        self.0.insert((rule.code, threshold.name), value);
        Ok(())
    }

    /// What the threshold is set to; `None` where its default holds.
    pub fn get(&self, code: &'static str, name: &'static str) -> Option<Limit> {
        if self.0.is_empty() { None } else { self.0.get(&(code, name)).copied() }
    }
}

/// A type that a rule reads a threshold as.
pub(crate) trait Unit: Sized {
    fn of(limit: Limit) -> Option<Self>;
}

impl Unit for Duration {
    fn of(limit: Limit) -> Option<Self> {
        if let Limit::Time(time) = limit { Some(time) } else { None }
    }
}

impl Unit for usize {
    fn of(limit: Limit) -> Option<Self> {
        if let Limit::Count(count) = limit { Some(count) } else { None }
    }
}

impl Unit for f64 {
    fn of(limit: Limit) -> Option<Self> {
        if let Limit::Share(share) = limit { Some(share) } else { None }
    }
}

/// What holds in `capture`: the setting, else the default.
pub(crate) fn effective<T: Unit>(capture: &Capture, code: &'static str, name: &'static str, default: T) -> T {
    capture.thresholds().get(code, name).and_then(T::of).unwrap_or(default)
}

/// A span in nanoseconds, as facts count.
pub(crate) fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// Declares `Thresholds`, the numbers of the rule whose static is `RULE`: a `time`, a `count` or a `share` each, with what it
/// means and its default. `Thresholds::LIST` is what the catalogue shows, `Thresholds::of(case)` what holds.
macro_rules! thresholds {
    ($($(#[doc = $says:literal])+ $name:ident: $unit:ident = $default:expr,)+) => {
        /// What the rule judges by.
        #[derive(Clone, Copy)]
        pub(super) struct Thresholds {
            $($(#[doc = $says])+ $name: $crate::thresholds::thresholds!(@type $unit),)+
        }

        impl Thresholds {
            /// Every one, for the catalogue.
            pub(super) const LIST: &'static [$crate::thresholds::Threshold] = &[
                $($crate::thresholds::Threshold {
                    name: stringify!($name),
                    says: concat!($($says),+),
                    default: $crate::thresholds::thresholds!(@limit $unit, $default),
                },)+
            ];

            /// Those that hold in `capture`.
            fn of(of: &impl AsRef<$crate::capture::Capture>) -> Self {
                let (capture, code) = (of.as_ref(), RULE.meta.code);
                Self { $($name: $crate::thresholds::effective(capture, code, stringify!($name), $default),)+ }
            }
        }
    };
    (@type time) => { std::time::Duration };
    (@type count) => { usize };
    (@type share) => { f64 };
    (@limit time, $value:expr) => { $crate::thresholds::Limit::Time($value) };
    (@limit count, $value:expr) => { $crate::thresholds::Limit::Count($value) };
    (@limit share, $value:expr) => { $crate::thresholds::Limit::Share($value) };
}
pub(crate) use thresholds;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_set_by_name_and_unit() {
        let mut set = Overrides::default();
        assert_eq!(set.get("AUTH041", "short_count"), None);
        set.set("AUTH041", "short-count", Limit::Count(9)).unwrap();
        assert_eq!(set.get("AUTH041", "short_count"), Some(Limit::Count(9)));
        let unit = set.set("AUTH041", "short-within", Limit::Count(9)).unwrap_err();
        assert_eq!(unit.map(|threshold| threshold.name), Some("short_within"));
        assert!(set.set("AUTH041", "none", Limit::Count(9)).unwrap_err().is_none());
        assert!(set.set("AUTH001", "short-count", Limit::Count(9)).unwrap_err().is_none());
    }

    #[test]
    fn every_threshold_says_what_it_means() {
        let all: Vec<&Threshold> = catalogue().flat_map(|rule| rule.thresholds).collect();
        assert!(all.len() > 50);
        for threshold in all {
            assert!(threshold.says.trim().ends_with(['.', ')']), "{}: {}", threshold.name, threshold.says);
            assert!(matches!(threshold.default, Limit::Share(0.0..=1.0) | Limit::Time(_) | Limit::Count(1..)));
        }
    }
}
