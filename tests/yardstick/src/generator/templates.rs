//! Models as people write them: equality, roles, domains, paths, attributes.

use doorward_syntax::pattern::Kind;

use super::dice::Dice;
use super::pattern;
use super::text;
use super::world::{Column, Content, Field, Graph, Shape, World};

/// A model with gaps: `$F` is the function of the column `pattern`, `$N` a
/// name, `$A` an action, `$P` a path.
struct Template {
    r: &'static str,
    p: &'static str,
    g: &'static [&'static str],
    m: &'static [&'static str],
}

const TEMPLATES: [Template; 16] = [
    Template {
        r: "sub obj act",
        p: "sub=name obj=path act=act",
        g: &[],
        m: &[
            "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
            "r.sub == p.sub && r.obj == p.obj && r.act == p.act || r.sub == $N",
            "(r.sub == p.sub || p.sub == '*') && r.obj == p.obj && (r.act == p.act || p.act == '*')",
            "p.act == r.act && p.obj == r.obj && p.sub == r.sub",
            "r.sub == p.sub && !(r.obj == p.obj) && r.act == p.act",
        ],
    },
    Template {
        r: "sub obj act",
        p: "sub=name obj=path act=act",
        g: &["_, _"],
        m: &[
            "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
            "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act || r.sub == $N && r.act == $A",
            "r.obj == p.obj && (g(r.sub, p.sub) || g(r.sub, $N)) && r.act in (p.act, $A)",
            "g(r.sub, p.sub) && r.act == p.act && !g(r.sub, $N)",
        ],
    },
    Template {
        r: "sub obj act",
        p: "sub=name obj=name act=act",
        g: &["_, _", "_, _"],
        m: &[
            "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act",
            "g(r.sub, p.sub) && (g2(r.obj, p.obj) || p.obj == '*') && r.act == p.act",
        ],
    },
    Template {
        r: "sub dom obj act",
        p: "sub=name dom=dom obj=path act=act",
        g: &["_, _, _"],
        m: &[
            "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
            "g(r.sub, p.sub, p.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
            "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom) && r.obj == p.obj && r.act == p.act",
            "(g(r.sub, p.sub, r.dom) && r.dom == p.dom || g(r.sub, $N, '*')) && r.act == p.act",
            "g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act",
            "r.dom == p.dom && g(r.sub, p.sub, p.dom) || g(r.sub, p.sub, r.dom)",
        ],
    },
    Template {
        r: "sub obj act",
        p: "sub=name obj=keyMatch2 act=regexMatch",
        g: &["_, _"],
        m: &[
            "r.sub == p.sub && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)",
            "g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act =~ p.act",
        ],
    },
    Template {
        r: "sub obj act",
        p: "sub=name obj=pattern act=act",
        g: &["_, _"],
        m: &[
            "g(r.sub, p.sub) && $F(r.obj, p.obj) && (r.act == p.act || p.act == '*')",
            "g(r.sub, p.sub) && $F(r.obj, p.obj) && r.act == p.act || r.act == $A && $F(r.obj, p.obj) && r.sub == p.sub",
            "$F(r.obj, p.obj) && r.act == p.act",
            "r.sub == p.sub && !$F(r.obj, p.obj) && r.act == p.act",
        ],
    },
    Template {
        r: "sub dom obj act",
        p: "sub=name dom=dom obj=pattern act=act",
        g: &["_, _, _"],
        m: &[
            "g(r.sub, p.sub, r.dom) && r.dom == p.dom && $F(r.obj, p.obj) && r.act == p.act",
            "(r.sub == p.sub || g(r.sub, p.sub, r.dom)) && $F(r.obj, p.obj) && r.act in (p.act, '*')",
        ],
    },
    Template {
        r: "sub{} obj act",
        p: "rule=rule obj=path act=act",
        g: &[],
        m: &[
            "eval(p.rule) && r.obj == p.obj && r.act == p.act",
            "r.obj == p.obj && r.act == p.act && eval(p.rule)",
            "r.obj == p.obj && (r.act == $A || eval(p.rule))",
        ],
    },
    Template {
        r: "sub{} obj{} act",
        p: "sub=name obj=path act=act",
        g: &["_, _"],
        m: &[
            "g(r.sub.name, p.sub) && r.obj.path == p.obj && r.act == p.act",
            "r.sub.name == r.obj.name || g(r.sub.name, p.sub) && r.obj.path == p.obj",
            "r.sub.age >= 18 && r.sub.age < 65 && r.obj.path == p.obj && r.act == p.act",
            "r.sub.deep.level > 1 && r.act == p.act || r.sub.name == p.sub",
        ],
    },
    Template {
        r: "sub ip obj",
        p: "sub=name ip=ipMatch obj=path",
        g: &[],
        m: &[
            "r.sub == p.sub && ipMatch(r.ip, p.ip) && r.obj == p.obj",
            "ipMatch(r.ip, p.ip) && r.obj == p.obj || r.sub == p.sub && r.obj == p.obj",
            "ipMatch(r.ip, '10.0.0.0/8') && r.sub == p.sub",
        ],
    },
    Template {
        r: "sub acts[] obj",
        p: "sub=name acts=act obj=path",
        g: &["_, _"],
        m: &[
            "g(r.sub, p.sub) && p.acts in r.acts && r.obj == p.obj",
            "r.sub == p.sub && r.obj == p.obj && (p.acts in r.acts || p.acts == '*')",
            "p.sub in r.acts || g(r.sub, p.sub) && $A in r.acts && r.obj == p.obj",
        ],
    },
    Template {
        r: "sub obj act",
        p: "sub=name obj=globMatch act=act",
        g: &["_, _", "_, _"],
        m: &[
            "(g(r.sub, p.sub) || g2(r.sub, p.sub)) && globMatch(r.obj, p.obj) && r.act == p.act",
            "g(r.sub, p.sub) && globMatch(r.obj, p.obj) && r.act in ('GET', 'read', $A)",
        ],
    },
    Template {
        r: "sub obj act",
        p: "sub=name obj=keyMatch2 act=act",
        g: &["_, _"],
        m: &[
            "keyGet2(r.obj, p.obj, 'id') == r.sub || keyMatch2(r.obj, p.obj) && r.act == p.act",
            "g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && keyGet2(r.obj, p.obj, 'id') != '' && r.act == p.act",
        ],
    },
    Template {
        r: "sub obj act",
        p: "sub=name obj=keyMatch3 act=act",
        g: &["_, _"],
        m: &[
            "keyMatch3(r.obj, p.obj) && keyGet3(r.obj, p.obj, 'id') in ('7', '42', 'a', 'b') || r.sub == p.sub",
            "g(r.sub, p.sub) && (keyMatch4(r.obj, p.obj) || keyMatch5(r.obj, p.obj)) && r.act == p.act",
        ],
    },
    Template {
        r: "sub opt? ok! n#",
        p: "sub=name opt=act",
        g: &["_, _, (_, _)"],
        m: &[
            "g(r.sub, p.sub) && (r.opt ?? 'GET') == p.opt",
            "r.ok && g(r.sub, p.sub) && r.n > 1",
            "(r.ok ? r.opt == p.opt : r.n <= 3) && r.sub == p.sub",
            "g(r.sub, p.sub) && r.opt == p.opt && (r.n + 1) % 2 == 0",
        ],
    },
    Template {
        r: "sub dom act",
        p: "sub=name dom=dom act=act",
        g: &["_, _, _, (_, _)"],
        m: &[
            "g(r.sub, p.sub, r.dom) && r.act == p.act",
            "g(r.sub, p.sub, p.dom) && (r.dom == p.dom || p.dom == '*') && r.act == p.act",
        ],
    },
];

