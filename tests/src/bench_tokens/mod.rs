//! What tokens cost in Envoy: Doorward beside Envoy's own jwt_authn, in one
//! run, variants in turn, as time of the whole process for each request.

mod floor;
mod load;
pub(crate) mod mint;

use crate::bundle;
use crate::envoy::config::{self, Plugin};
use crate::envoy::process::{Envoy, Started};
use crate::envoy::runner::fresh;
use crate::scenarios::{root, version};
use anyhow::{Context, Result, bail, ensure};
use mint::Algorithm;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Tokens that are used in turn: so many that hardly one comes a second time.
/// Doorward keeps what it saw first, until others come more than once.
const TOKENS: usize = 100_000;

/// The part of requests that may be cached where none is meant to be: by more
/// than this, what is measured is another thing.
const STRAY_HITS: f64 = 0.05;

/// More requests than wrk may have under way when it stops.
const IN_FLIGHT: usize = 32;

/// The part of native jwt_authn's cost that uncached RS256 may have.
const GOAL: f64 = 0.7;

/// What verifies in a variant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    Doorward,
    /// A module that reads the headers and, where it says so, has the host check
    /// a signature.
    Floor {
        verifies: bool,
    },
    JwtAuthn {
        cache: bool,
        /// Whether the filter rbac decides by the claims, as Doorward does.
        rbac: bool,
    },
}

/// One thing that is measured.
struct Variant {
    name: &'static str,
    filter: Filter,
    algorithm: Algorithm,
    /// Whether every request has the same token.
    same: bool,
}

const VARIANTS: [Variant; 13] = [
    variant("no filter", Filter::None, Algorithm::Rs256, false),
    variant(
        "a module that reads the headers",
        Filter::Floor { verifies: false },
        Algorithm::Rs256,
        true,
    ),
    variant(
        "the same, and verify_signature, RS256",
        Filter::Floor { verifies: true },
        Algorithm::Rs256,
        true,
    ),
    variant(
        "Doorward, cached RS256",
        Filter::Doorward,
        Algorithm::Rs256,
        true,
    ),
    variant(
        "Doorward, uncached RS256",
        Filter::Doorward,
        Algorithm::Rs256,
        false,
    ),
    variant(
        "Doorward, uncached ES256",
        Filter::Doorward,
        Algorithm::Es256,
        false,
    ),
    variant(
        "jwt_authn with cache, cached RS256",
        Filter::JwtAuthn {
            cache: true,
            rbac: false,
        },
        Algorithm::Rs256,
        true,
    ),
    variant(
        "jwt_authn with cache, uncached RS256",
        Filter::JwtAuthn {
            cache: true,
            rbac: false,
        },
        Algorithm::Rs256,
        false,
    ),
    variant(
        "jwt_authn without cache, RS256",
        Filter::JwtAuthn {
            cache: false,
            rbac: false,
        },
        Algorithm::Rs256,
        false,
    ),
    variant(
        "jwt_authn without cache, ES256",
        Filter::JwtAuthn {
            cache: false,
            rbac: false,
        },
        Algorithm::Es256,
        false,
    ),
    variant(
        "jwt_authn with cache + rbac, cached RS256",
        Filter::JwtAuthn {
            cache: true,
            rbac: true,
        },
        Algorithm::Rs256,
        true,
    ),
    variant(
        "jwt_authn without cache + rbac, RS256",
        Filter::JwtAuthn {
            cache: false,
            rbac: true,
        },
        Algorithm::Rs256,
        false,
    ),
    variant(
        "jwt_authn without cache + rbac, ES256",
        Filter::JwtAuthn {
            cache: false,
            rbac: true,
        },
        Algorithm::Es256,
        false,
    ),
];

const fn variant(name: &'static str, filter: Filter, algorithm: Algorithm, same: bool) -> Variant {
    Variant {
        name,
        filter,
        algorithm,
        same,
    }
}

/// What is to be run.
pub struct Plan<'a> {
    /// Envoy's program.
    pub envoy: &'a Path,
    /// The module.
    pub module: &'a Path,
    /// Where the numbers go.
    pub out: &'a Path,
    /// How often each variant is measured.
    pub rounds: usize,
    /// How long each measurement takes, in seconds.
    pub seconds: u64,
}

