//! Time zones that a folder names: what the built bundle reads equals what the
//! database says, at any moment.

use doorward_bundle::{Bundle, Manifest, folder};
use doorward_request::{CanonicalPath, Derived, Facts, HeaderSnapshot, ReadError, Scope};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;
use serde_json::json;

const MODEL: &str = "[request_definition]\nr = hour, minute, weekday, date, unix\n\
    [policy_definition]\np = v\n[policy_effect]\ne = some(where (p.eft == allow))\n\
    [matchers]\nm = p.v == 'x'\n";

/// The years 2000 and 2100 in UTC.
const TABLE: std::ops::Range<i64> = 946_684_800..4_102_444_800;

struct NoFacts;

impl Facts for NoFacts {
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        panic!("{path:?} is not needed for the time");
    }
}

/// The bundle of a folder with this time zone.
fn bundle(zone: &str) -> Result<Bundle, String> {
    let manifest = folder::manifest(&|file| {
        Ok(match file {
            "doorward.yaml" => format!(
                "name: times\nrevision: '1'\ntime_zone: {zone}\nrequest: {{hour: time.hour, \
                 minute: time.minute, weekday: time.weekday, date: time.date, unix: time.unix}}\n"
            ),
            "model.conf" => MODEL.to_owned(),
            _ => "p, 7\n".to_owned(),
        })
    })
    .map_err(|error| error.to_string())?;
    // As Istio passes it on: every number a double.
    let text = doubles(serde_json::to_value(&manifest).unwrap()).to_string();
    let manifest: Manifest = serde_json::from_str(&text).unwrap();
    Bundle::load(&manifest).map_err(|error| error.to_string())
}

fn doubles(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => json!(number.as_f64()),
        serde_json::Value::Array(items) => items.into_iter().map(doubles).collect(),
        serde_json::Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, doubles(value)))
            .collect(),
        other => other,
    }
}

/// What the bundle reads of a moment.
fn read(bundle: &Bundle, now: i64) -> Result<String, String> {
    let headers = HeaderSnapshot::default();
    let path = CanonicalPath::new(b"/").unwrap();
    let scope = Scope {
        headers: &headers,
        path: &path,
        claims: None,
        principal: None,
        derived: &Derived::new(bundle.derived_settings(), now),
        facts: &NoFacts,
    };
    let values = bundle.mapping().resolve(&scope);
    let values = values.map_err(|error| error.to_string())?;
    let values: Vec<String> = values
        .iter()
        .map(|value| format!("{:?}", value.value()))
        .collect();
    Ok(values.join(" "))
}

/// What the database says of it.
fn expected(zone: &TimeZone, now: i64) -> String {
    let local = Timestamp::from_second(now).unwrap().to_zoned(zone.clone());
    format!(
        "Number({:?}) Number({:?}) Number({:?}) Text({:?}) Number({:?})",
        f64::from(local.hour()),
        f64::from(local.minute()),
        f64::from(local.weekday().to_monday_one_offset()),
        local.date().to_string(),
        local.timestamp().as_second() as f64,
    )
}

#[test]
fn every_zone_agrees_around_each_of_its_changes() {
    let database = TimeZoneDatabase::bundled();
    let mut compared = 0;
    for name in database.available() {
        let name = name.as_str();
        let zone = database.get(name).unwrap();
        let bundle = bundle(name).unwrap();
        let start = Timestamp::from_second(TABLE.start).unwrap();
        let changes = zone
            .following(start)
            .map(|change| change.timestamp().as_second());
        let changes = changes.take_while(|moment| TABLE.contains(moment));
        for moment in changes.chain([TABLE.start + 1, TABLE.end]) {
            for now in [moment - 1, moment] {
                if TABLE.contains(&now) {
                    assert_eq!(
                        read(&bundle, now),
                        Ok(expected(&zone, now)),
                        "{name} at {now}"
                    );
                    compared += 1;
                }
            }
        }
        for outside in [TABLE.start - 1, TABLE.end] {
            let refusal = "time.hour is not a valid value of its type".to_owned();
            assert_eq!(read(&bundle, outside), Err(refusal), "{name} at {outside}");
        }
    }
    assert!(compared > 10_000, "{compared} moments compared");
}

#[test]
fn names_of_no_zone_are_refused() {
    for name in ["Europe/Atlantis", "CET-1CEST", "+02:00", "''"] {
        let refusal = bundle(name).unwrap_err();
        assert!(
            refusal.starts_with("doorward.yaml: time_zone: ") && refusal.contains("no time zone"),
            "{refusal}"
        );
    }
}

#[test]
fn a_folder_is_built_to_the_same_bytes_in_every_year() {
    let built = folder::time_zone("europe/berlin").unwrap();
    assert_eq!(built["name"], "Europe/Berlin");
    let offsets = built["offsets"].as_array().unwrap();
    assert_eq!(offsets.first(), Some(&json!([946_684_800, 3600])));
    assert_eq!(offsets.get(1), Some(&json!([954_032_400, 7200])));
    assert_eq!(offsets.last(), Some(&json!([4_096_573_200_i64, 3600])));
    assert_eq!(offsets.len(), 201);
    let fixed = folder::time_zone("Etc/GMT-3").unwrap();
    assert_eq!(fixed["offsets"], json!([[946_684_800, 10_800]]));
}

proptest! {
    #[test]
    fn any_moment_agrees(
        name in prop::sample::select(vec![
            "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns",
            "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Australia/Lord_Howe",
            "Africa/Casablanca", "Pacific/Apia", "Pacific/Chatham", "Antarctica/Troll",
        ]),
        moments in prop::collection::vec(TABLE, 50),
    ) {
        let zone = TimeZoneDatabase::bundled().get(name).unwrap();
        let bundle = bundle(name).unwrap();
        for now in moments {
            prop_assert_eq!(read(&bundle, now), Ok(expected(&zone, now)), "{} at {}", name, now);
        }
    }
}
