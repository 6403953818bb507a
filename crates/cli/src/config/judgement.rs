//! The tables of the settings file that say how to judge, checked and in the words of the analysis.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
    time::Duration,
};

use authtrace_analyze::{
    Severity,
    catalogue::{self, RuleMeta},
    expect::{Expectations, Pattern, RouteRule},
    own_rule::{OwnRule, OwnRuleSpec},
    role::Role,
    thresholds::{Limit, Overrides, Threshold},
};
use authtrace_report::Acceptance;
use jiff::{SignedDuration, civil::Date};
use toml::Spanned;

use super::{
    file::{File, Ignore, Number, Rule},
    place::{Fault, Text},
};
use crate::output::complain;

/// Most own rules, most routes and most entries to ignore.
const MOST_RULES: usize = 64;
const MOST: usize = 10_000;
/// Longest span of time.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How to judge.
#[derive(Clone, Default)]
pub(crate) struct Judgement {
    pub(crate) thresholds: Overrides,
    pub(crate) severities: BTreeMap<&'static str, Severity>,
    routes: Vec<RouteRule>,
    issuers: Vec<String>,
    audiences: Vec<String>,
    origins: Vec<String>,
    pub(crate) own_rules: Vec<OwnRule>,
    pub(crate) ignored: Vec<Acceptance>,
}

impl Judgement {
    /// Checks the tables of `file`, which is called `name`; what is ignored until a day before `today` counts again.
    pub(super) fn read(file: &File, name: &str, text: &Text, today: Date) -> Result<Self, Fault> {
        Ok(Self {
            thresholds: thresholds(file)?,
            severities: severities(file)?,
            routes: routes(file, name, text)?,
            issuers: owned(&file.expect.issuers),
            audiences: owned(&file.expect.audiences),
            origins: origins(&file.expect.origins)?,
            own_rules: own_rules(file, text)?,
            ignored: ignored(file, name, text, today)?,
        })
    }

    /// What is declared, without any API description.
    pub(crate) fn expectations(&self) -> Expectations {
        let set = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect();
        Expectations {
            routes: self.routes.clone(),
            documents: Vec::new(),
            issuers: set(&self.issuers),
            audiences: set(&self.audiences),
            origins: set(&self.origins),
        }
    }
}

fn owned(list: &[Spanned<String>]) -> Vec<String> {
    list.iter().map(|text| text.get_ref().clone()).collect()
}

fn bounded<T>(list: &[T], most: usize, what: &str) -> Result<(), Fault> {
    if list.len() > most { Err(Fault::new(0, format!("more than {most} {what}"))) } else { Ok(()) }
}

fn rule(name: &Spanned<String>) -> Result<&'static RuleMeta, Fault> {
    let unknown = || {
        let says = format!("no rule is called {}; `authtrace rules` lists them", name.get_ref());
        Fault::new(name.span().start, says)
    };
    catalogue::find(name.get_ref()).ok_or_else(unknown)
}

fn severity(name: &Spanned<String>) -> Result<Severity, Fault> {
    let found = Severity::ALL.into_iter().find(|severity| severity.name().eq_ignore_ascii_case(name.get_ref()));
    found.ok_or_else(|| Fault::new(name.span().start, "a severity is critical, high, medium, low or info"))
}

fn severities(file: &File) -> Result<BTreeMap<&'static str, Severity>, Fault> {
    file.severity.iter().map(|(name, value)| Ok((rule(name)?.code, severity(value)?))).collect()
}

fn thresholds(file: &File) -> Result<Overrides, Fault> {
    let mut overrides = Overrides::default();
    for (name, values) in &file.thresholds {
        let rule = rule(name)?;
        for (key, value) in values {
            let known = rule.thresholds.iter().find(|threshold| threshold.key() == key.get_ref().replace('_', "-"));
            let threshold = known.ok_or_else(|| {
                let keys: Vec<String> = rule.thresholds.iter().map(Threshold::key).collect();
                let has =
                    if keys.is_empty() { "it has none".to_owned() } else { format!("it has {}", keys.join(", ")) };
                Fault::new(key.span().start, format!("{} has no threshold {}; {has}", rule.id, key.get_ref()))
            })?;
            let limit = limit(threshold, value)?;
            overrides
                .set(rule.code, threshold.name, limit)
                .map_err(|_| Fault::new(value.span().start, "a value of another unit"))?;
        }
    }
    Ok(overrides)
}

