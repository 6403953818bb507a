//! When a capture ends (`-a`, `-c`) and when a file of it does (`-b`), in the words of tshark.

use std::time::Duration;

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `duration:S`, in seconds, with a fraction where it matters.
    Duration(Duration),
    /// `interval:S`: at times that are multiples of it.
    Interval(Duration),
    /// `filesize:KB`, in units of 1000 bytes.
    Bytes(u64),
    /// `packets:N`.
    Packets(u64),
    /// `files:N`.
    Files(u64),
}

impl Limit {
    /// Reads `KIND:VALUE`; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once(':')?;
        let number = || value.parse::<u64>().ok().filter(|n| *n > 0);
        let seconds = || {
            let seconds = value.parse().ok().filter(|s: &f64| *s > 0.0)?;
            Duration::try_from_secs_f64(seconds).ok()
        };
        Some(match kind {
            "duration" => Self::Duration(seconds()?),
            "interval" => Self::Interval(seconds().filter(|s| s.as_secs() > 0)?),
            "filesize" => Self::Bytes(number()?.checked_mul(1000)?),
            "packets" => Self::Packets(number()?),
            "files" => Self::Files(number()?),
            _ => return None,
        })
    }
}

/// When the capture ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// After this time.
    pub duration: Option<Duration>,
    /// Before it would be longer than this many bytes.
    pub bytes: Option<u64>,
    /// With this many frames.
    pub packets: Option<u64>,
    /// When this many files are full.
    pub files: Option<u64>,
}

impl Limits {
    /// Adds a condition; `false` where it is one of files only.
    pub fn add(&mut self, limit: Limit) -> bool {
        match limit {
            Limit::Duration(duration) => self.duration = Some(duration),
            Limit::Bytes(bytes) => self.bytes = Some(bytes),
            Limit::Packets(packets) => self.packets = Some(packets),
            Limit::Files(files) => self.files = Some(files),
            Limit::Interval(_) => return false,
        }
        true
    }
}

/// When a file is full and the next one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rings {
    /// After this time.
    pub duration: Option<Duration>,
    /// At times that are multiples of this one.
    pub interval: Option<Duration>,
    /// Before it would be longer than this many bytes.
    pub bytes: Option<u64>,
    /// With this many frames.
    pub packets: Option<u64>,
    /// Only so many files are kept: the oldest one goes.
    pub keep: Option<u64>,
}

impl Rings {
    /// Adds a condition.
    pub fn add(&mut self, limit: Limit) {
        match limit {
            Limit::Duration(duration) => self.duration = Some(duration),
            Limit::Interval(interval) => self.interval = Some(interval),
            Limit::Bytes(bytes) => self.bytes = Some(bytes),
            Limit::Packets(packets) => self.packets = Some(packets),
            Limit::Files(files) => self.keep = Some(files),
        }
    }

    /// Whether anything ever ends a file.
    pub fn ever(&self) -> bool {
        self.duration.is_some() || self.interval.is_some() || self.bytes.is_some() || self.packets.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_those_of_tshark() {
        let check = |text: &str, limit: Option<Limit>| assert_eq!(Limit::parse(text), limit, "{text}");
        check("duration:60", Some(Limit::Duration(Duration::from_secs(60))));
        check("duration:0.5", Some(Limit::Duration(Duration::from_millis(500))));
        check("filesize:2", Some(Limit::Bytes(2000)));
        check("packets:7", Some(Limit::Packets(7)));
        check("files:3", Some(Limit::Files(3)));
        check("interval:3600", Some(Limit::Interval(Duration::from_secs(3600))));
        for wrong in ["", "60", "duration:", "duration:-1", "duration:nan", "packets:0", "size:5", "interval:0.1"] {
            check(wrong, None);
        }
    }
}
