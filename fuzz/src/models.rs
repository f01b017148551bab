//! Models that together use every function, effect, role and setting.

use doorward_engine::{
    FieldIndex, LinkCondition, LinkConditionFunction, MatchFunction, Model, RoleMatching, Settings,
};

/// A model, and what Casbin sets in code for it.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The request definition `r`.
    pub request: &'static str,
    /// The policy definition `p`.
    pub policy: &'static str,
    /// The role definitions `g`, `g2`, ...
    pub roles: &'static [&'static str],
    /// The effect.
    pub effect: &'static str,
    /// The matcher.
    pub matcher: &'static str,
    /// Further sections and definitions, after the matcher.
    pub more: &'static str,
    /// Matching functions: graph, for names, for domains.
    pub matching: &'static [(&'static str, Option<MatchFunction>, Option<MatchFunction>)],
    /// Where the priority stands.
    pub priority: Option<usize>,
}

const PLAIN: Setup = Setup {
    request: "sub, obj, act",
    policy: "sub, obj, act",
    roles: &[],
    effect: ALLOW,
    matcher: "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
    more: "",
    matching: &[],
    priority: None,
};

const ALLOW: &str = "some(where (p.eft == allow))";
const DENY: &str = "!some(where (p.eft == deny))";
const BOTH: &str = "some(where (p.eft == allow)) && !some(where (p.eft == deny))";
const PRIORITY: &str = "priority(p.eft) || deny";
const SUBJECT_PRIORITY: &str = "subjectPriority(p.eft) || deny";

/// Every function, effect, kind of role and setting occurs in one of these.
pub const MODELS: &[Setup] = &[
    PLAIN,
    Setup {
        policy: "sub, obj, act, eft",
        effect: BOTH,
        roles: &["_, _"],
        matcher: "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && regexMatch(r.act, p.act)",
        ..PLAIN
    },
    Setup {
        matcher: "r.sub == p.sub && keyMatch2(r.obj, p.obj) && keyMatch3(r.act, p.act)",
        ..PLAIN
    },
    Setup {
        matcher: "keyMatch4(r.obj, p.obj) || keyMatch5(r.obj, p.obj) && r.act in (p.act, 'read')",
        ..PLAIN
    },
    Setup {
        matcher: "ipMatch(r.sub, p.sub) && globMatch(r.obj, p.obj) && r.act != p.act",
        ..PLAIN
    },
    Setup {
        matcher: "keyGet(r.obj, p.obj) == p.act || keyGet2(r.obj, p.obj, 'id') == r.act || \
                  keyGet3(r.obj, p.obj, 'id') == r.sub",
        ..PLAIN
    },
    Setup {
        request: "sub, dom, obj",
        policy: "sub, dom, obj, eft",
        effect: DENY,
        roles: &["_, _, _"],
        matcher: "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom) && r.obj == p.obj",
        ..PLAIN
    },
    Setup {
        roles: &["_, _", "_, _"],
        matcher: "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act || r.sub == 'root'",
        matching: &[
            ("g", Some(MatchFunction::KeyMatch2), None),
            ("g2", Some(MatchFunction::RegexMatch), None),
        ],
        ..PLAIN
    },
    Setup {
        request: "sub, dom, obj",
        policy: "sub, dom, obj",
        roles: &["_, _, _"],
        matcher: "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj",
        matching: &[(
            "g",
            Some(MatchFunction::GlobMatch),
            Some(MatchFunction::KeyMatch),
        )],
        ..PLAIN
    },
    Setup {
        roles: &["_, _, (_, _)", "_, _, _, (_, _)"],
        matcher: "g(r.sub, p.sub) && (g2(r.obj, p.obj, r.act) || r.act =~ p.act)",
        ..PLAIN
    },
    Setup {
        policy: "sub_rule, obj, act",
        matcher: "r.obj == p.obj && r.act == p.act && eval(p.sub_rule)",
        ..PLAIN
    },
    Setup {
        policy: "sub_rule, obj, act, eft",
        effect: BOTH,
        roles: &["_, _"],
        matcher: "eval(p.sub_rule) && g(r.obj, p.obj) || !(r.act == p.act)",
        ..PLAIN
    },
    Setup {
        policy: "sub, obj, act, eft, priority",
        effect: PRIORITY,
        roles: &["_, _"],
        matcher: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        ..PLAIN
    },
    Setup {
        policy: "rank, sub, obj, eft",
        effect: PRIORITY,
        matcher: "r.sub == p.sub && r.obj == p.obj",
        priority: Some(0),
        ..PLAIN
    },
    Setup {
        policy: "sub, obj, act, eft",
        effect: SUBJECT_PRIORITY,
        roles: &["_, _"],
        matcher: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        ..PLAIN
    },
    Setup {
        request: "sub, dom, obj",
        policy: "sub, dom, obj, eft",
        effect: SUBJECT_PRIORITY,
        roles: &["_, _, _"],
        matcher: "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj",
        ..PLAIN
    },
    Setup {
        matcher: "r.sub.Age >= 18 && r.sub.Name == p.sub || (r.obj ?? 'none') == p.obj && \
                  (r.act == 1 ? true : r.act + 1 > 2 * 3 - 1 / 2 % 4)",
        ..PLAIN
    },
    Setup {
        matcher: "p.sub in r.sub && (r.obj in ['data1', \"data2\", p.obj] || r.act in ('read', 1))",
        ..PLAIN
    },
    Setup {
        roles: &["_, _"],
        matcher: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        more: "[constraint_definition]\nc = sod(\"admin\", \"alice\")\n\
               c2 = sodMax([\"admin\", \"bob\", \"read\"], 1)\nc3 = roleMax(\"admin\", 2)\n\
               c4 = rolePre(\"admin\", \"bob\")\n",
        ..PLAIN
    },
    Setup {
        matcher: "r.sub == 'alice' && !(r.obj == 'data1') || r.act < '2026-12-25'",
        effect: DENY,
        ..PLAIN
    },
];