fn limit(threshold: &Threshold, value: &Spanned<Number>) -> Result<Limit, Fault> {
    let fault = |says: &str| Fault::new(value.span().start, format!("{} is {says}", threshold.key()));
    match (threshold.default, value.get_ref()) {
        (Limit::Time(_), Number::Time(text)) => time(text).map(Limit::Time).ok_or_else(|| fault(TIME)),
        (Limit::Time(_), _) => Err(fault(TIME)),
        (Limit::Count(_), Number::Whole(count @ 1..=1_000_000)) => {
            Ok(Limit::Count(usize::try_from(*count).unwrap_or(1)))
        }
        (Limit::Count(_), _) => Err(fault("a whole number from 1 to 1000000")),
        (Limit::Share(_), Number::Broken(share)) if (0.0..=1.0).contains(share) => Ok(Limit::Share(*share)),
        (Limit::Share(_), Number::Whole(0)) => Ok(Limit::Share(0.0)),
        (Limit::Share(_), Number::Whole(1)) => Ok(Limit::Share(1.0)),
        (Limit::Share(_), _) => Err(fault("a share from 0 to 1")),
    }
}

const TIME: &str =
    "a span of time such as \"300ms\", \"10s\", \"2m\", \"12h\", more than nothing and ten years at most";

fn time(text: &str) -> Option<Duration> {
    let span = Duration::try_from(SignedDuration::from_str(text).ok()?).ok()?;
    (!span.is_zero() && span <= LONGEST).then_some(span)
}

fn pattern(text: &Spanned<String>) -> Result<Pattern, Fault> {
    Pattern::parse(text.get_ref()).map_err(|error| Fault::new(text.span().start, error.to_string()))
}

fn routes(file: &File, name: &str, text: &Text) -> Result<Vec<RouteRule>, Fault> {
    bounded(&file.route, MOST, "routes")?;
    let route = |route: &super::file::Route| {
        let at = route.r#match.span().start;
        if route.role.is_none() && route.protected.is_none() {
            return Err(Fault::new(at, "a route says `role`, `protected` or both"));
        }
        Ok(RouteRule {
            pattern: pattern(&route.r#match)?,
            role: route.role.as_ref().map(role).transpose()?,
            protected: route.protected.as_ref().map(|protected| *protected.get_ref()),
            from: format!("{name}:{}", text.place(at).0).into(),
        })
    };
    file.route.iter().map(route).collect()
}

fn role(name: &Spanned<String>) -> Result<Role, Fault> {
    let found = Role::ALL.into_iter().find(|role| role.name() == name.get_ref());
    found.ok_or_else(|| {
        let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
        Fault::new(name.span().start, format!("a role is one of {}", names.join(", ")))
    })
}

fn origins(list: &[Spanned<String>]) -> Result<Vec<String>, Fault> {
    let origin = |text: &Spanned<String>| {
        let lower = text.get_ref().trim_end_matches('/').to_ascii_lowercase();
        let is_origin = lower.split_once("://").is_some_and(|(scheme, rest)| {
            matches!(scheme, "http" | "https" | "ws" | "wss")
                && !rest.is_empty()
                && !rest.contains(['/', '?', '#', ' '])
        });
        if is_origin {
            Ok(lower)
        } else {
            Err(Fault::new(
                text.span().start,
                "an origin is scheme and host, with a port where it is not the usual one: https://api.example.com",
            ))
        }
    };
    list.iter().map(origin).collect()
}

fn own_rules(file: &File, text: &Text) -> Result<Vec<OwnRule>, Fault> {
    bounded(&file.rule, MOST_RULES, "rules of your own")?;
    let mut names = BTreeSet::new();
    for entry in &file.rule {
        let name = &entry.get_ref().name;
        if !names.insert(name.get_ref()) {
            return Err(Fault::new(name.span().start, format!("two rules are called {}", name.get_ref())));
        }
    }
    file.rule.iter().map(|entry| own_rule(entry, text)).collect()
}

fn own_rule(entry: &Spanned<Rule>, file: &Text) -> Result<OwnRule, Fault> {
    let rule = entry.get_ref();
    let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.get_ref().clone());
    let window = rule.window.as_ref().map(|window| {
        time(window.get_ref()).ok_or_else(|| Fault::new(window.span().start, format!("window is {TIME}")))
    });
    let spec = OwnRuleSpec {
        name: rule.name.get_ref().clone(),
        title: text(&rule.title),
        when: rule.when.get_ref().clone(),
        group_by: owned(&rule.group_by),
        window: window.transpose()?,
        at_least: rule.at_least.as_ref().map_or(1, |count| *count.get_ref() as usize),
        severity: rule.severity.as_ref().map(severity).transpose()?,
        message: text(&rule.message),
        help: text(&rule.help),
    };
    OwnRule::new(spec).map_err(|fault| {
        let place = match fault.field {
            "name" => Some(rule.name.span()),
            "when" => Some(rule.when.span()),
            "group_by" => {
                rule.group_by.iter().find(|c| fault.reason.ends_with(c.get_ref().as_str())).map(Spanned::span)
            }
            "at_least" => rule.at_least.as_ref().map(Spanned::span),
            "message" => rule.message.as_ref().map(Spanned::span),
            _ => None,
        };
        let mut at = place.unwrap_or_else(|| entry.span()).start;
        // The part within the condition, where that stands in the file as it is: one quote in front of it, no escapes.
        let verbatim = file.as_str().get(at + 1..).is_some_and(|rest| rest.starts_with(rule.when.get_ref().as_str()));
        if let Some(inside) = fault.at.filter(|_| fault.field == "when" && verbatim) {
            at += 1 + inside;
        }
        Fault::new(at, format!("rule {}, {}: {}", rule.name.get_ref(), fault.field, fault.reason))
    })
}

