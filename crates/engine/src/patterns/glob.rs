//! Globs, run over text.

use crate::decision::EvaluationError;
use doorward_syntax::pattern::Glob;
use doorward_syntax::pattern::glob::Token;

use crate::budget::{Budget, count};

/// Tokens tried on a character that make a step.
const TOKENS_PER_STEP: u64 = 8;

/// Whether the text matches the glob. Every alternative costs its tokens,
/// times the bytes of the text.
pub(super) fn matches(glob: &Glob, text: &str, budget: &Budget) -> Result<bool, EvaluationError> {
    let mut buffers = Buffers::default();
    for tokens in &glob.alternatives {
        let (plain, rest) = plain_start(tokens, text);
        budget.spend(1)?;
        let Some(rest) = rest else { continue };
        let tokens = tokens.get(plain..).unwrap_or_default();
        let work = weight(tokens).saturating_mul(count(rest.len()));
        budget.spend(work.checked_div(TOKENS_PER_STEP).unwrap_or(0))?;
        if buffers.alternative(tokens, rest) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What every text that matches the glob starts with.
pub(super) fn prefix(glob: &Glob) -> String {
    let mut alternatives = glob.alternatives.iter().map(|tokens| plain_tokens(tokens));
    let mut common: Vec<char> = alternatives.next().into_iter().flatten().collect();
    for alternative in alternatives {
        let same = common.iter().zip(alternative);
        let length = same.take_while(|(left, right)| *left == right).count();
        common.truncate(length);
    }
    common.into_iter().collect()
}

/// The plain characters that a glob starts with.
fn plain_tokens(tokens: &[Token]) -> impl Iterator<Item = char> {
    let next = tokens.iter().skip(1).map(Some).chain([None]);
    tokens.iter().zip(next).map_while(|(token, next)| {
        // A slash goes with what follows it, since `/**` also stands for
        // nothing.
        let optional = matches!(next, Some(Token::Rest | Token::Segments));
        match token {
            Token::Character(character) if !optional => Some(*character),
            _ => None,
        }
    })
}

/// How many tokens a glob starts with that are plain characters, and what
/// follows them in the text; none if the text starts otherwise.
fn plain_start<'t>(tokens: &[Token], text: &'t str) -> (usize, Option<&'t str>) {
    let mut rest = text.chars();
    let mut plain = 0_usize;
    for expected in plain_tokens(tokens) {
        if rest.next() != Some(expected) {
            return (plain, None);
        }
        plain = plain.saturating_add(1);
    }
    (plain, Some(rest.as_str()))
}

/// What trying all tokens on one character costs.
fn weight(tokens: &[Token]) -> u64 {
    let weights = tokens.iter().map(|token| match token {
        Token::Class { ranges, .. } => count(ranges.len()).saturating_add(1),
        _ => 1,
    });
    weights.fold(1, u64::saturating_add)
}

/// The tokens that may come next, and the stars and segments that may take
/// more characters: before a character, and after it.
#[derive(Default)]
struct Buffers {
    places: Vec<bool>,
    inside: Vec<bool>,
    next_places: Vec<bool>,
    next_inside: Vec<bool>,
}

impl Buffers {
    /// Follows all ways to match at once, a character at a time.
    fn alternative(&mut self, tokens: &[Token], text: &str) -> bool {
        let size = tokens.len().saturating_add(1);
        for buffer in [&mut self.places, &mut self.inside] {
            buffer.clear();
            buffer.resize(size, false);
        }
        set(&mut self.places, 0);
        for character in text.chars() {
            for buffer in [&mut self.next_places, &mut self.next_inside] {
                buffer.clear();
                buffer.resize(size, false);
            }
            if self.step(tokens, character) {
                return true;
            }
            std::mem::swap(&mut self.places, &mut self.next_places);
            std::mem::swap(&mut self.inside, &mut self.next_inside);
        }
        self.places
            .iter()
            .enumerate()
            .any(|(index, place)| *place && tokens.get(index..).is_some_and(may_be_empty))
    }

    /// Takes a character; whether the rest of the text matches whatever it is.
    fn step(&mut self, tokens: &[Token], character: char) -> bool {
        let mut open = false;
        for (index, token) in tokens.iter().enumerate() {
            let here = is_set(&self.places, index) || open;
            let within = is_set(&self.inside, index);
            // Stars and segments may also stand for nothing.
            open = here && matches!(token, Token::Star | Token::Segments);
            let after = index.saturating_add(1);
            match token {
                Token::Rest if here => return true,
                Token::Star if (here || within) && character != '/' => {
                    set(&mut self.next_inside, index);
                    set(&mut self.next_places, after);
                }
                Token::Segments if here || within => {
                    set(&mut self.next_inside, index);
                    if character == '/' {
                        set(&mut self.next_places, after);
                    }
                }
                _ if here && takes(token, character) => set(&mut self.next_places, after),
                _ => {}
            }
        }
        false
    }
}

fn set(places: &mut [bool], index: usize) {
    if let Some(place) = places.get_mut(index) {
        *place = true;
    }
}

fn is_set(places: &[bool], index: usize) -> bool {
    places.get(index).copied().unwrap_or(false)
}

fn takes(token: &Token, character: char) -> bool {
    match token {
        Token::Character(expected) => *expected == character,
        Token::One => character != '/',
        Token::Class { negated, ranges } => {
            let found = ranges
                .iter()
                .any(|(low, high)| *low <= character && character <= *high);
            found != *negated
        }
        Token::Star | Token::Segments | Token::Rest => false,
    }
}

/// Whether what is left of a glob matches the end of the text.
fn may_be_empty(rest: &[Token]) -> bool {
    matches!(
        rest,
        [] | [Token::Star | Token::Rest | Token::Segments]
            | [Token::Character('/'), Token::Rest | Token::Segments]
    )
}
