//! The families that the budget for decisions names, made in any size.

use doorward_engine::{Engine, Model, Policy, Request, Settings, Value};
use std::fmt::Write;

/// A policy of one size with requests whose answers are known.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) engine: Engine,
    pub(crate) requests: Vec<Expected>,
}

/// A request and its answer.
pub(crate) struct Expected {
    pub(crate) values: Vec<String>,
    pub(crate) allow: bool,
}

/// Calls `each` with every request as the engine takes it.
pub(crate) fn for_each_request(family: &Family, mut each: impl FnMut(&Request<'_>, &Expected)) {
    for expected in &family.requests {
        let values: Vec<Value<'_>> = expected.values.iter().map(Value::from).collect();
        each(&Request::new(&values), expected);
    }
}

const EQUAL: &str = "r.sub == p.sub && r.obj == p.obj && r.act == p.act";

/// All families with about this many rows.
pub(crate) fn families(rows: usize) -> Vec<Family> {
    vec![
        rows_only("equality", EQUAL, rows, |at| {
            [format!("user{at}"), format!("data{at}"), "read".to_owned()]
        }),
        rows_only("one subject", EQUAL, rows, |at| {
            ["alice".to_owned(), format!("data{at}"), "read".to_owned()]
        }),
        rows_only("subjects by objects", EQUAL, rows, move |at| {
            let side = (1..).find(|side| side * side >= rows).expect("a square");
            let (user, data) = (at / side, at % side);
            [
                format!("user{user}"),
                format!("data{data}"),
                "read".to_owned(),
            ]
        }),
        rows_only("keyMatch", &key("keyMatch"), rows, |at| {
            [team(at), format!("/service{at}/orders/*"), "GET".to_owned()]
        }),
        rows_only("keyMatch2", &key("keyMatch2"), rows, |at| {
            [
                team(at),
                format!("/service{at}/orders/:id"),
                "GET".to_owned(),
            ]
        }),
        rows_only("keyMatch2, one shape", &key("keyMatch2"), rows, |at| {
            [team(0), format!("/a/:id/b{at}/*"), "GET".to_owned()]
        }),
        roles(rows),
        domains(rows),
    ]
}

fn team(row: usize) -> String {
    format!("team{}", row % 10)
}

fn key(function: &str) -> String {
    format!("r.sub == p.sub && {function}(r.obj, p.obj) && r.act == p.act")
}

fn engine(values: &str, roles: &str, matcher: &str, policy: &str) -> Engine {
    let model = format!(
        "[request_definition]\nr = {values}\n[policy_definition]\np = {values}\n{roles}\
         [policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = {matcher}\n"
    );
    let model = Model::parse(&model).expect("the model is well formed");
    let policy = Policy::parse_csv(policy).expect("the policy is well formed");
    Engine::compile(&model, &policy, &Settings::default()).expect("the policy loads")
}

/// The first and the last row, and rows in between in no order.
fn picked(rows: usize) -> Vec<usize> {
    let mut picked = vec![0, rows - 1];
    // A large prime as the step: all residues come before one comes again.
    picked.extend((1..200).map(|at| at * 1_000_003 % rows));
    picked
}

/// A hit for each picked row, and misses that differ from it in one value.
fn requests(picked: &[usize], hit: impl Fn(usize) -> Vec<String>) -> Vec<Expected> {
    let mut requests = Vec::new();
    for row in picked {
        let values = hit(*row);
        for changed in 0..values.len() {
            let mut values = values.clone();
            values[changed] = format!("/none{row}");
            let allow = false;
            requests.push(Expected { values, allow });
        }
        let allow = true;
        requests.push(Expected { values, allow });
    }
    requests
}

fn rows_only(
    name: &'static str,
    matcher: &str,
    rows: usize,
    row: impl Fn(usize) -> [String; 3],
) -> Family {
    let mut policy = String::new();
    for at in 0..rows {
        let [sub, obj, act] = row(at);
        writeln!(policy, "p, {sub}, {obj}, {act}").expect("a string takes text");
    }
    Family {
        name,
        engine: engine("sub, obj, act", "", matcher, &policy),
        requests: requests(&picked(rows), |at| {
            let [sub, obj, act] = row(at);
            let path = obj.replace(":id", "x7").replace('*', "y/z");
            vec![sub, path, act]
        }),
    }
}

/// Every user has ten groups, fewer where there are fewer.
fn roles(rows: usize) -> Family {
    let groups = rows / 2;
    let mut policy = String::new();
    for group in 0..groups {
        let data = group / 10;
        writeln!(policy, "p, group{group}, data{data}, read").expect("a string takes text");
    }
    let each = groups.min(10);
    for link in 0..groups {
        let user = link / each;
        writeln!(policy, "g, user{user}, group{link}").expect("a string takes text");
    }
    let matcher = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act";
    let roles = "[role_definition]\ng = _, _\n";
    Family {
        name: "ten roles",
        engine: engine("sub, obj, act", roles, matcher, &policy),
        requests: requests(&picked(groups), |group| {
            let user = group / each;
            let data = group / 10;
            vec![
                format!("user{user}"),
                format!("data{data}"),
                "read".to_owned(),
            ]
        }),
    }
}

/// Five rows and five members in a domain; users are in ten domains or so.
fn domains(rows: usize) -> Family {
    let half = rows / 2;
    let users = (rows / 20).max(5);
    let user = |at: usize| format!("user{}", at % users);
    let mut policy = String::new();
    for at in 0..half {
        let (domain, data) = (at / 5, at % 5);
        writeln!(policy, "p, admin, domain{domain}, data{data}, read")
            .expect("a string takes text");
        writeln!(policy, "g, {}, admin, domain{domain}", user(at)).expect("a string takes text");
    }
    let matcher = "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act";
    let roles = "[role_definition]\ng = _, _, _\n";
    Family {
        name: "domains",
        engine: engine("sub, dom, obj, act", roles, matcher, &policy),
        requests: requests(&picked(half), |at| {
            let (domain, data) = (at / 5, at % 5);
            let (domain, data) = (format!("domain{domain}"), format!("data{data}"));
            vec![user(at), domain, data, "read".to_owned()]
        }),
    }
}