impl Setup {
    /// The model's text.
    #[must_use]
    pub fn text(&self) -> String {
        self.text_with(self.matcher)
    }

    /// The model's text with another matcher.
    #[must_use]
    pub fn text_with(&self, matcher: &str) -> String {
        let mut text = format!(
            "[request_definition]\nr = {}\n[policy_definition]\np = {}\n",
            self.request, self.policy
        );
        if !self.roles.is_empty() {
            text.push_str("[role_definition]\n");
        }
        for (definition, number) in self.roles.iter().zip(1..) {
            let name = match number {
                1 => "g".to_owned(),
                number => format!("g{number}"),
            };
            text.push_str(&format!("{name} = {definition}\n"));
        }
        text.push_str(&format!(
            "[policy_effect]\ne = {}\n[matchers]\nm = {matcher}\n{}",
            self.effect, self.more
        ));
        text
    }

    /// The model.
    ///
    /// # Panics
    ///
    /// It does not parse: this list is wrong then.
    #[must_use]
    pub fn model(&self) -> Model {
        let text = self.text();
        Model::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// The kinds of rows, and how many fields each has.
    #[must_use]
    pub fn kinds(&self) -> Vec<(String, usize)> {
        let fields = |definition: &str| definition.matches(['_', ',']).count();
        let mut kinds = vec![("p".to_owned(), self.policy.split(',').count())];
        for (definition, number) in self.roles.iter().zip(1..) {
            let name = match number {
                1 => "g".to_owned(),
                number => format!("g{number}"),
            };
            kinds.push((name, fields(definition).div_ceil(2)));
        }
        kinds
    }

    /// What Casbin sets in code.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let role_matching = self
            .matching
            .iter()
            .map(|(graph, role, domain)| RoleMatching {
                graph: (*graph).to_owned(),
                role: *role,
                domain: *domain,
            });
        let conditional = self.kinds().into_iter().skip(1).zip(self.roles);
        let link_conditions = conditional
            .filter(|(_, definition)| definition.contains('('))
            .map(|((graph, _), _)| LinkCondition {
                graph,
                function: LinkConditionFunction::TimeMatch,
            });
        let field_index = self.priority.map(|index| FieldIndex {
            policy: "p".to_owned(),
            field: "priority".to_owned(),
            index,
        });
        Settings {
            role_matching: role_matching.collect(),
            link_conditions: link_conditions.collect(),
            field_index: field_index.into_iter().collect(),
            limits: crate::limits(),
            ..Settings::default()
        }
    }
}