/// Measures and prints the table; whether the goal is met.
///
/// # Errors
///
/// When Envoy or wrk cannot be run, or a request does not go through.
pub fn run(plan: &Plan<'_>) -> Result<bool> {
    let folder = root()
        .join("target")
        .join("envoy-runs")
        .join("bench-tokens");
    fresh(&folder)?;
    println!("minting {TOKENS} tokens of each algorithm");
    let keys = root().join("tests").join("keys");
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let tokens = mint::tokens(algorithm, TOKENS, &keys)?;
        std::fs::write(tokens_file(&folder, algorithm, false), tokens.join("\n"))?;
        let first = tokens.first().context("no token")?;
        std::fs::write(tokens_file(&folder, algorithm, true), first)?;
    }
    let script = folder.join("wrk.lua");
    load::write_script(&script)?;
    let envoys = VARIANTS
        .iter()
        .enumerate()
        .map(|(number, variant)| start(plan, variant, &folder.join(number.to_string())))
        .collect::<Result<Vec<_>>>()?;
    let mut costs = vec![Vec::new(); VARIANTS.len()];
    let mut requests = vec![0_u64; VARIANTS.len()];
    // The first round warms up and does not count.
    for round in 0..=plan.rounds {
        println!("round {round} of {}", plan.rounds);
        for (number, (variant, envoy)) in VARIANTS.iter().zip(&envoys).enumerate() {
            let tokens = tokens_file(&folder, variant.algorithm, variant.same);
            // Behind the last one that this Envoy saw, so that each comes
            // again only after all others.
            let sent = requests.get(number).copied().unwrap_or_default();
            let start = usize::try_from(sent)? + (round + 1) * IN_FLIGHT;
            let (cost, sent) = load::cost(envoy, &script, &tokens, start, plan.seconds)
                .with_context(|| variant.name.to_owned())?;
            if let (Some(requests), Some(costs)) = (requests.get_mut(number), costs.get_mut(number))
            {
                *requests += sent;
                if round > 0 {
                    costs.push(cost / 1000.0);
                }
            }
        }
    }
    check_cache(&envoys, &requests)?;
    report(plan, &costs)
}

fn tokens_file(folder: &Path, algorithm: Algorithm, same: bool) -> PathBuf {
    folder.join(format!("{algorithm:?}-{same}.txt"))
}

/// That what is called cached was, and what is called uncached was not.
fn check_cache(envoys: &[Envoy], requests: &[u64]) -> Result<()> {
    for ((variant, envoy), requests) in VARIANTS.iter().zip(envoys).zip(requests) {
        if variant.filter != Filter::Doorward {
            continue;
        }
        let stats = envoy.stats("wasmcustom.doorward")?;
        let value = |name: &str| {
            let stat = stats.iter().find(|(known, _)| known.ends_with(name));
            stat.map_or(0, |(_, value)| *value)
        };
        let hits = value("doorward_token.cache.hit.lookups_total");
        let software = value("software.signatures_total");
        ensure!(software == 0, "{}: checked in the module", variant.name);
        // What is counted may be told a second late.
        let share = hits as f64 / *requests as f64;
        ensure!(
            if variant.same {
                share > 0.5
            } else {
                share <= STRAY_HITS
            },
            "{}: {hits} of {requests} were cached",
            variant.name
        );
    }
    Ok(())
}

fn start(plan: &Plan<'_>, variant: &Variant, folder: &Path) -> Result<Envoy> {
    let environment = BTreeMap::from([("DOORWARD_UNSIGNED".to_owned(), "allow".to_owned())]);
    let filters = match variant.filter {
        Filter::None => Vec::new(),
        Filter::Floor { verifies } => {
            let keys = root().join("tests").join("keys");
            std::fs::create_dir_all(folder)?;
            let module = folder.join("floor.wasm");
            std::fs::write(&module, floor::module(verifies, &keys)?)?;
            let plugin = Plugin {
                module: &module,
                environment: &environment,
                vm_configuration: "",
            };
            vec![plugin.fixed("")]
        }
        Filter::Doorward => {
            let plugin = Plugin {
                module: plan.module,
                environment: &environment,
                vm_configuration: "",
            };
            let orders = root().join("policies").join("orders");
            vec![plugin.fixed(&bundle::inline_configuration(&orders, None)?)]
        }
        Filter::JwtAuthn { cache, rbac: false } => vec![jwt_authn(cache, false)?],
        Filter::JwtAuthn { cache, rbac: true } => vec![jwt_authn(cache, true)?, rbac()],
    };
    match Envoy::start(plan.envoy, &bootstrap(&filters)?, folder)? {
        Started::Ready(envoy) => Ok(envoy),
        Started::Refused(log) => bail!("{}: Envoy refused it:\n{log}", variant.name),
    }
}

/// With `payload` it hands the claims to the filters behind it.
fn jwt_authn(cache: bool, payload: bool) -> Result<Value> {
    let keys = std::fs::read_to_string(root().join("tests").join("keys").join("jwks.json"))?;
    let mut provider = json!({
        "issuer": "https://issuer.example",
        "audiences": ["orders"],
        "local_jwks": {"inline_string": keys},
    });
    if cache {
        provider["jwt_cache_config"] = json!({"jwt_cache_size": 4096});
    }
    if payload {
        provider["payload_in_metadata"] = json!("claims");
    }
    Ok(json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.\
                      JwtAuthentication",
            "providers": {"example": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "example"}}],
        },
    }))
}

