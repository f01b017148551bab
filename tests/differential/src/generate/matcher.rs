//! Matchers, and rules for `eval`.

use super::values::NAMES;
use crate::dice::Dice;
use crate::expression::Expr;
use std::collections::BTreeMap;

/// What a matcher may speak of.
pub(super) struct Scope<'a> {
    /// After `r` and `p`.
    pub(super) suffix: &'static str,
    /// Names that request and policy share.
    pub(super) names: &'a [&'static str],
    /// The number of fields of `g` and `g2`.
    pub(super) graphs: &'a [usize],
    /// Whether the subject has fields.
    pub(super) object: bool,
    /// Whether the policy has a column of rules.
    pub(super) rule: bool,
}

const OPERATORS: [&str; 8] = ["==", "==", "==", "!=", "<", ">=", "<=", ">"];
/// keyMatch5 is left out: Debian's is of a time before it took patterns.
const PATTERNS: [&str; 7] = [
    "keyMatch",
    "keyMatch",
    "keyMatch2",
    "keyMatch2",
    "keyMatch3",
    "keyMatch4",
    "regexMatch",
];

impl Scope<'_> {
    /// A whole matcher.
    pub(super) fn matcher(&self, dice: &mut Dice) -> Expr {
        match dice.weighted(&[8, 8, 1, 1]) {
            0 => self.usual(dice),
            1 => {
                let depth = dice.between(0, 3);
                self.expression(dice, depth)
            }
            2 => Expr::term(self.loose(dice, 3)),
            // A number as the result: all but 0 match.
            _ => Expr::term(format!(
                "({}) ? {} : {}",
                self.plain(dice),
                dice.pick(&["1", "0.5", "2 + 1"]),
                dice.pick(&["0", "1 - 1"])
            )),
        }
    }

    /// What people write: a term for each column, all of which must hold.
    fn usual(&self, dice: &mut Dice) -> Expr {
        let mut all: Vec<Expr> = self
            .names
            .iter()
            .filter_map(|name| {
                let (r, p) = (self.r(name), self.p(name));
                let term = match (*name, dice.weighted(&[4, 3, 2, 1])) {
                    ("sub", _) if self.object => self.attribute(dice, &r),
                    ("sub", 0 | 1) | ("dom", 0) if !self.graphs.is_empty() => {
                        self.role(dice, &r, &p)
                    }
                    (_, 2) => format!("{}({r}, {p})", dice.pick(&PATTERNS)),
                    (_, 3) if dice.percent(40) => return None,
                    ("act", 3) => format!("regexMatch({r}, {p})"),
                    _ => format!("{r} == {p}"),
                };
                Some(Expr::term(term))
            })
            .collect();
        if self.rule {
            let at = dice.between(0, all.len());
            all.insert(at, self.eval());
        }
        let all = match all.len() {
            0 => Expr::term("true"),
            _ => Expr::And(all),
        };
        if dice.percent(20) {
            Expr::Or(vec![
                all,
                Expr::term(format!("{} == 'root'", self.r("act"))),
            ])
        } else {
            all
        }
    }

    fn expression(&self, dice: &mut Dice, depth: usize) -> Expr {
        if depth == 0 {
            return self.term(dice);
        }
        let below = |dice: &mut Dice| self.expression(dice, depth - 1);
        match dice.weighted(&[35, 25, 10, 8, 12, 10]) {
            0 => Expr::And((0..dice.between(2, 3)).map(|_| below(dice)).collect()),
            1 => Expr::Or((0..dice.between(2, 3)).map(|_| below(dice)).collect()),
            2 => Expr::Not(Box::new(below(dice))),
            3 => Expr::Choice(Box::new([below(dice), below(dice), below(dice)])),
            4 => Expr::Group(Box::new(below(dice))),
            _ => self.term(dice),
        }
    }

    fn term(&self, dice: &mut Dice) -> Expr {
        if self.rule && dice.percent(15) {
            return self.eval();
        }
        let r = self.any_r(dice);
        let p = self.any_p(dice);
        Expr::term(
            match dice.weighted(&[35, 25, 10, 8, 5, 12, 2, 3, 4, 2, 2]) {
                0 => format!(
                    "{} {} {}",
                    self.text(dice),
                    dice.pick(&OPERATORS),
                    self.text(dice)
                ),
                1 => self.pattern(dice, &r, &p),
                2 => self.list(dice, &r),
                3 => format!(
                    "{} {} {}",
                    number(dice, 2),
                    dice.pick(&OPERATORS),
                    number(dice, 2)
                ),
                4 => format!(
                    "{r} =~ '{}'",
                    dice.pick(&["^/foo", "al.ce", "(a|b|c)+$", "GET|POST"])
                ),
                5 if !self.graphs.is_empty() => self.role(dice, &r, &p),
                6 => dice.pick(&["true", "false"]).to_owned(),
                7 => format!("{} + {} == {}", self.text(dice), literal(dice), p),
                8 if self.object => {
                    let sub = self.r("sub");
                    self.attribute(dice, &sub)
                }
                9 => format!("({r} ?? 'alice') == {p}"),
                10 => format!("keyGet2({r}, '/foo/:id', 'id') == {}", self.text(dice)),
                _ => format!("{r} == {p}"),
            },
        )
    }

    fn pattern(&self, dice: &mut Dice, r: &str, p: &str) -> String {
        match dice.weighted(&[12, 3, 2, 2]) {
            0 => format!("{}({r}, {p})", dice.pick(&PATTERNS)),
            1 => format!(
                "{}({r}, '{}')",
                dice.pick(&PATTERNS),
                dice.pick(&["/foo/*", "/foo/:id", "/a/{id}", "GET|POST"])
            ),
            // Patterns that come with the request.
            2 => format!("{}({p}, {r})", dice.pick(&PATTERNS)),
            _ => format!("globMatch({r}, '{}')", dice.pick(&["/foo/*", "al?ce", "*"])),
        }
    }

    fn list(&self, dice: &mut Dice, r: &str) -> String {
        let elements: Vec<String> = (0..dice.between(2, 4)).map(|_| literal(dice)).collect();
        let elements = elements.join(", ");
        match dice.weighted(&[4, 1]) {
            0 => format!("{r} in ({elements})"),
            _ => format!("{r} in [{elements}]"),
        }
    }

    fn role(&self, dice: &mut Dice, r: &str, p: &str) -> String {
        let number = dice.between(0, self.graphs.len() - 1);
        let name = ["g", "g2"][number];
        match self.graphs.get(number) {
            Some(3) => format!("{name}({r}, {p}, {})", self.r("dom")),
            _ => format!("{name}({r}, {p})"),
        }
    }

    /// A term on the fields of a request's value.
    fn attribute(&self, dice: &mut Dice, value: &str) -> String {
        let other = self.any_p(dice);
        attribute(dice, value, &other)
    }

    fn eval(&self) -> Expr {
        Expr::Eval(self.p("rule"))
    }

    /// Without needless brackets, and of terms that are never an error for
    /// text: what the ranks of operators make of it is all the same.
    fn loose(&self, dice: &mut Dice, depth: usize) -> String {
        if depth == 0 {
            return self.plain(dice);
        }
        let [a, b, c] = [0; 3].map(|_| self.loose(dice, depth - 1));
        match dice.weighted(&[4, 4, 2, 2, 1]) {
            0 => format!("{a} && {b}"),
            1 => format!("{a} || {b}"),
            2 => format!("!({a})"),
            3 => format!("({a}) ? ({b}) : ({c})"),
            _ => a,
        }
    }

    fn plain(&self, dice: &mut Dice) -> String {
        let (r, p) = (self.any_r(dice), self.any_p(dice));
        match dice.weighted(&[6, 2, 1]) {
            0 => format!("{r} {} {p}", dice.pick(&["==", "!="])),
            1 => self.list(dice, &r),
            _ => format!("{r} == '{}'", dice.pick(&["alice", "GET", "/foo/1"])),
        }
    }

    fn text(&self, dice: &mut Dice) -> String {
        match dice.weighted(&[10, 7, 3]) {
            0 => self.any_r(dice),
            1 => self.any_p(dice),
            _ => quoted(dice),
        }
    }

    fn any_r(&self, dice: &mut Dice) -> String {
        let skip = usize::from(self.object);
        self.r(dice.pick(&self.names[skip..]))
    }

    fn any_p(&self, dice: &mut Dice) -> String {
        self.p(dice.pick(self.names))
    }

    fn r(&self, name: &str) -> String {
        format!("r{}.{name}", self.suffix)
    }

    fn p(&self, name: &str) -> String {
        format!("p{}.{name}", self.suffix)
    }
}

