//! Terms: what stands between `&&` and `||`.

use doorward_engine::MatchFunction;
use doorward_syntax::lexer::Dialect;
use doorward_syntax::pattern::Kind;

use super::dice::Dice;
use super::expression::Writer;
use super::pattern;
use super::text;
use super::world::{Column, Content, Shape, numbered};

impl Writer<'_> {
    /// A term of any kind.
    pub(crate) fn term(&self, dice: &mut Dice) -> String {
        match dice.below(100) {
            0..22 => self.equality(dice),
            22..30 => self.literal_on_column(dice),
            30..46 => self.match_call(dice),
            46..64 => self.role(dice),
            64..71 => self.membership(dice),
            71..77 => self.request_only(dice),
            77..82 => self.arithmetic(dice),
            82..86 => self.extraction(dice),
            86..89 => self.ordering(dice),
            89..91 => self.concatenation(dice),
            91..94 => self.evaluation(dice),
            94..96 => dice
                .pick(&["true", "false", "1 == 1", "'a' == 'b'"])
                .to_owned(),
            96..98 => self.nothing(dice),
            _ => self.faulty(dice),
        }
    }

    fn equality(&self, dice: &mut Dice) -> String {
        let (column, value) = self.pair(dice);
        match column.content {
            Content::Pattern(kind) if dice.chance(70) => {
                return self.matching(dice, kind, column, &value);
            }
            Content::Rule if dice.chance(80) => return self.evaluation(dice),
            Content::Name if dice.chance(30) => return self.role(dice),
            _ => {}
        }
        let operator = if dice.chance(88) { "==" } else { "!=" };
        let field = self.policy(dice, column);
        if dice.chance(75) {
            format!("{value} {operator} {field}")
        } else {
            format!("{field} {operator} {value}")
        }
    }

    fn literal_on_column(&self, dice: &mut Dice) -> String {
        let column = &self.columns[dice.below(self.columns.len())];
        let field = self.policy(dice, column);
        let literal = self.near(dice, column);
        match dice.below(8) {
            0..3 => format!("{field} == {literal}"),
            3 => format!("{literal} == {field}"),
            4 => format!("{field} != {literal}"),
            5 => format!("{field} in ({literal}, {})", self.near(dice, column)),
            6 => {
                let other = &self.columns[dice.below(self.columns.len())];
                format!("{field} == {}", self.policy(dice, other))
            }
            _ => {
                let value = dice.text(&column.values);
                let kind = Kind::from(pattern::function(dice));
                self.call_with_literal(dice, kind, &field, &value)
            }
        }
    }

    fn call_with_literal(&self, dice: &mut Dice, kind: Kind, text: &str, like: &str) -> String {
        let pattern = if pattern::valid(&[kind], like) && dice.chance(30) {
            like.to_owned()
        } else {
            pattern::pattern(dice, kind)
        };
        let written = self.literal(dice, &pattern);
        // What cannot stand in quotes was left out, so the rest may be malformed.
        let unchanged = written.get(1..written.len() - 1) == Some(&*pattern);
        let written = if unchanged || self.dialect == Dialect::Rule {
            written
        } else {
            "'10.0.0.1'".to_owned()
        };
        format!("{}({text}, {written})", kind.function())
    }

    fn matching(&self, dice: &mut Dice, kind: Kind, column: &Column, value: &str) -> String {
        if !Self::holds(column, kind) {
            return format!("{value} == {}", self.policy(dice, column));
        }
        let field = self.policy(dice, column);
        match kind {
            Kind::Regex if dice.chance(65) => {
                format!("{value} {} {field}", dice.pick(&["=~", "!~"]))
            }
            Kind::KeyGet2 | Kind::KeyGet3 => {
                format!("{}({value}, {field}, 'id') != ''", kind.function())
            }
            _ => format!("{}({value}, {field})", kind.function()),
        }
    }

    fn match_call(&self, dice: &mut Dice) -> String {
        let patterns: Vec<&Column> = self
            .columns
            .iter()
            .filter(|column| matches!(column.content, Content::Pattern(_)))
            .collect();
        let (column, value) = match patterns.get(dice.below(patterns.len())) {
            Some(column) if dice.chance(60) => {
                let field = self.fields.iter().find(|field| field.name == column.name);
                let value = match field {
                    Some(field) => self.request(dice, field),
                    None => self.text_field(dice),
                };
                (*column, value)
            }
            _ => self.pair(dice),
        };
        let other = MatchFunction::ALL[dice.below(8)];
        let kind = match column.content {
            Content::Pattern(kind) if dice.chance(80) => kind,
            _ => Kind::from(other),
        };
        let extracts = matches!(kind, Kind::KeyGet2 | Kind::KeyGet3);
        match dice.below(12) {
            _ if extracts => self.matching(dice, kind, column, &value),
            0..8 => self.matching(dice, kind, column, &value),
            8 => {
                let field = self.policy(dice, column);
                format!("{}({field}, {value})", kind.function())
            }
            9 => format!(
                "{value} {} {}",
                dice.pick(&["=~", "!~"]),
                self.regex_literal(dice)
            ),
            10 => format!("{}({value}, {})", kind.function(), self.text_field(dice)),
            _ => {
                let like = dice.text(&column.values);
                self.call_with_literal(dice, kind, &value, &like)
            }
        }
    }

    fn regex_literal(&self, dice: &mut Dice) -> String {
        let pattern = pattern::pattern(dice, Kind::Regex);
        self.literal(dice, &pattern)
    }

    fn role(&self, dice: &mut Dice) -> String {
        let graphs = &self.world.graphs;
        let index = dice.below(graphs.len());
        let Some(graph) = graphs.get(index) else {
            let (column, value) = self.pair(dice);
            return format!("{value} == {}", self.policy(dice, column));
        };
        let kind = graph.role_matching.map(Kind::from);
        let fits = |column: &&Column| kind.is_none_or(|kind| Self::holds(column, kind));
        let names = self
            .columns
            .iter()
            .filter(|column| column.content == Content::Name);
        let mut columns: Vec<&Column> = names.filter(fits).collect();
        if columns.is_empty() || dice.chance(4) {
            columns = self.columns.iter().filter(fits).collect();
        }
        let name = dice.text(&self.world.names);
        let literal = self.literal(dice, &name);
        let column = columns.get(dice.below(columns.len()));
        let role = column.map_or_else(|| literal.clone(), |column| self.policy(dice, column));
        let own =
            column.and_then(|column| self.fields.iter().find(|field| field.name == column.name));
        let subject = match own {
            Some(field) if dice.chance(75) => self.request(dice, field),
            _ => self.text_field(dice),
        };
        let (subject, role) = match dice.below(14) {
            0 => (role, subject),
            1 => (subject, literal),
            2 => (literal, role),
            3 => (role.clone(), role),
            4 => (subject, self.text_field(dice)),
            5 => (format!("'' + {subject}"), role),
            _ => (subject, role),
        };
        let function = numbered('g', index);
        if graph.domain {
            let domain = self.domain(dice);
            format!("{function}({subject}, {role}, {domain})")
        } else {
            format!("{function}({subject}, {role})")
        }
    }

    fn domain(&self, dice: &mut Dice) -> String {
        let field = self.fields.iter().find(|field| field.name == "dom");
        let column = self.columns.iter().find(|column| column.name == "dom");
        match (field, column) {
            (Some(field), _) if dice.chance(70) => self.request(dice, field),
            (_, Some(column)) if dice.chance(60) => self.policy(dice, column),
            _ if dice.chance(75) => {
                let domain = dice.text(&self.world.domains);
                self.literal(dice, &domain)
            }
            _ => self.text_field(dice),
        }
    }

    fn membership(&self, dice: &mut Dice) -> String {
        let (column, value) = self.pair(dice);
        let field = self.policy(dice, column);
        let literal = self.near(dice, column);
        let list = self.of_shape(dice, Shape::List);
        match (dice.below(9), list) {
            (0, _) => format!("{value} in ({literal}, {field})"),
            (1, _) => format!("{field} in ({literal})"),
            (2, _) if self.dialect == Dialect::Matcher => {
                format!("{value} in [{literal}, {}, 1]", self.near(dice, column))
            }
            (3, _) => format!("{value} in ({literal}, {}, true)", self.near(dice, column)),
            (4..7, Some(list)) => format!("{field} in {list}"),
            (7, Some(list)) => format!("{value} in {list}"),
            (8, Some(list)) => format!("{literal} in {list}"),
            _ => format!("{value} in ({field}, {literal})"),
        }
    }

    fn request_only(&self, dice: &mut Dice) -> String {
        let value = self.text_field(dice);
        let column = &self.columns[dice.below(self.columns.len())];
        let literal = self.near(dice, column);
        match dice.below(6) {
            0..2 => format!("{value} == {literal}"),
            2 => format!("{value} != {literal}"),
            3 => format!("{value} == {}", self.text_field(dice)),
            4 => self
                .of_shape(dice, Shape::Flag)
                .unwrap_or_else(|| "true".to_owned()),
            _ => self.of_shape(dice, Shape::Object).map_or_else(
                || format!("{value} != ''"),
                |object| format!("{object}.age {} 18", dice.pick(&[">=", ">", "<", "=="])),
            ),
        }
    }

    fn number(&self, dice: &mut Dice) -> String {
        let own = self.of_shape(dice, Shape::Number);
        let object = self.of_shape(dice, Shape::Object);
        match (own, object) {
            (Some(number), _) if dice.chance(80) => number,
            (_, Some(object)) if dice.chance(70) => format!("{object}.deep.level"),
            _ => dice.pick(&["1", "2", "3.5", "0x10", "64", "0"]).to_owned(),
        }
    }

    fn arithmetic(&self, dice: &mut Dice) -> String {
        let compare = dice.pick(&["==", "!=", "<", "<=", ">", ">="]);
        let left = self.calculation(dice, 2);
        let right = match dice.below(3) {
            0 => self.number(dice),
            _ => self.calculation(dice, 1),
        };
        format!("{left} {compare} {right}")
    }

    fn calculation(&self, dice: &mut Dice, depth: usize) -> String {
        if depth == 0 {
            let number = self.number(dice);
            return match dice.below(8) {
                0 if !number.starts_with('-') => format!("(-{number})"),
                1 => format!("(~{number})"),
                _ => number,
            };
        }
        let operator = dice.pick(&["+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>"]);
        let [left, right] = [0, 1].map(|_| self.calculation(dice, depth - 1));
        format!("({left} {operator} {right})")
    }

    fn extraction(&self, dice: &mut Dice) -> String {
        let (column, value) = self.pair(dice);
        let field = self.policy(dice, column);
        let result = if dice.chance(60) {
            {
                let segment = text::segment(dice);
                self.literal(dice, &segment)
            }
        } else {
            self.text_field(dice)
        };
        let operator = dice.pick(&["==", "!=", "!="]);
        let name = dice.pick(&["'id'", "'name'", "'id'", "''"]);
        match dice.below(3) {
            1 if Self::holds(column, Kind::KeyGet2) => {
                format!("keyGet2({value}, {field}, {name}) {operator} {result}")
            }
            2 if Self::holds(column, Kind::KeyGet3) => {
                format!("keyGet3({value}, {field}, {name}) {operator} {result}")
            }
            1 => format!("keyGet2({value}, '/:id/*', {name}) {operator} {result}"),
            2 => format!("keyGet3({value}, '/{{id}}/*', {name}) {operator} {result}"),
            _ => format!("keyGet({value}, {field}) {operator} {result}"),
        }
    }

    fn ordering(&self, dice: &mut Dice) -> String {
        let (column, value) = self.pair(dice);
        let compare = dice.pick(&["<", "<=", ">", ">="]);
        match dice.below(4) {
            0 => format!("{} {compare} '2024-05-05'", self.number(dice)),
            1 => {
                let literal = self.near(dice, column);
                format!("{value} {compare} {literal}")
            }
            2 => format!("'2024-05-05' {compare} '2024-05-06 10:00:00'"),
            _ => format!("{value} {compare} {}", self.policy(dice, column)),
        }
    }

    fn concatenation(&self, dice: &mut Dice) -> String {
        let (column, value) = self.pair(dice);
        let field = self.policy(dice, column);
        match dice.below(4) {
            0 => format!("{value} + '' == {field}"),
            1 => format!("{value} + '/x' == {field} + '/x'"),
            2 => format!("{} + '' != {value}", self.number(dice)),
            _ => format!("'' + {field} == {value}"),
        }
    }

    fn evaluation(&self, dice: &mut Dice) -> String {
        let rules = self
            .columns
            .iter()
            .find(|column| column.content == Content::Rule);
        match rules {
            _ if self.dialect == Dialect::Rule => "true".to_owned(),
            Some(column) => format!("eval({})", self.policy(dice, column)),
            None if dice.chance(60) => {
                // A rule in the matcher itself, which may read the row.
                let writer = Writer {
                    dialect: Dialect::Rule,
                    ..*self
                };
                let rule = writer.term(dice);
                format!("eval({})", self.literal(dice, &rule))
            }
            None => dice
                .pick(&[
                    "eval('1 == 1')",
                    "eval('1 +')",
                    "eval('2')",
                    "!(eval('false'))",
                ])
                .to_owned(),
        }
    }

    fn nothing(&self, dice: &mut Dice) -> String {
        let (column, value) = self.pair(dice);
        let optional = self.of_shape(dice, Shape::Optional).unwrap_or(value);
        let field = self.policy(dice, column);
        let literal = self.near(dice, column);
        match dice.below(3) {
            0 => format!("({optional} ?? {literal}) == {field}"),
            1 => format!("({optional} == {field} ? {literal} : {field}) == {field}"),
            _ => format!("({optional} ?? {field}) == {field}"),
        }
    }

    /// What is an error nearly always.
    fn faulty(&self, dice: &mut Dice) -> String {
        let (column, value) = self.pair(dice);
        let field = self.policy(dice, column);
        match dice.below(8) {
            0 => format!("{value} < 5"),
            1 => format!("{value}.missing == {field}"),
            2 => format!("-{field} == 1"),
            3 => format!("{value} in {field}"),
            4 => format!("keyMatch({}, {field})", self.number(dice)),
            5 => format!("ipMatch({value}, '10.0.0.0/8')"),
            6 => value,
            _ => field,
        }
    }
}
