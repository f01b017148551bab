//! Expressions of any shape: nested `&&`, `||`, `!`, conditionals, over terms.

use doorward_syntax::lexer::Dialect;
use doorward_syntax::pattern::Kind;

use super::dice::Dice;
use super::pattern;
use super::text;
use super::world::{Column, Content, Field, Shape, World, numbered};

/// Writes expressions over one request and one policy definition.
pub(crate) struct Writer<'a> {
    pub(crate) world: &'a World,
    pub(crate) fields: &'a [Field],
    pub(crate) columns: &'a [Column],
    pub(crate) definition: usize,
    pub(crate) dialect: Dialect,
}

impl Writer<'_> {
    /// A truth value.
    pub(crate) fn truth(&self, dice: &mut Dice, depth: usize) -> String {
        if depth == 0 {
            return self.term(dice);
        }
        match dice.below(20) {
            0..6 => self.chain(dice, depth, " && "),
            6..11 => self.chain(dice, depth, " || "),
            11..13 => format!("!({})", self.truth(dice, depth - 1)),
            13 => {
                let [condition, yes, no] = self.three(dice, depth);
                format!("(({condition}) ? ({yes}) : ({no}))")
            }
            14 if dice.chance(40) => {
                let [condition, yes, no] = self.three(dice, depth);
                format!("((({condition}) ? ({yes})) ?? ({no}))")
            }
            _ => self.term(dice),
        }
    }

    fn three(&self, dice: &mut Dice, depth: usize) -> [String; 3] {
        [0, 1, 2].map(|_| self.truth(dice, depth - 1))
    }

    fn chain(&self, dice: &mut Dice, depth: usize, operator: &str) -> String {
        let terms: Vec<String> = (0..dice.between(2, 4))
            .map(|_| {
                let term = self.truth(dice, depth - 1);
                if term.contains("||") || term.contains('?') {
                    format!("({term})")
                } else {
                    term
                }
            })
            .collect();
        terms.join(operator)
    }

    /// A value of the request.
    pub(crate) fn request(&self, dice: &mut Dice, field: &Field) -> String {
        let dot = if dice.chance(90) { '.' } else { '_' };
        let value = format!("{}{dot}{}", numbered('r', self.definition), field.name);
        match field.shape {
            Shape::Object if dice.chance(92) => format!(
                "{value}.{}",
                dice.pick(&["name", "name", "path", "path", "deep.name"])
            ),
            _ => value,
        }
    }

    /// A field of the row.
    pub(crate) fn policy(&self, dice: &mut Dice, column: &Column) -> String {
        let dot = if dice.chance(90) { '.' } else { '_' };
        format!("{}{dot}{}", numbered('p', self.definition), column.name)
    }

    pub(crate) fn literal(&self, dice: &mut Dice, text: &str) -> String {
        match self.dialect {
            Dialect::Matcher => text::matcher_literal(dice, text),
            Dialect::Rule => text::rule_literal(text),
        }
    }

    /// Any field of the request that is a text as a rule.
    pub(crate) fn text_field(&self, dice: &mut Dice) -> String {
        let texts: Vec<&Field> = self
            .fields
            .iter()
            .filter(|field| matches!(field.shape, Shape::Like | Shape::Object))
            .collect();
        let other = dice.chance(4);
        let field = if other || texts.is_empty() {
            &self.fields[dice.below(self.fields.len())]
        } else {
            texts[dice.below(texts.len())]
        };
        self.request(dice, field)
    }

    pub(crate) fn of_shape(&self, dice: &mut Dice, shape: Shape) -> Option<String> {
        let fields: Vec<&Field> = self
            .fields
            .iter()
            .filter(|field| field.shape == shape)
            .collect();
        let field = fields.get(dice.below(fields.len()))?;
        Some(format!("{}.{}", numbered('r', self.definition), field.name))
    }

    /// A column, and the value of the request that goes with it.
    pub(crate) fn pair(&self, dice: &mut Dice) -> (&Column, String) {
        let column = &self.columns[dice.below(self.columns.len())];
        let field = self.fields.iter().find(|field| field.name == column.name);
        let value = match field {
            Some(field) if dice.chance(92) => self.request(dice, field),
            _ => self.text_field(dice),
        };
        (column, value)
    }

    /// Whether the column's values are all patterns of that language.
    pub(crate) fn holds(column: &Column, kind: Kind) -> bool {
        column
            .values
            .iter()
            .all(|value| pattern::valid(&[kind], value))
    }

    /// A text literal near a column's values.
    pub(crate) fn near(&self, dice: &mut Dice, column: &Column) -> String {
        let text = match column.content {
            Content::Pattern(kind) if dice.chance(50) => {
                let value = dice.text(&column.values);
                pattern::sample(dice, kind, &value)
            }
            _ if dice.chance(8) => text::odd(dice),
            _ => dice.text(&column.values),
        };
        self.literal(dice, &text)
    }
}
