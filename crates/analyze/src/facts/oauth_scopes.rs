//! What GitHub tells of scopes in fields of its answers: which one of several a call takes, and which the token has
//! (GitHub, "Scopes for OAuth apps"). It answers 404 where a private resource is out of a token's reach.

use authtrace_parse::Exchange;

/// Names the scopes of which the call takes one.
pub(super) const ACCEPTED: &str = "x-accepted-oauth-scopes";
/// Names the scopes of the token.
const HELD: &str = "x-oauth-scopes";

/// The scopes of which the token would need one, where it has none of them.
pub(super) fn lacked(exchange: &Exchange) -> Option<&str> {
    let headers = &exchange.response.as_ref().filter(|response| matches!(response.status, 403 | 404))?.headers;
    let (accepted, held) = (headers.get(ACCEPTED)?.expose(), headers.get(HELD)?.expose());
    let mut takes = scopes(accepted).peekable();
    let any = takes.peek().is_some();
    (any && !takes.any(|scope| scopes(held).any(|own| own == scope))).then_some(accepted)
}

fn scopes(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|scope| !scope.is_empty())
}