fn ignored(file: &File, name: &str, text: &Text, today: Date) -> Result<Vec<Acceptance>, Fault> {
    bounded(&file.ignore, MOST, "entries to ignore")?;
    let mut holding = Vec::new();
    for entry in &file.ignore {
        let (acceptance, last) = acceptance(entry)?;
        if last < today {
            let line = text.place(entry.span().start).0;
            complain(&format!("{name}:{line}: what is ignored here was until {last}; it counts again"));
            continue;
        }
        holding.push(acceptance);
    }
    Ok(holding)
}

fn acceptance(entry: &Spanned<Ignore>) -> Result<(Acceptance, Date), Fault> {
    let ignore = entry.get_ref();
    if ignore.rule.is_none() && ignore.route.is_none() && ignore.origin.is_none() && ignore.fingerprint.is_none() {
        return Err(Fault::new(entry.span().start, "say what to ignore: rule, route, origin or fingerprint"));
    }
    if ignore.reason.get_ref().trim().is_empty() {
        return Err(Fault::new(ignore.reason.span().start, "ignored without a reason; write one"));
    }
    let last: Date = ignore.last_day().parse().map_err(|_| {
        Fault::new(ignore.until.span().start, "until is the last day on which it is ignored: 2026-12-31")
    })?;
    let code = |name: &Spanned<String>| match name.get_ref() {
        own if own.starts_with("OWN-") => Ok(own.clone()),
        _ => rule(name).map(|rule| rule.code.to_owned()),
    };
    let acceptance = Acceptance {
        fingerprint: ignore.fingerprint.as_ref().map(|text| text.get_ref().clone()),
        rule: ignore.rule.as_ref().map(code).transpose()?,
        route: ignore.route.as_ref().map(pattern).transpose()?,
        origin: match &ignore.origin {
            Some(origin) => origins(std::slice::from_ref(origin))?.pop(),
            None => None,
        },
        reason: ignore.reason.get_ref().clone(),
        until: Some(last.to_string()),
    };
    Ok((acceptance, last))
}
