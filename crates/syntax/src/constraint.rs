//! Constraints on who may have which roles.

/// A constraint on the rows of the role definition `g`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Such as `c2`.
    pub name: Box<str>,
    /// What it demands.
    pub rule: ConstraintRule,
}

/// What a constraint demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConstraintRule {
    /// Nobody has more than `most` of the roles, one named twice counting
    /// twice: `sod` and `sodMax`.
    AtMostOf {
        /// The roles.
        roles: Vec<String>,
        /// How many of them one name may have.
        most: usize,
    },
    /// At most so many rows give the role: `roleMax`.
    RoleMax {
        /// The role.
        role: String,
        /// How many rows may give it.
        most: usize,
    },
    /// Who has the role has the other one too: `rolePre`.
    RolePre {
        /// The role.
        role: String,
        /// The role that it needs.
        needed: String,
    },
}

/// Reads `sod("a", "b")`, `sodMax(["a", "b"], 1)`, `roleMax("a", 1)` or
/// `rolePre("a", "b")`.
pub fn parse(name: &str, text: &str) -> Result<Constraint, String> {
    let rule = rule(text).ok_or_else(|| {
        format!(
            "\"{text}\" is not a constraint, use sod(\"a\", \"b\"), sodMax([\"a\", \"b\"], 1), \
             roleMax(\"a\", 1) or rolePre(\"a\", \"b\")"
        )
    })?;
    Ok(Constraint {
        name: name.into(),
        rule,
    })
}

fn rule(text: &str) -> Option<ConstraintRule> {
    let (function, rest) = text.split_once('(')?;
    let inside = rest.strip_suffix(')')?.trim();
    match function.trim_end() {
        "sod" => {
            let (first, rest) = role(inside)?;
            let (second, rest) = role(comma(rest)?)?;
            rest.trim().is_empty().then(|| ConstraintRule::AtMostOf {
                roles: vec![first, second],
                most: 1,
            })
        }
        "sodMax" => {
            let (list, rest) = inside.strip_prefix('[')?.split_once(']')?;
            Some(ConstraintRule::AtMostOf {
                roles: roles(list)?,
                most: comma(rest)?.trim().parse().ok()?,
            })
        }
        "roleMax" => {
            let (role, rest) = role(inside)?;
            Some(ConstraintRule::RoleMax {
                role,
                most: comma(rest)?.trim().parse().ok()?,
            })
        }
        "rolePre" => {
            let (first, rest) = role(inside)?;
            let (needed, rest) = role(comma(rest)?)?;
            rest.trim().is_empty().then_some(ConstraintRule::RolePre {
                role: first,
                needed,
            })
        }
        _ => None,
    }
}

/// A name in double quotes, and what follows it.
fn role(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

fn comma(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix(',')
}

/// Names with commas between them.
fn roles(list: &str) -> Option<Vec<String>> {
    let mut roles = Vec::new();
    let mut rest = list;
    loop {
        let (name, after) = role(rest)?;
        roles.push(name);
        if after.trim().is_empty() {
            return Some(roles);
        }
        rest = comma(after)?;
    }
}