fn attribute(dice: &mut Dice, value: &str, other: &str) -> String {
    match dice.weighted(&[4, 3, 2, 2, 1]) {
        0 => format!(
            "{value}.Age {} {}",
            dice.pick(&[">", "<", ">=", "<=", "==", "!="]),
            dice.pick(&["5", "18", "18", "60"])
        ),
        1 => format!("{value}.Name == {other}"),
        2 => format!("{value}.Home.Country in ('ch', 'nz')"),
        3 => format!("{value}.Home.Level + 1 > 2"),
        _ => format!("{value}.Admin"),
    }
}

/// A rule for `eval`, entered into `rules` unless it is malformed.
pub(super) fn rule(dice: &mut Dice, suffix: &str, rules: &mut BTreeMap<String, Expr>) -> String {
    if dice.percent(4) {
        return dice
            .pick(&["r.sub.Age >", "(r.act == 'GET'", "r.act == 'x"])
            .to_owned();
    }
    let sub = format!("r{suffix}.sub");
    let act = format!("r{suffix}.act");
    let term = |dice: &mut Dice| match dice.weighted(&[4, 1, 1]) {
        0 => attribute(dice, &sub, "'alice'"),
        1 => format!("{act} == 'GET'"),
        _ => "true".to_owned(),
    };
    let terms = |dice: &mut Dice| [0; 2].map(|_| Expr::term(term(dice))).to_vec();
    let expr = match dice.weighted(&[4, 2, 2, 1]) {
        0 => Expr::term(term(dice)),
        1 => Expr::And(terms(dice)),
        2 => Expr::Or(terms(dice)),
        _ => Expr::Not(Box::new(Expr::term(term(dice)))),
    };
    let text = expr.to_string();
    rules.insert(text.clone(), expr);
    text
}