/// What the example bundle says of these requests: who has the scope may read
/// orders.
fn rbac() -> Value {
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "ALLOW", "policies": {"orders": {
                "permissions": [{"and_rules": {"rules": [
                    {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
                    {"url_path": {"path": {"prefix": "/orders/"}}},
                ]}}],
                "principals": [{"metadata": {
                    "filter": "envoy.filters.http.jwt_authn",
                    "path": [{"key": "claims"}, {"key": "scope"}],
                    "value": {"string_match": {"exact": "orders:read"}},
                }}],
            }}},
        },
    })
}

/// The tests' Envoy without access log and upstream: it answers itself.
fn bootstrap(own: &[Value]) -> Result<Value> {
    const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut bootstrap = config::bootstrap(&Value::Null, nowhere, Path::new("unused"));
    let manager = bootstrap
        .pointer_mut(MANAGER)
        .and_then(Value::as_object_mut)
        .context("the bootstrap has no connection manager")?;
    manager.remove("access_log");
    if let Some(filters) = manager
        .get_mut("http_filters")
        .and_then(Value::as_array_mut)
    {
        filters.retain(|filter| !filter.is_null());
        filters.splice(0..0, own.iter().cloned());
    }
    let route = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    manager.insert(
        "route_config".to_owned(),
        json!({"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]}),
    );
    Ok(bootstrap)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// Prints the table and writes the numbers; whether the goal is met.
fn report(plan: &Plan<'_>, costs: &[Vec<f64>]) -> Result<bool> {
    let base = costs.first().context("no base")?;
    // Round by round, so that what slows a whole round down cancels out.
    let added: Vec<f64> = costs
        .iter()
        .map(|costs| {
            let differences: Vec<f64> = costs
                .iter()
                .zip(base)
                .map(|(cost, base)| cost - base)
                .collect();
            median(&differences)
        })
        .collect();
    println!(
        "\nCPU of the Envoy process in microseconds per request, medians of {} rounds",
        plan.rounds
    );
    println!("{:<40} {:>9} {:>9}", "", "all", "added");
    let mut rows = Vec::new();
    for ((variant, costs), added) in VARIANTS.iter().zip(costs).zip(&added) {
        println!("{:<40} {:>9.1} {:>9.1}", variant.name, median(costs), added);
        rows.push(json!({
            "name": variant.name, "median": median(costs), "added": added, "rounds": costs,
        }));
    }
    let of = |name: &str| {
        let index = VARIANTS.iter().position(|variant| variant.name == name)?;
        added.get(index).copied()
    };
    let ratio = |ours: &str, native: &str| -> Result<f64> {
        let (ours, native) = of(ours).zip(of(native)).context("no such variant")?;
        Ok(ours / native)
    };
    let rs256 = ratio("Doorward, uncached RS256", "jwt_authn without cache, RS256")?;
    let es256 = ratio("Doorward, uncached ES256", "jwt_authn without cache, ES256")?;
    let cached = ratio(
        "Doorward, cached RS256",
        "jwt_authn with cache, cached RS256",
    )?;
    println!("\nadded by Doorward, as a part of what jwt_authn adds:");
    println!(
        "uncached RS256 {rs256:.2} (goal: at most {GOAL}), uncached ES256 {es256:.2}, cached {cached:.2}"
    );
    let floor = ratio(
        "the same, and verify_signature, RS256",
        "jwt_authn without cache, RS256",
    )?;
    println!("what no module that has the host check signatures gets below: {floor:.2}");
    let decided = [
        ("uncached RS256", "jwt_authn without cache + rbac, RS256"),
        ("uncached ES256", "jwt_authn without cache + rbac, ES256"),
        ("cached RS256", "jwt_authn with cache + rbac, cached RS256"),
    ];
    let decided = decided
        .iter()
        .map(|(ours, native)| Ok((*ours, ratio(&format!("Doorward, {ours}"), native)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    println!("as a part of what jwt_authn and rbac add, which decide by claims too: {decided:.2?}");
    let numbers = json!({
        "envoy": version(plan.envoy)?,
        "unit": "microseconds of CPU per request",
        "variants": rows,
        "ratios": {"uncached RS256": rs256, "uncached ES256": es256, "cached RS256": cached},
        "floor": floor,
        "ratios_with_rbac": decided,
        "goal": {"uncached RS256": GOAL},
    });
    if let Some(folder) = plan.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(plan.out, format!("{numbers:#}\n"))
        .with_context(|| format!("{} cannot be written", plan.out.display()))?;
    println!("written to {}", plan.out.display());
    Ok(rs256 <= GOAL)
}
