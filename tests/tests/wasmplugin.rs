//! The generated WasmPlugin against Istio's own schema.

use doorward_tests::generate;
use doorward_tests::scenarios::root;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The schema, which is not part of this repository.
fn schema_file() -> PathBuf {
    std::env::var_os("DOORWARD_SHARED")
        .map_or_else(|| root().join("..").join("shared"), PathBuf::from)
        .join("schemas")
        .join("istio")
        .join("wasmplugin.yaml")
}

/// Kubernetes drops a field that the schema does not name, so a misspelt one
/// would be lost silently; here it is an error.
fn close(schema: &mut Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    let open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    let is_closed =
        schema.contains_key("properties") && !open && !schema.contains_key("additionalProperties");
    if is_closed {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    for name in ["properties"] {
        if let Some(Value::Object(properties)) = schema.get_mut(name) {
            properties.values_mut().for_each(close);
        }
    }
    for name in ["items", "additionalProperties"] {
        if let Some(schema) = schema.get_mut(name) {
            close(schema);
        }
    }
}

fn plugin() -> Value {
    let files = generate::files().expect("generated");
    let (_, text) = files
        .iter()
        .find(|(path, _)| *path == "istio/wasmplugin.yaml")
        .expect("the plugin");
    serde_saphyr::from_str(text).expect("YAML")
}

#[test]
fn it_follows_istio_s_schema() {
    let file = schema_file();
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!(
            "NOT CHECKED: Istio's schema is not at {}; set DOORWARD_SHARED to the folder that has \
             schemas/istio/wasmplugin.yaml",
            file.display()
        );
        return;
    };
    let definition: Value = serde_saphyr::from_str(&text).expect("YAML");
    let version = &definition["spec"]["versions"][0];
    let plugin = plugin();
    assert_eq!(
        plugin["apiVersion"],
        format!(
            "extensions.istio.io/{}",
            version["name"].as_str().expect("a name")
        )
    );
    assert_eq!(plugin["kind"], definition["spec"]["names"]["kind"]);
    let mut schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"].clone();
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(&plugin["spec"])
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());

    let mut misspelt = plugin["spec"].clone();
    misspelt["failStrateg"] = json!("FAIL_CLOSE");
    assert!(!validator.is_valid(&misspelt));
}

#[test]
fn it_protects_what_comes_in_and_fails_closed() {
    let spec = &plugin()["spec"];
    assert_eq!(spec["match"], json!([{"mode": "SERVER"}]));
    assert_eq!(spec["phase"], "AUTHN");
    assert_eq!(spec["failStrategy"], "FAIL_CLOSE");
    assert_eq!(
        spec["vmConfig"]["env"],
        json!([{"name": "DOORWARD_UNSIGNED", "value": "allow"}])
    );
}
