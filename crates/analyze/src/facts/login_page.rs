//! Login pages, told by their HTML: what a browser shows a person, and what a script that asked for data cannot use.

use authtrace_parse::Response;
use serde::{Deserialize, Serialize};

use crate::text::start;

/// How much an HTML answer looks like a login page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LoginPage {
    /// It is no HTML, or has no sign of a login.
    #[default]
    No,
    /// Its title asks to sign in.
    Titled,
    /// It has a field for a password.
    Form,
}

/// Bytes that are searched: a form stands behind styles and scripts, and far below it is only a footer.
const SEARCHED: usize = 16 * 1024;

/// Words of a title that ask to sign in.
const TITLES: &[&str] =
    &["sign in", "signin", "log in", "login", "log on", "logon", "anmelden", "connexion", "iniciar sesión"];

impl LoginPage {
    /// What a successful answer looks like.
    pub(crate) fn read(response: &Response) -> Self {
        let is_page = (200..300).contains(&response.status)
            && response.body.essence().is_some_and(|mime| matches!(&*mime, "text/html" | "application/xhtml+xml"));
        let Some(text) = response.body.text().filter(|_| is_page) else { return Self::No };
        let html = start(text.expose(), SEARCHED).to_ascii_lowercase();
        if ["type=\"password\"", "type='password'", "type=password"].iter().any(|field| html.contains(field)) {
            Self::Form
        } else if title(&html).is_some_and(asks_to_sign_in) {
            Self::Titled
        } else {
            Self::No
        }
    }
}

/// Whether a title has one of [`TITLES`], whole words only: "Analog Insights" has none.
fn asks_to_sign_in(title: &str) -> bool {
    let words: Vec<&str> = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let words = format!(" {} ", words.join(" "));
    TITLES.iter().any(|title| words.contains(&format!(" {title} ")))
}

fn title(html: &str) -> Option<&str> {
    let (_, rest) = html.split_once("<title")?;
    let (_, rest) = rest.split_once('>')?;
    Some(rest.split_once('<').map_or(rest, |(title, _)| title))
}

#[cfg(test)]
mod tests {
    use authtrace_parse::{Body, Content, HeaderView, Headers, Secret};

    use super::*;

    #[track_caller]
    fn check(status: u16, mime: &str, text: &str, expected: LoginPage) {
        let content = Content::Text { text: Secret::new(text), cut: false };
        let body = Body { mime: Some(mime.into()), size: None, content };
        let response =
            Response { status, headers: Headers::new(), view: HeaderView::Full, trailers: Headers::new(), body };
        assert_eq!(LoginPage::read(&response), expected, "{text}");
    }

    #[test]
    fn forms_and_titles() {
        check(200, "text/html; charset=utf-8", "<FORM><input TYPE='password' name=p>", LoginPage::Form);
        check(200, "text/html", "<html><title lang=en>Sign in · Grafana</title>", LoginPage::Titled);
        check(200, "text/html", "<title>Login - Acme</title>", LoginPage::Titled);
        check(200, "text/html", "<title>Analog Insights</title>", LoginPage::No);
        check(200, "text/html", "<title>Orders</title><a href=/login>Log in</a>", LoginPage::No);
        check(401, "text/html", "<input type=\"password\">", LoginPage::No);
        check(200, "application/json", "{\"html\":\"<input type='password'>\"}", LoginPage::No);
    }
}