fn quoted(dice: &mut Dice) -> String {
    let name = loop {
        // In Go either quote closes what either opens.
        let name = dice.pick(&NAMES);
        if !name.contains('"') {
            break name;
        }
    };
    let quote = dice.pick(&["'", "'", "\""]);
    format!("{quote}{name}{quote}")
}

fn literal(dice: &mut Dice) -> String {
    match dice.weighted(&[6, 2, 2]) {
        0 => quoted(dice),
        1 => dice
            .pick(&["0", "1", "2", "5", "10", "0.5", "3.25"])
            .to_owned(),
        _ => dice.pick(&["true", "false"]).to_owned(),
    }
}

/// Arithmetic.
fn number(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.percent(40) {
        return dice
            .pick(&["1", "2", "3", "10", "0.5", "7", "0x10"])
            .to_owned();
    }
    if dice.percent(15) {
        return format!("({})", bits(dice));
    }
    let (a, b) = (number(dice, depth - 1), number(dice, depth - 1));
    let expr = format!("{a} {} {b}", dice.pick(&["+", "-", "*", "*", "/", "%"]));
    if dice.percent(40) {
        format!("({expr})")
    } else {
        expr
    }
}

/// Bit operators, over small whole numbers: what Go makes of others depends on
/// the processor.
fn bits(dice: &mut Dice) -> String {
    let mut text = dice.between(0, 9).to_string();
    for _ in 0..dice.between(1, 4) {
        let operator = dice.pick(&["&", "|", "^", "<<", ">>", "+", "**"]);
        let most = if operator == "**" { 2 } else { 9 };
        text.push_str(&format!(" {operator} {}", dice.between(0, most)));
    }
    text
}