/// A world from a template.
pub(crate) fn world(dice: &mut Dice) -> World {
    let template = &TEMPLATES[dice.below(TEMPLATES.len())];
    let graphs = template.g.iter().map(|spec| graph(spec)).collect();
    let mut world = World::new(dice, graphs);
    let second = dice.chance(15);
    for index in 0..1 + usize::from(second) {
        add(dice, template, &mut world, index);
    }
    world
}

fn graph(spec: &str) -> Graph {
    Graph {
        domain: spec.starts_with("_, _, _"),
        condition: spec.contains('('),
        ..Graph::default()
    }
}

fn add(dice: &mut Dice, template: &Template, world: &mut World, index: usize) {
    world
        .requests
        .push(template.r.split(' ').map(field).collect());
    let function = pattern::function(dice);
    let mut columns: Vec<Column> = template
        .p
        .split(' ')
        .filter_map(|spec| spec.split_once('='))
        .map(|(name, content)| world.column(dice, name, self::content(content, function.into())))
        .collect();
    world.add_special(dice, &mut columns, index);
    world.policies.push(columns);
    world.effects.push(world.effect(dice));
    let mut matcher = dice.pick(template.m).replace("$F", function.name());
    for (gap, values) in [
        ("$N", &world.names),
        ("$A", &world.actions),
        ("$P", &world.paths),
    ] {
        let value = dice.text(values);
        matcher = matcher.replace(gap, &text::matcher_literal(dice, &value));
    }
    if index > 0 {
        matcher = matcher.replace("r.", "r2.").replace("p.", "p2.");
    } else if dice.chance(10) {
        matcher = matcher.replace("r.sub", "r_sub").replace("p.sub", "p_sub");
    }
    world.matchers.push(matcher);
}

fn field(spec: &str) -> Field {
    let name = spec.trim_end_matches(['{', '}', '[', ']', '#', '!', '?']);
    let shape = match spec.get(name.len()..) {
        Some("{}") => Shape::Object,
        Some("[]") => Shape::List,
        Some("#") => Shape::Number,
        Some("!") => Shape::Flag,
        Some("?") => Shape::Optional,
        _ => Shape::Like,
    };
    Field {
        name: name.to_owned(),
        shape,
    }
}

fn content(word: &str, chosen: Kind) -> Content {
    match word {
        "name" => Content::Name,
        "dom" => Content::Domain,
        "act" => Content::Action,
        "path" => Content::Path,
        "rule" => Content::Rule,
        "pattern" => Content::Pattern(chosen),
        "keyMatch2" => Content::Pattern(Kind::KeyMatch2),
        "keyMatch3" => Content::Pattern(Kind::KeyMatch3),
        "regexMatch" => Content::Pattern(Kind::Regex),
        "ipMatch" => Content::Pattern(Kind::Ip),
        "globMatch" => Content::Pattern(Kind::Glob),
        _ => Content::Word,
    }
}
