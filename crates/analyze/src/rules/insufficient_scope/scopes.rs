//! Scopes: what a denial asks for, what the token has, and what is missing.

use std::collections::BTreeSet;

use crate::{
    case::Case,
    facts::Fact,
    presented::{Presented, quoted},
};

/// The scopes that the challenge or the body asks for and the token lacks.
pub(super) fn missing(case: &Case<'_>, fact: &Fact) -> Vec<String> {
    let asked = fact.challenges.iter().filter(|c| c.error() == Some("insufficient_scope")).find_map(|c| c.scope());
    let asked = asked.or(fact.outcome.scope.as_deref()).unwrap_or_default();
    let has: BTreeSet<String> = Presented::of(case, fact)
        .map(|jwt| jwt.claims.scopes.iter().flat_map(|scope| each(scope)).collect())
        .unwrap_or_default();
    each(asked).into_iter().filter(|scope| !has.contains(scope)).collect()
}

/// What the token has, in words; `None` where its claims cannot be read.
pub(super) fn held(case: &Case<'_>, fact: &Fact) -> Option<String> {
    let claims = Presented::of(case, fact)?.claims;
    match (claims.scopes.is_empty(), claims.has_roles) {
        (false, _) => Some(quoted(claims.scopes.iter().map(|scope| &**scope))),
        (true, true) => Some("no scope; roles or permissions in other claims".to_owned()),
        (true, false) => Some("neither scope nor roles".to_owned()),
    }
}

/// Each scope of a list. Spaces separate them (RFC 6749 §3.3), with some vendors commas; registries of container images
/// write `type:name:action,action` (Distribution, "Token scope").
fn each(list: &str) -> Vec<String> {
    let words = list.split(' ').filter(|word| !word.is_empty());
    let each = words.flat_map(|word| match word.rsplit_once(':').filter(|(resource, _)| resource.contains(':')) {
        Some((resource, actions)) if actions.contains(',') => {
            actions.split(',').map(|action| format!("{resource}:{action}")).collect::<Vec<_>>()
        }
        _ => word.split(',').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn lists_of_scopes() {
        assert_eq!(each("read:user repo"), ["read:user", "repo"]);
        assert_eq!(each("channels:read,chat:write"), ["channels:read", "chat:write"]);
        assert_eq!(each("repository:acme/app:pull,push"), ["repository:acme/app:pull", "repository:acme/app:push"]);
        assert!(each("").is_empty());
    }
}
