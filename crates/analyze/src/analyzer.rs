//! The analyzer: exchanges in, one by one; an analysis out.

use std::sync::Arc;

use authtrace_parse::{BodyPolicy, BodyQuestion, Exchange, ExchangeId};

use crate::{
    analysis::{Analysis, Elsewhere},
    aside::Past,
    capture::{Capture, Drawn},
    coverage::Input,
    diagnosis,
    facts::{Fact, extract::Extractor},
    judge,
    own_rule::{self, OwnRule},
    profile::{Profile, measure::Measure},
    settings::Settings,
    stored::{KeysTried, Part},
    token::Fingerprinter,
    tokens::TokenStore,
};

/// Draws facts as exchanges arrive and judges them when all are there.
pub struct Analyzer {
    settings: Arc<Settings>,
    facts: Vec<Fact>,
    tokens: TokenStore,
    extractor: Extractor,
    keys_tried: KeysTried,
    past: Past,
}

impl Analyzer {
    /// An analyzer with nothing in it. Several may share their settings.
    pub fn new(settings: impl Into<Arc<Settings>>) -> Self {
        Self {
            settings: settings.into(),
            facts: Vec::new(),
            tokens: TokenStore::default(),
            extractor: Extractor::default(),
            keys_tried: KeysTried::default(),
            past: Past::default(),
        }
    }

    /// Draws the fact of `exchange`, which itself is not kept. Exchanges may arrive in any order of their ids: packets
    /// complete them out of order.
    pub fn push(&mut self, exchange: &Exchange) {
        self.facts.push(self.extractor.extract(exchange, &mut self.tokens, &self.settings));
    }

    /// The fact that was drawn last, as it is before anything is joined or judged.
    pub fn last(&self) -> Option<&Fact> {
        self.facts.last()
    }

    /// Facts that are at hand.
    pub fn known(&self) -> usize {
        self.facts.len()
    }

    /// Takes out facts until `keep` are left, those first whose client has been quiet longest, with the credentials that they
    /// name: for a capture without an end, of the one input that was pushed. What they add up to stays, so that the others
    /// are judged as if they were still there; [`Self::take_back`] makes it whole again.
    ///
    /// The parts that `take` gets hold their secrets, as facts that are at hand do; [`Seal`](crate::sealed::Seal) keeps them.
    pub fn set_aside(&mut self, keep: usize, take: impl FnMut(Part)) {
        let clients = self.extractor.clients();
        self.past.part_with(&mut self.facts, &mut self.tokens, &clients, keep, take);
        self.tokens.keep_only(&mut self.facts);
        self.extractor.keep_only(&mut self.facts);
    }

    /// Takes back everything that was set aside and is still there: from now on nothing else counts.
    pub fn take_back(&mut self, parts: impl IntoIterator<Item = Part>) {
        self.past.forget_sums();
        parts.into_iter().for_each(|part| self.add(part, 0, 0));
    }

    /// Learns which values of `part` must not be shown, whoever else repeats them.
    pub fn learn_secrets(&mut self, part: &Part) {
        self.past.learn_secrets(&part.tokens);
    }

    /// An analyzer with nothing in it that knows what concerns all clients of this one: keys that were published, and
    /// values that must not be shown.
    pub fn successor(&self) -> Self {
        let mut successor = Self::new(Arc::clone(&self.settings));
        successor.learn_keys(self);
        successor.past = self.past.without_sums();
        successor
    }

    /// What is there so far, to be judged beside whatever still arrives: for those who cannot wait for the end. It costs a
    /// copy of the facts and tokens, not of the exchanges.
    pub fn so_far(&self) -> Snapshot {
        let drawn = Drawn {
            facts: self.facts.clone(),
            tokens: self.tokens.clone(),
            clients: self.extractor.clients(),
            published: self.extractor.published().clone(),
            keys_tried: self.keys_tried.clone(),
            past: self.past.clone(),
        };
        Snapshot { settings: Arc::clone(&self.settings), drawn }
    }

    /// Learns the keys that the captures of `other` publish, as if they had been read before.
    pub fn learn_keys(&mut self, other: &Self) {
        self.extractor.learn_keys(other.extractor.published());
    }

    /// Takes out the facts of the input that was pushed, whose exchanges count from 0, fit to be kept. What its key sets say
    /// stays, for the inputs that follow.
    pub fn take_part(&mut self, names: &Fingerprinter) -> Part {
        let facts = std::mem::take(&mut self.facts);
        let tokens = std::mem::take(&mut self.tokens);
        let clients = self.extractor.clients();
        Part::new(facts, tokens, &clients, self.extractor.published(), &self.settings, names)
    }

