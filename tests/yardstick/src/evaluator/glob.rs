//! Globs, by trying every length that a wildcard may have.

use doorward_syntax::pattern::Glob;
use doorward_syntax::pattern::glob::Token;

/// Whether the text matches one of the glob's alternatives.
pub(crate) fn matches(glob: &Glob, text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut alternatives = glob.alternatives.iter();
    alternatives.any(|tokens| follows(tokens, &characters))
}

fn follows(tokens: &[Token], text: &[char]) -> bool {
    let Some((first, text_rest)) = text.split_first() else {
        return matches_end(tokens);
    };
    let Some((token, rest)) = tokens.split_first() else {
        return false;
    };
    match token {
        Token::Rest => true,
        Token::Star => {
            let segment = text.iter().take_while(|character| **character != '/');
            (0..=segment.count()).any(|length| follows(rest, &text[length..]))
        }
        Token::Segments => {
            let ends = text.iter().enumerate();
            let mut ends = ends.filter(|(_, character)| **character == '/');
            follows(rest, text) || ends.any(|(slash, _)| follows(rest, &text[slash + 1..]))
        }
        Token::One => *first != '/' && follows(rest, text_rest),
        Token::Character(character) => first == character && follows(rest, text_rest),
        Token::Class { negated, ranges } => {
            let inside = ranges
                .iter()
                .any(|(low, high)| (low..=high).contains(&first));
            inside != *negated && follows(rest, text_rest)
        }
    }
}

/// What may be left of a glob where the text ends: as doublestar has it, one
/// wildcard, with a slash before it if it may be several segments.
fn matches_end(tokens: &[Token]) -> bool {
    match tokens {
        [] | [Token::Star | Token::Segments | Token::Rest] => true,
        [Token::Character('/'), wildcard] => matches!(wildcard, Token::Segments | Token::Rest),
        _ => false,
    }
}
