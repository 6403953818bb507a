//! Token lifelines: a bar for each token from its issue to its expiry, a tick for each use, refreshes as links.

use authtrace_analyze::{
    facts::Fact,
    tokens::{Token, TokenId},
};
use authtrace_parse::Timestamp;

use super::{
    fate,
    scale::Scale,
    svg::{Drawing, cut},
};
use crate::{
    moment::span,
    tokens,
    view::View,
    words::{answer, count},
};

const WIDTH: f64 = 900.0;
const LABELS: f64 = 230.0;
const ROW: f64 = 30.0;
const TOP: f64 = 24.0;
/// Tokens that are drawn: those with most to tell.
const MOST: usize = 14;

/// One token on the picture.
struct Life<'a> {
    id: TokenId,
    token: &'a Token,
    uses: Vec<&'a Fact>,
    begin: i64,
    /// Expiry, where the token states one.
    expiry: Option<i64>,
    last: i64,
}

/// The picture, or `None` where no token has a time.
pub(super) fn draw(view: &View<'_>) -> Option<String> {
    let lives = lives(view);
    let from = lives.iter().map(|life| life.begin).min()?;
    let last = lives.iter().map(|life| life.last).max()?;
    // An expiry far behind the capture would squeeze everything else into a point: it is drawn at the edge.
    let room = (last - from).max(1_000_000) / 4;
    let until =
        lives.iter().filter_map(|life| life.expiry).filter(|e| *e <= last + room).max().unwrap_or(last).max(last);
    let height = TOP + ROW * lives.len() as f64 + 6.0;
    let scale = Scale::new(from, until, LABELS, WIDTH - LABELS - 20.0);
    let mut drawing = Drawing::new();
    scale.draw(&mut drawing, TOP - 6.0, height - 6.0);
    for (row, life) in lives.iter().enumerate() {
        bar(&mut drawing, view, life, &scale, TOP + ROW * row as f64, until);
    }
    links(&mut drawing, view, &lives, &scale);
    let description = format!(
        "{}; {} in all, {} refused. The token inventory in the appendix says the same in words.",
        count(lives.len(), "token"),
        count(lives.iter().map(|life| life.uses.len()).sum(), "use"),
        lives.iter().flat_map(|life| &life.uses).filter(|f| f.refused()).count()
    );
    Some(drawing.finish("lifelines", [WIDTH, height], "Lifelines of the tokens", &description))
}

fn lives<'a>(view: &View<'a>) -> Vec<Life<'a>> {
    let life = |(id, token): (TokenId, &'a Token)| {
        let uses: Vec<&Fact> =
            token.sent_in.iter().filter_map(|id| view.analysis.fact(*id)).filter(|f| f.leg_of().is_none()).collect();
        let first = token.delivered_at.or(token.first).map(Timestamp::nanos)?;
        let issued = tokens::claims(token).and_then(|c| c.iat).map(|date| date.intended().nanos());
        let last = token.last.map_or(first, Timestamp::nanos);
        // `iat` is the issuer's clock and may lie long before the capture: then the bar begins where the token was seen.
        let begin =
            issued.filter(|at| *at <= first && first.saturating_sub(*at) < 60_000_000_000).unwrap_or(first).min(first);
        let expiry = tokens::claims(token).and_then(|c| c.exp).map(|date| date.intended().nanos());
        token.is_secret().then_some(Life { id, token, uses, begin, expiry, last })
    };
    let mut lives: Vec<Life<'_>> = tokens::in_focus(view).into_iter().filter_map(life).collect();
    lives.retain(|life| !life.uses.is_empty() || life.expiry.is_some());
    lives.sort_by_key(|life| (std::cmp::Reverse(life.token.refused), std::cmp::Reverse(life.uses.len()), life.id));
    lives.truncate(MOST);
    lives.sort_by_key(|life| (life.begin, life.id));
    lives
}

fn bar(drawing: &mut Drawing, view: &View<'_>, life: &Life<'_>, scale: &Scale, y: f64, until: i64) {
    let end = life.expiry.unwrap_or(life.last);
    let (left, right) = (scale.at(life.begin), scale.at(end.max(life.begin)));
    let name = tokens::name(&view.analysis.capture, life.id, life.token);
    let expiry = match life.expiry {
        Some(expiry) if expiry > until => {
            format!(", expires {} after the last use", span(expiry.saturating_sub(life.last)))
        }
        Some(_) => ", expires within the picture".to_owned(),
        None => ", states no expiry".to_owned(),
    };
    drawing.text("label", [6.0, y + 16.0], &cut(&format!("{} {name}", life.id), 32));
    let class = if life.expiry.is_some() { "life" } else { "life open" };
    drawing.rect(class, [left, y + 7.0, (right - left).max(3.0), 10.0], &format!("{} {name}{expiry}", life.id));
    if life.expiry.is_some_and(|expiry| expiry <= until) {
        drawing.line("expiry", [right, y + 3.0, right, y + 21.0]);
    }
    for fact in &life.uses {
        let x = scale.at(fact.started_nanos());
        let title = format!("#{} {} {}", fact.id.0, fact.route, answer(fact));
        match fate::class(fact) {
            // A refused use is a cross, an accepted one a tick: colour says the same again.
            "bad" | "broken" => {
                drawing.path("use bad", &[[x - 4.0, y + 8.0], [x + 4.0, y + 16.0]], &title);
                drawing.path("use bad", &[[x - 4.0, y + 16.0], [x + 4.0, y + 8.0]], &title);
            }
            _ => drawing.path("use good", &[[x, y + 4.0], [x, y + 20.0]], &title),
        }
    }
}

/// From the refresh token that was presented to what the answer delivered.
fn links(drawing: &mut Drawing, view: &View<'_>, lives: &[Life<'_>], scale: &Scale) {
    let row = |id: TokenId| lives.iter().position(|life| life.id == id);
    for (to, life) in lives.iter().enumerate() {
        let Some(fact) = life.token.delivered_by.and_then(|id| view.analysis.fact(id)) else { continue };
        let presented = fact.request.refresh_token.or_else(|| fact.main_credential().map(|c| c.token));
        let Some(from) = presented.filter(|id| *id != life.id).and_then(row) else { continue };
        let x = scale.at(fact.ended_nanos());
        let y = |row: usize| TOP + ROW * row as f64 + 12.0;
        let title = format!("{} was traded for {} by #{}", lives[from].id, life.id, fact.id.0);
        drawing.path("link", &[[scale.at(fact.started_nanos()), y(from)], [x, y(from)], [x, y(to)]], &title);
    }
}
