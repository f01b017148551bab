//! `doorward explain --plan`.

mod support;

use support::Folder;

const MODEL: &str = "[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom) && keyMatch2(r.obj, p.obj) && \
    regexMatch(r.act, p.act) && (r.obj != p.sub || r.sub == 'root')
m2 = r.sub == 'root'
";

const POLICY: &str = "p, alice, one, /orders/:id, GET
p, admin, one, /orders/*, ^(GET|PUT)$
p, admin, two, /v1.0/orders, GET
g, alice, admin, one
";

const PLAN: &str = "\
m = g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom) && keyMatch2(r.obj, p.obj) && \
regexMatch(r.act, p.act) && (r.obj != p.sub || r.sub == 'root')
searches 3 rows of p
branch 1 of 2
  lookup: keyMatch(r.dom, p.dom)
    in dom by keyMatch patterns: 2 plain
    2 distinct values, 1.7 rows each on average, at most 2
  lookup: g(r.sub, p.sub, r.dom)
    in sub by the name and its roles, 2 names with 1 links
    2 distinct values, 1.7 rows each on average, at most 2
  lookup: keyMatch2(r.obj, p.obj)
    in obj by keyMatch2 patterns: 2 by segments, 1 run where their start fits
    3 distinct values, 1.0 rows each on average, at most 1
  lookup: regexMatch(r.act, p.act)
    in act by regexMatch patterns: 2 run where their start fits
    2 distinct values, 1.7 rows each on average, at most 2
  on every row left: r.obj != p.sub
  expected rows left: 1.0
branch 2 of 2
  once a request: r.sub == 'root'
  lookup: keyMatch(r.dom, p.dom)
    in dom by keyMatch patterns: 2 plain
    2 distinct values, 1.7 rows each on average, at most 2
  lookup: g(r.sub, p.sub, r.dom)
    in sub by the name and its roles, 2 names with 1 links
    2 distinct values, 1.7 rows each on average, at most 2
  lookup: keyMatch2(r.obj, p.obj)
    in obj by keyMatch2 patterns: 2 by segments, 1 run where their start fits
    3 distinct values, 1.0 rows each on average, at most 1
  lookup: regexMatch(r.act, p.act)
    in act by regexMatch patterns: 2 run where their start fits
    2 distinct values, 1.7 rows each on average, at most 2
  expected rows left: 1.0

m2 = r.sub == 'root'
  reads no row, evaluated once a request

The words of m make keyMatch the domain matching function of every role graph with domains, \
as in Casbin.
";

#[test]
fn a_plan() {
    let folder = Folder::new("a_plan", &[("m.conf", MODEL), ("p.csv", POLICY)]);
    let args = ["explain", "--plan", "-m", "m.conf", "-p", "p.csv"];
    assert_eq!(folder.run(&args), (PLAN.to_owned(), 0));
}

#[test]
fn a_plan_as_json() {
    let model = MODEL.replace("r.dom, p.dom", "r.dom,  p.dom");
    let files = [("m.conf", &*model), ("p.csv", "p, a, b, c, d\n")];
    let folder = Folder::new("a_plan_as_json", &files);
    let args = ["explain", "--plan", "--json", "-m", "m.conf", "-p", "p.csv"];
    let (text, status) = folder.run(&args);
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 0);
    assert_eq!(plan["implied_domain_matching"], false);
    assert_eq!(plan["plans"][1]["name"], "m2");
    assert_eq!(plan["plans"][1]["branches"], serde_json::json!([]));
    let branch = &plan["plans"][0]["branches"][0];
    assert_eq!(branch["residual"], serde_json::json!(["r.obj != p.sub"]));
    assert_eq!(branch["lookups"][0]["column"], "dom");
}

#[test]
fn what_does_not_load() {
    let folder = Folder::new("explain_fails", &[("m.conf", "[matchers]\n")]);
    let (text, status) = folder.run(&["explain", "--plan", "-m", "m.conf"]);
    assert_eq!(status, 1);
    assert!(text.contains("\"stage\":\"model\""), "{text}");
}
