//! The syntax tree of a matcher, with names resolved to positions.

use crate::settings::MatchFunction;

/// A name of a request or policy definition, such as `r2.sub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot {
    /// The definition, from 0 for `r` or `p`.
    pub(crate) definition: u16,
    /// The name's position in the definition, from 0.
    pub(crate) field: u16,
}

/// A binary operator on two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    NotMatches,
    In,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

impl Operator {
    /// As written in matchers.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
            Self::In => "in",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Power => "**",
        }
    }
}

/// A function that a matcher can call, other than `eval` and the role graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Function {
    /// Text against a pattern: true or false.
    Match(MatchFunction),
    /// The part of a key that `*` stands for.
    KeyGet,
    /// The part of a key that `:name` stands for.
    KeyGet2,
    /// The part of a key that `{name}` stands for.
    KeyGet3,
}

impl Function {
    /// The function of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "keyGet" => Some(Self::KeyGet),
            "keyGet2" => Some(Self::KeyGet2),
            "keyGet3" => Some(Self::KeyGet3),
            _ => MatchFunction::from_name(name).map(Self::Match),
        }
    }

    /// The function's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Match(function) => function.name(),
            Self::KeyGet => "keyGet",
            Self::KeyGet2 => "keyGet2",
            Self::KeyGet3 => "keyGet3",
        }
    }

    /// The number of arguments it takes, all of them text.
    pub(crate) fn arity(self) -> usize {
        match self {
            Self::Match(_) | Self::KeyGet => 2,
            Self::KeyGet2 | Self::KeyGet3 => 3,
        }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// Text in quotes.
    Text {
        text: Box<str>,
        /// Seconds since 1970 where the text is a date: what the ordering
        /// operators compare.
        time: Option<f64>,
    },
    Number(f64),
    Bool(bool),
    /// A value of the request.
    Request(Slot),
    /// A field of the policy row.
    Policy(Slot),
    /// A field of an object, and a field of that, and so on.
    Attribute(Box<Expr>, Box<[Box<str>]>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    BitNot(Box<Expr>),
    /// All of two or more.
    And(Vec<Expr>),
    /// Any of two or more.
    Or(Vec<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// The values in brackets after `in`.
    List(Vec<Expr>),
    /// `condition ? value`: nothing where the condition is false.
    Then(Box<Expr>, Box<Expr>),
    /// `value : other` and `value ?? other`: the other where the value is
    /// nothing.
    Else(Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
    /// A question to a role graph, with two or three arguments.
    Role(u16, Vec<Expr>),
    /// The expression that a text holds.
    Eval(Box<Expr>),
}

impl Expr {
    /// The expressions directly inside this one, in order.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Text { .. }
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Request(_)
            | Self::Policy(_) => Vec::new(),
            Self::Attribute(inner, _)
            | Self::Not(inner)
            | Self::Negate(inner)
            | Self::BitNot(inner)
            | Self::Eval(inner) => vec![inner],
            Self::And(all)
            | Self::Or(all)
            | Self::List(all)
            | Self::Call(_, all)
            | Self::Role(_, all) => all.iter().collect(),
            Self::Binary(_, left, right) | Self::Then(left, right) | Self::Else(left, right) => {
                vec![left, right]
            }
        }
    }

    /// Whether `test` holds for this expression or any inside it.
    pub(crate) fn any(&self, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any(test))
    }
}
