//! Every method of the builder does what the setting of its name does by the other doors.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::fs;
use std::path::{Path, PathBuf};

use jovian::Builder;

/// A builder for the IDL of a case.
fn builder(case: &str) -> Builder {
    Builder::new().input(cases().join(case).join("proto"))
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases")
}

/// Generates, and compares with what the program gave.
fn gives(case: &str, builder: Builder) {
    let out = tempfile::tempdir().expect("a temporary folder");
    builder.out_dir(out.path()).generate().expect("a case that works");
    for entry in fs::read_dir(cases().join(case).join("out")).expect("the golden folder") {
        let golden = entry.expect("an entry").path();
        let name = golden.file_name().expect("a name");
        let text = fs::read_to_string(out.path().join(name)).expect("a file of that name");
        assert!(text == fs::read_to_string(&golden).expect("the golden file"), "{}", golden.display());
    }
}

#[test]
fn selectors_and_attributes() {
    let builder = builder("selectors")
        .bytes(".selectors.v1.Blob.data")
        .bytes("Blob.raw")
        .btree_map("labels")
        .btree_map(".selectors.v1.Blob.Part")
        .boxed("Blob.kept")
        .boxed("source.copy")
        .type_attribute("Kept", "#[derive(Eq,Hash,PartialOrd)]")
        .type_attribute(".selectors.v1.Kind", "#[derive(Ord)]")
        .message_attribute("Kept", "#[must_use]")
        .enum_attribute(".selectors.v1.Kind", "#[non_exhaustive]")
        .field_attribute("Kept.id", "#[doc(alias=\"key\")]")
        .field_attribute("Blob.source", "#[doc(alias=\"where\")]")
        .field_attribute("source.kind", "#[doc(alias=\"what\")]")
        .trait_attribute("Store", "#[diagnostic::on_unimplemented(message=\"no_store\")]")
        .server_attribute("Store", "#[doc(alias=\"serve\")]")
        .client_attribute(".selectors", "#[doc(alias=\"call\")]")
        .skip_debug("Blob.Part");
    gives("selectors", builder);
}

#[test]
fn packages_services_and_paths() {
    gives("selected", builder("selected").serde(true).package("shop.v1").service("shop.v1.Orders"));
    let elsewhere = builder("elsewhere")
        .serde(true)
        .extern_path(".elsewhere.common", "crate::elsewhere_common::elsewhere::common")
        .extern_path(".elsewhere.shop.Point", "crate::Point");
    gives("elsewhere", elsewhere);
}

#[test]
fn switches() {
    gives("client-only", builder("client-only").server(false));
    gives("server-only", builder("server-only").client(false));
    gives("no-modules", builder("no-modules").serde(true).set("modules", "false"));
}

#[test]
fn a_wrong_value_is_explained_before_anything_is_read() {
    let wrong =
        Builder::new().input("nowhere").extern_path(".shop", "super::shop").bytes("a..b").rename("a", "b");
    let problem = wrong.generate().expect_err("two mistakes").to_string();
    assert!(
        problem.contains("J0006") && problem.contains("`super::shop`") && problem.contains("`a..b`"),
        "{problem}"
    );
}
