//! The syntax tree of a matcher, with names resolved to positions.

/// A function that takes a name and a pattern, by its name in Casbin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchFunction {
    /// `keyMatch`: the first `*` of the pattern stands for any rest.
    KeyMatch,
    /// `keyMatch2`: `:name` stands for one segment, `/*` for any rest.
    KeyMatch2,
    /// `keyMatch3`: `{name}` stands for one segment, `/*` for any rest.
    KeyMatch3,
    /// `keyMatch4`: as keyMatch3; equal names stand for equal segments.
    KeyMatch4,
    /// `keyMatch5`: as keyMatch3, without the query of the name.
    KeyMatch5,
    /// `regexMatch`: a regular expression in Go's syntax, found anywhere.
    RegexMatch,
    /// `ipMatch`: an IP address or a CIDR block.
    IpMatch,
    /// `globMatch`: a glob, `**` for any number of segments.
    GlobMatch,
}

impl MatchFunction {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::KeyMatch,
        Self::KeyMatch2,
        Self::KeyMatch3,
        Self::KeyMatch4,
        Self::KeyMatch5,
        Self::RegexMatch,
        Self::IpMatch,
        Self::GlobMatch,
    ];

    /// The function's name in matchers and settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyMatch => "keyMatch",
            Self::KeyMatch2 => "keyMatch2",
            Self::KeyMatch3 => "keyMatch3",
            Self::KeyMatch4 => "keyMatch4",
            Self::KeyMatch5 => "keyMatch5",
            Self::RegexMatch => "regexMatch",
            Self::IpMatch => "ipMatch",
            Self::GlobMatch => "globMatch",
        }
    }

    /// The function of that name, if it is one that matches a pattern.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name() == name)
    }
}

/// A name of a request or policy definition, such as `r2.sub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The definition, from 0 for `r` or `p`.
    pub definition: u16,
    /// The name's position in the definition, from 0.
    pub field: u16,
}

/// A binary operator on two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `=~`.
    Matches,
    /// `!~`.
    NotMatches,
    /// `in`.
    In,
    /// `&`.
    BitAnd,
    /// `|`.
    BitOr,
    /// `^`.
    BitXor,
    /// `<<`.
    ShiftLeft,
    /// `>>`.
    ShiftRight,
    /// `+`, of numbers or texts.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Remainder,
    /// `**`.
    Power,
}

impl Operator {
    /// As written in matchers.
    pub fn symbol(self) -> &'static str {
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
pub enum Function {
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
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "keyGet" => Some(Self::KeyGet),
            "keyGet2" => Some(Self::KeyGet2),
            "keyGet3" => Some(Self::KeyGet3),
            _ => MatchFunction::from_name(name).map(Self::Match),
        }
    }

    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match(function) => function.name(),
            Self::KeyGet => "keyGet",
            Self::KeyGet2 => "keyGet2",
            Self::KeyGet3 => "keyGet3",
        }
    }

    /// The number of arguments it takes, all of them text.
    pub fn arity(self) -> usize {
        match self {
            Self::Match(_) | Self::KeyGet => 2,
            Self::KeyGet2 | Self::KeyGet3 => 3,
        }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Text in quotes.
    Text {
        /// What stands between the quotes.
        text: Box<str>,
        /// Seconds since 1970 where the text is a date: what the ordering
        /// operators compare.
        time: Option<f64>,
    },
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A value of the request.
    Request(Slot),
    /// A field of the policy row.
    Policy(Slot),
    /// A field of an object, and a field of that, and so on.
    Attribute(Box<Expr>, Box<[Box<str>]>),
    /// `!`.
    Not(Box<Expr>),
    /// `-` before a value.
    Negate(Box<Expr>),
    /// `~`.
    BitNot(Box<Expr>),
    /// All of two or more.
    And(Vec<Expr>),
    /// Any of two or more.
    Or(Vec<Expr>),
    /// An operator between two values.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// The values in brackets after `in`.
    List(Vec<Expr>),
    /// `condition ? value`: nothing where the condition is false.
    Then(Box<Expr>, Box<Expr>),
    /// `value : other` and `value ?? other`: the other where the value is
    /// nothing.
    Else(Box<Expr>, Box<Expr>),
    /// A call of a built-in function.
    Call(Function, Vec<Expr>),
    /// A question to a role graph, with two or three arguments.
    Role(u16, Vec<Expr>),
    /// The expression that a text holds.
    Eval(Box<Expr>),
}

impl Expr {
    /// The expressions directly inside this one, in order.
    pub fn children(&self) -> Vec<&Expr> {
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
    pub fn any(&self, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any(test))
    }
}
