//! What may be known of a request before there is one.

use std::fmt;

/// The kinds of value that something may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// None: there is never a value.
    pub const NONE: Self = Self(0);
    /// Text.
    pub const TEXT: Self = Self(1);
    /// A number.
    pub const NUMBER: Self = Self(2);
    /// A truth value.
    pub const BOOL: Self = Self(4);
    /// An object.
    pub const OBJECT: Self = Self(8);
    /// A list.
    pub const LIST: Self = Self(16);
    /// The value that stands for none.
    pub(crate) const NULL: Self = Self(32);
    /// Nothing is known.
    pub const ANY: Self = Self(63);

    /// How each kind is called.
    const NAMES: [(Self, &'static str); 6] = [
        (Self::TEXT, "a text"),
        (Self::NUMBER, "a number"),
        (Self::BOOL, "true or false"),
        (Self::OBJECT, "an object"),
        (Self::LIST, "a list"),
        (Self::NULL, "nothing"),
    ];

    /// Of these or of those.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of these is one of those.
    #[must_use]
    pub const fn may_be(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These, without those.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Display for Kinds {
    /// As part of a sentence: `a text or a number`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::NAMES.iter().filter(|(kind, _)| self.may_be(*kind));
        for (index, (_, name)) in known.enumerate() {
            if index > 0 {
                f.write_str(" or ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// What is known of one value of a request before there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueType {
    /// Which kinds of value it may have.
    pub kinds: Kinds,
    /// The members of every object that it may be, where they are known.
    pub members: Option<Vec<(String, ValueType)>>,
}

impl From<Kinds> for ValueType {
    /// Of its members nothing is known.
    fn from(kinds: Kinds) -> Self {
        Self {
            kinds,
            members: None,
        }
    }
}

/// A matcher that can never be evaluated to what it says, whatever the request:
/// the model and what fills its request definition do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{matcher}: in {expression}, {problem}: change the matcher, or what fills {name} of the request"
)]
pub struct TypeError {
    /// The matcher, such as `m`.
    pub matcher: String,
    /// The part of it that is wrong.
    pub expression: String,
    /// What is wrong with it.
    pub problem: String,
    /// The value of the request whose type it is about, such as `r.sub`.
    pub name: String,
}