    /// Adds facts that were kept, as if their input were read now: exchanges are numbered from `first_id`, the input is
    /// number `input`. Nothing is added where the part is not whole ([`Part::is_whole`]).
    pub fn add(&mut self, part: Part, first_id: u32, input: u16) {
        if !part.is_whole() {
            return;
        }
        self.keys_tried.any |= part.keys.any;
        self.keys_tried.twins.extend(part.keys.twins);
        let adopted: Vec<_> = part.tokens.into_iter().map(|token| self.tokens.adopt(token, first_id)).collect();
        for mut stored in part.facts {
            stored.fact.id = ExchangeId(stored.fact.id.0.saturating_add(first_id));
            stored.fact.source.input = input;
            self.facts.push(self.extractor.restore(stored, &adopted, &self.tokens));
        }
    }

    /// What the facts add up to. They are all that some clients sent, and sums of other clients' facts add to theirs:
    /// [`Sums`](crate::profile::Sums).
    pub fn measures(self, inputs: &[Input]) -> impl Iterator<Item = (Measure, u64)> {
        let mut drawn = self.into_snapshot().drawn;
        drawn.tally(inputs).measures()
    }

    /// Judges everything with the final profile.
    pub fn finish(self, inputs: Vec<Input>) -> Analysis {
        self.into_snapshot().judge(inputs)
    }

    /// Judges what some clients sent with the `profile` of all.
    pub fn finish_against(self, inputs: Vec<Input>, profile: Profile) -> Analysis {
        self.into_snapshot().judge_against(inputs, Some(profile))
    }

    /// What is there. What only helped to draw facts is not carried through judging.
    fn into_snapshot(self) -> Snapshot {
        let (clients, published) = self.extractor.into_parts();
        let Self { settings, facts, tokens, keys_tried, past, .. } = self;
        Snapshot { settings, drawn: Drawn { facts, tokens, clients, published, keys_tried, past } }
    }
}

/// The facts of a moment. What is judged of them is provisional: a later exchange may explain an earlier one.
pub struct Snapshot {
    settings: Arc<Settings>,
    drawn: Drawn,
}

impl Snapshot {
    /// Judges with the profile of this moment.
    pub fn judge(self, inputs: Vec<Input>) -> Analysis {
        self.judge_against(inputs, None)
    }

    fn judge_against(self, inputs: Vec<Input>, profile: Option<Profile>) -> Analysis {
        let digests: Vec<_> = inputs.iter().map(|input| input.sha256).collect();
        let fingerprints = Fingerprinter::of_run(self.settings.fingerprint_key.as_ref(), &digests);
        let fingerprints = if self.settings.shared { fingerprints.without_tails() } else { fingerprints };
        let settings = Arc::clone(&self.settings);
        let capture = Capture::new(self.drawn, inputs, fingerprints, settings, profile);
        let (mut findings, coverage) = judge::judge(&capture);
        findings.extend(own_rule::judge(&capture, &self.settings.own_rules));
        for finding in &mut findings {
            if let Some(severity) = self.settings.severities.get(finding.rule.code) {
                (finding.severity, finding.severity_reason) = (*severity, Some("the settings say so"));
            }
        }
        let diagnosis = diagnosis::diagnose(&capture, findings);
        let own_rules = self.settings.own_rules.iter().map(OwnRule::meta).collect();
        Analysis {
            capture,
            coverage,
            findings: diagnosis.findings,
            incidents: diagnosis.incidents,
            own_rules,
            elsewhere: Elsewhere::default(),
        }
    }
}

/// Which bodies facts are drawn from: requests and refusals that are JSON, form or text, and answers that may hold tokens.
pub struct BodyNeeds;

impl BodyNeeds {
    /// Most bytes of a JSON or form body: tokens, key sets and credentials are far smaller. Larger JSON is a list of
    /// things, not a token response; it is counted and skipped unread.
    const STRUCTURED: usize = 16 * 1024;
    /// Most bytes of the JSON of a refusal, which may quote what it was given.
    const REFUSAL: usize = 64 * 1024;
    /// Most bytes of a page, to tell a login form from others.
    const FORM: usize = 16 * 1024;
    /// Most bytes of an error page.
    const PAGE: usize = 4 * 1024;
    /// Most bytes of an answer to a poll, which may hold a refusal.
    const POLL: usize = 1024;
}

impl BodyPolicy for BodyNeeds {
    fn keep(&self, question: &BodyQuestion<'_>) -> usize {
        let mime = question.mime.unwrap_or_default().to_ascii_lowercase();
        let structured = mime.contains("json") || mime.contains("urlencoded");
        let refused = question.status.is_some_and(|status| status >= 400);
        match (question.response, structured) {
            (true, true) if refused && question.stored <= Self::REFUSAL => Self::REFUSAL,
            (_, true) if question.stored <= Self::STRUCTURED => Self::STRUCTURED,
            (true, false) if refused => Self::PAGE,
            (true, false) if mime.starts_with("text/plain") && question.stored <= Self::POLL => Self::POLL,
            // A provider answers a hidden frame, and some of its errors, with a short page of status 200.
            (true, false) if mime.starts_with("text/html") && question.stored <= Self::PAGE => Self::PAGE,
            (true, false) if mime.contains("html") && question.method != "HEAD" => Self::FORM,
            (false, false) if mime.is_empty() || mime.starts_with("text/plain") => Self::PAGE,
            _ => 0,
        }
    }
}
