//! How matching rows make a decision.

use doorward_syntax::Effect;

/// What a row says when it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowEffect {
    Allow,
    Deny,
    Indeterminate,
}

impl RowEffect {
    /// The effect of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            "indeterminate" => Some(Self::Indeterminate),
            _ => None,
        }
    }
}

/// The effects of the rows so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merge {
    /// None: whether one row alone allows.
    effect: Option<Effect>,
    first_allow: Option<u32>,
}

/// A decision, and the row that made it.
pub(crate) type Settled = (bool, Option<u32>);

impl Merge {
    pub(crate) fn new(effect: Effect) -> Self {
        Self {
            effect: Some(effect),
            first_allow: None,
        }
    }

    /// Not a decision, but whether one row alone says allow, and which.
    pub(crate) fn only_allow() -> Self {
        Self {
            effect: None,
            first_allow: None,
        }
    }

    /// Takes the next matching row. The decision, if no later row can change
    /// it.
    pub(crate) fn matched(&mut self, row: u32, effect: RowEffect) -> Option<Settled> {
        let Some(merged) = self.effect else {
            if effect == RowEffect::Allow && self.first_allow.replace(row).is_some() {
                return Some((false, None));
            }
            return None;
        };
        match (merged, effect) {
            (
                Effect::AllowOverride | Effect::Priority | Effect::SubjectPriority,
                RowEffect::Allow,
            ) => Some((true, Some(row))),
            (
                Effect::DenyOverride
                | Effect::AllowAndDeny
                | Effect::Priority
                | Effect::SubjectPriority,
                RowEffect::Deny,
            ) => Some((false, Some(row))),
            (Effect::AllowAndDeny, RowEffect::Allow) => {
                self.first_allow = self.first_allow.or(Some(row));
                None
            }
            _ => None,
        }
    }

    /// The decision after the last row.
    pub(crate) fn finish(self) -> Settled {
        match self.effect {
            Some(Effect::DenyOverride) => (true, None),
            Some(Effect::AllowAndDeny) | None => (self.first_allow.is_some(), self.first_allow),
            Some(Effect::AllowOverride | Effect::Priority | Effect::SubjectPriority) => {
                (false, None)
            }
        }
    }
}

/// The decision of a matcher that does not read the policy.
pub(crate) fn without_policy(effect: Effect, matched: bool) -> bool {
    matched || effect == Effect::DenyOverride
}
