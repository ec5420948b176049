//! Messages as JSON, against Python's `json_format`: messages that `python/json_rows.py` made at random, and texts that say something
//! in another way than it is written. The IDL is that of `tests/cases/json`.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(deprecated, reason = "a message of the case is")]

use std::fs;
use std::path::Path;

use jovian_runtime::codegen::v1::prost::Message;
use jovian_tests_interop::json::Plain;
use jovian_tests_interop::json::mapping::{detail, v1};
use jovian_tests_interop::python::Python;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What Python says, a line for each message and text.
async fn rows() -> Option<Vec<Value>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let idl = here.join("../cases/json/proto");
    let files = [
        "mapping/common/v1/common.proto",
        "mapping/common/v1/facade.proto",
        "mapping/detail/v1/detail.proto",
        "mapping/v1/scalars.proto",
        "mapping/v1/old.proto",
        "mapping/v1/edition.proto",
        "plain.proto",
    ];
    let python = Python::new(env!("CARGO_TARGET_TMPDIR"), here.join("python"), &[&idl], &files)?;
    let out = tempfile::NamedTempFile::new().unwrap();
    python.run("json_rows.py", &[&out.path().display().to_string()]).await;
    let text = fs::read_to_string(out.path()).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// What Rust makes of a row: nothing, if it is the same.
fn differs(row: &Value) -> Option<String> {
    let compare = match row["type"].as_str().unwrap() {
        "mapping.v1.Scalars" => compare::<v1::Scalars>,
        "mapping.v1.Numbers" => compare::<v1::Numbers>,
        "mapping.v1.Names" => compare::<v1::Names>,
        "mapping.v1.Choice" => compare::<v1::Choice>,
        "mapping.v1.WellKnown" => compare::<v1::WellKnown>,
        "mapping.v1.Price" => compare::<v1::Price>,
        "mapping.v1.Money" => compare::<v1::Money>,
        "mapping.v1.Old" => compare::<v1::Old>,
        "mapping.v1.Edition" => compare::<v1::Edition>,
        "mapping.detail.v1.Detail" => compare::<detail::v1::Detail>,
        "Plain" => compare::<Plain>,
        other => panic!("no type {other}"),
    };
    compare(row)
}

fn compare<M: Message + Default + Serialize + DeserializeOwned>(row: &Value) -> Option<String> {
    let read = |text: &str| serde_json::from_str::<M>(text);
    let theirs = row["hex"].as_str().map(|hex| M::decode(bytes(hex).as_slice()).unwrap());
    let Some(text) = row["text"].as_str() else {
        let theirs = theirs.unwrap();
        let text = serde_json::to_string(&theirs).unwrap();
        let written: Value = serde_json::from_str(&text).unwrap();
        let expected = &row["json"];
        if plain(&written) != plain(expected) {
            return Some(format!("{text} is written, not {expected}"));
        }
        let texts = [text, expected.to_string(), row["names_of_the_idl"].as_str().unwrap().to_owned()];
        return texts.iter().find_map(|text| match read(text) {
            Ok(ours) if shown(&ours) == shown(&theirs) => None,
            Ok(ours) => Some(format!("{text} is read as {}, not as {}", shown(&ours), shown(&theirs))),
            Err(error) => Some(format!("{text} is not read: {error}")),
        });
    };
    match (read(text), theirs) {
        (Ok(ours), Some(theirs)) if shown(&ours) == shown(&theirs) => None,
        (Ok(ours), Some(theirs)) => {
            Some(format!("{text} is read as {}, not as {}", shown(&ours), shown(&theirs)))
        }
        (Ok(ours), None) => {
            Some(format!("{text} is read as {}, not refused: {}", shown(&ours), row["error"]))
        }
        (Err(error), Some(_)) => Some(format!("{text} is refused: {error}")),
        (Err(_), None) => None,
    }
}

/// A text that is the same for the same message, also if it holds what is no number, or maps.
fn shown<M: Message + Serialize>(message: &M) -> String {
    serde_json::to_string(message).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// In JSON `1` and `1.0` are one number.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

/// Texts that Python takes, and the mapping does not have.
const LENIENT: &[&str] =
    &[r#"{"single": true}"#, r#"{"raw": "?"}"#, r#"{"level": 1.5}"#, r#"{"level": true}"#, "[]"];

#[tokio::test]
async fn python_agrees() {
    let Some(rows) = rows().await else { return };
    let (lenient, rows): (Vec<Value>, Vec<Value>) =
        rows.into_iter().partition(|row| row["text"].as_str().is_some_and(|text| LENIENT.contains(&text)));
    assert!(
        lenient.len() == LENIENT.len() && lenient.iter().all(|row| differs(row).is_some()),
        "{lenient:?}"
    );
    let differences: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(format!("{}: {}", row["type"].as_str().unwrap(), differs(row)?)))
        .collect();
    assert!(differences.is_empty(), "{} of {}\n{}", differences.len(), rows.len(), differences.join("\n"));
}
