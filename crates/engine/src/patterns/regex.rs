//! Regular expressions, run over text.
//!
//! Every match follows all ways through the expression at once, so it takes
//! time in proportion to the bytes of the text and to the places in the
//! expression that can be alive together. Both are known before it starts.

use regex_automata::Input;
use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::captures::Captures;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::decision::EvaluationError;

use crate::budget::{Budget, count};

/// Bytes of text, times places alive, that make a step.
const PLACES_PER_STEP: u64 = 4;

/// Places that a byte of text costs by itself.
const PLACES_PER_BYTE: u64 = 3;

/// Groups that cost as much to carry as the search itself.
const GROUPS_PER_SEARCH: u64 = 8;

/// Texts longer than this are searched with memory that is given back. The
/// memory that an expression keeps grows with the longest text it has seen:
/// with thousands of expressions, one long request would fill a proxy.
const LONG_TEXT: usize = 256;

/// Ranges of a class that are searched in the time of one place.
const RANGES_PER_PLACE: u64 = 8;

/// A regular expression and what it costs.
#[derive(Debug)]
pub(super) struct Expression {
    regex: Regex,
    /// What every matching text starts with.
    prefix: Box<str>,
    /// Places that can be alive at one offset of a text, and what the byte
    /// there costs.
    places: u64,
}

impl Expression {
    /// Compiles an expression to no more than so many bytes.
    pub(super) fn new(hir: &Hir, max_bytes: usize) -> Result<Self, Box<BuildError>> {
        // Thousands of patterns are built when a policy loads, and each is
        // run on short text: what speeds up long searches is not worth its
        // price.
        let config = Config::new()
            .auto_prefilter(false)
            .dfa(false)
            .onepass(false)
            .nfa_size_limit(Some(max_bytes))
            .hybrid_cache_capacity(max_bytes);
        let regex = Regex::builder().configure(config).build_from_hir(hir)?;
        let anchored = hir.properties().look_set_prefix().contains(Look::Start);
        Ok(Self {
            regex,
            prefix: prefix(hir).into(),
            places: places(hir, !anchored).count.saturating_add(PLACES_PER_BYTE),
        })
    }

    /// What every matching text starts with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the expression matches in the text.
    pub(super) fn is_match(&self, text: &str, budget: &Budget) -> Result<bool, EvaluationError> {
        if !self.begins(text, 0, budget)? {
            return Ok(false);
        }
        if text.len() <= LONG_TEXT {
            return Ok(self.regex.is_match(text));
        }
        let mut memory = self.regex.create_cache();
        let input = Input::new(text).earliest(true);
        Ok(self.regex.search_half_with(&mut memory, &input).is_some())
    }

    /// The groups of the first match in the text.
    pub(super) fn captures(
        &self,
        text: &str,
        budget: &Budget,
    ) -> Result<Option<Captures>, EvaluationError> {
        if !self.begins(text, self.regex.captures_len(), budget)? {
            return Ok(None);
        }
        let mut captures = self.regex.create_captures();
        if text.len() <= LONG_TEXT {
            self.regex.captures(text, &mut captures);
        } else {
            let mut memory = self.regex.create_cache();
            let input = Input::new(text);
            self.regex
                .search_captures_with(&mut memory, &input, &mut captures);
        }
        Ok(captures.is_match().then_some(captures))
    }

    /// Takes what a search for so many groups costs. False if the text
    /// starts with something else than all matches do, which costs no more.
    fn begins(&self, text: &str, groups: usize, budget: &Budget) -> Result<bool, EvaluationError> {
        budget.spend(1)?;
        if !text.starts_with(&*self.prefix) {
            return Ok(false);
        }
        // Every place carries the groups found on the way to it.
        let weight = count(groups).saturating_add(GROUPS_PER_SEARCH);
        let work = self.places.saturating_mul(weight);
        let work = work.saturating_mul(count(text.len()));
        let steps = work.checked_div(PLACES_PER_STEP.saturating_mul(GROUPS_PER_SEARCH));
        budget.spend(steps.unwrap_or(0))?;
        Ok(true)
    }
}

/// The text that every match of an expression starts with, at the start.
fn prefix(hir: &Hir) -> &str {
    let HirKind::Concat(parts) = hir.kind() else {
        return "";
    };
    let mut parts = parts.iter().map(Hir::kind);
    match (parts.next(), parts.next()) {
        (Some(HirKind::Look(Look::Start)), Some(HirKind::Literal(literal))) => {
            std::str::from_utf8(&literal.0).unwrap_or("")
        }
        _ => "",
    }
}

/// A bound on the places of an expression that are alive together.
struct Places {
    count: u64,
    /// Whether what follows may begin at many offsets.
    spread: bool,
}

/// The bound for an expression that begins at one offset, or at any number of
/// them if `spread`: while only one offset is possible, the parts of a
/// sequence are alive one after the other.
///
/// Depth is that of groups and repetitions, which the parser bounds.
fn places(hir: &Hir, spread: bool) -> Places {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Places { count: 1, spread },
        HirKind::Literal(literal) => Places {
            count: if spread { count(literal.0.len()) } else { 1 },
            spread,
        },
        HirKind::Class(class) => {
            let ranges = match class {
                Class::Unicode(class) => class.ranges().len(),
                Class::Bytes(class) => class.ranges().len(),
            };
            let ranges = count(ranges).checked_div(RANGES_PER_PLACE).unwrap_or(0);
            Places {
                count: ranges.saturating_add(1),
                spread,
            }
        }
        HirKind::Capture(group) => {
            let inner = places(&group.sub, spread);
            Places {
                count: inner.count.saturating_add(2),
                spread: inner.spread,
            }
        }
        HirKind::Repetition(repetition) => {
            let sub = &repetition.sub;
            if !spread && repetition.max == Some(repetition.min) {
                let once = places(sub, false);
                if !once.spread {
                    return once;
                }
            }
            let copies = repetition.max.unwrap_or(repetition.min).max(1);
            let each = places(sub, true).count.saturating_add(1);
            Places {
                count: each.saturating_mul(u64::from(copies)),
                spread: true,
            }
        }
        HirKind::Concat(parts) => sequence(parts, spread),
        HirKind::Alternation(all) => {
            let length = hir.properties().minimum_len();
            let mut whole = Places {
                count: count(all.len()),
                spread: spread || length != hir.properties().maximum_len(),
            };
            for part in all {
                let part = places(part, spread);
                whole.count = whole.count.saturating_add(part.count);
                whole.spread = whole.spread || part.spread;
            }
            whole
        }
    }
}

fn sequence(parts: &[Hir], spread: bool) -> Places {
    let mut spread = spread;
    let mut one_by_one = 0_u64;
    let mut together = 0_u64;
    let next = parts.iter().skip(1).map(Some).chain([None]);
    for (part, next) in parts.iter().zip(next) {
        let found = places(part, spread);
        if spread || (found.spread && !next.is_some_and(|next| ends(part, next))) {
            together = together.saturating_add(found.count);
            spread = true;
        } else {
            one_by_one = one_by_one.max(found.count.saturating_add(1));
        }
    }
    Places {
        count: one_by_one.saturating_add(together),
        spread,
    }
}

/// Whether a repeated class, such as `[^/]+`, can only end at one offset,
/// since what follows it begins with a character that the class lacks.
fn ends(part: &Hir, next: &Hir) -> bool {
    let part = match part.kind() {
        HirKind::Capture(group) => &group.sub,
        _ => part,
    };
    let (HirKind::Repetition(repetition), HirKind::Literal(literal)) = (part.kind(), next.kind())
    else {
        return false;
    };
    let HirKind::Class(Class::Unicode(class)) = repetition.sub.kind() else {
        return false;
    };
    let text = std::str::from_utf8(&literal.0).unwrap_or("");
    text.chars().next().is_some_and(|first| {
        let mut ranges = class.ranges().iter();
        !ranges.any(|range| range.start() <= first && first <= range.end())
    })
}
