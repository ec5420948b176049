//! Edition files on the wire: the generated code against protoc, which encodes and decodes text by the same IDL.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jovian_runtime::codegen::v1::prost::Message;
use jovian_runtime::codegen::v1::prost_types::Timestamp;
use jovian_tests_compiled::{editions_2023, editions_2024, editions_mixed};

use editions_2023::shop::v1::{Address, Kind, Parcel, Way, parcel::Payment};
use editions_2024::shop::v1::{Item, Order, order::After, order::Part, order::State};

/// What protoc makes of its input: `--encode=TYPE` text to bytes, `--decode=TYPE` bytes to text.
fn protoc(case: &str, file: &str, how: &str, input: &[u8]) -> Vec<u8> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut child = Command::new(protoc_bin_vendored::protoc_bin_path().expect("protoc for this machine"))
        .arg(how)
        .arg(format!("-I{}", repository.join("tests/cases").join(case).join("proto").display()))
        .arg(format!("-I{}", repository.join("proto-plugins/include").display()))
        .arg(format!("-I{}", protoc_bin_vendored::include_path().expect("protoc's own files").display()))
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("protoc runs");
    child.stdin.take().expect("a pipe").write_all(input).expect("protoc reads");
    let output = child.wait_with_output().expect("protoc ends");
    assert!(output.status.success(), "{how}");
    output.stdout
}

/// The value and the text are one on the wire, in both directions.
fn same<M>(case: &str, file: &str, name: &str, value: &M, text: &str)
where
    M: Message + Default + PartialEq + std::fmt::Debug,
{
    let theirs = protoc(case, file, &format!("--encode={name}"), text.as_bytes());
    assert_eq!(value.encode_to_vec(), theirs, "{text}");
    assert_eq!(&M::decode(theirs.as_slice()).expect("what protoc wrote"), value, "{text}");
    let decoded = protoc(case, file, &format!("--decode={name}"), &value.encode_to_vec());
    assert_eq!(String::from_utf8(decoded).expect("text"), text);
}

fn same_parcel(value: &Parcel, text: &str) {
    same("editions-2023", "shop/v1/parcel.proto", "shop.v1.Parcel", value, text);
}

fn address(street: &str, number: i32) -> Address {
    Address { street: street.to_owned(), number }
}

#[test]
#[allow(deprecated, reason = "fields of the case are")]
fn the_bytes_are_those_of_protoc() {
    // What is required is there even if it is empty; nothing else is.
    same_parcel(&Parcel::default(), "owner: \"\"\nsender {\n}\n");

    // What has presence is there even if it is zero or the default; what has none is not.
    let present = Parcel {
        weight: Some(0),
        copies: Some(1),
        label: Some(String::new()),
        way: Some(Way::Rail.into()),
        seal: Some(Vec::new()),
        price: Some(0.0),
        height: 0,
        express: false,
        ..Parcel::default()
    };
    let text =
        "weight: 0\nowner: \"\"\ncopies: 1\nlabel: \"\"\nway: WAY_RAIL\nsender {\n}\nseal: \"\"\nprice: 0\n";
    same_parcel(&present, text);
    assert_eq!(Parcel::default().copies(), 1);
    assert_eq!(Parcel::default().label(), "none\t\"yet\"");
    assert_eq!(Parcel::default().way(), Way::Rail);
    assert_eq!(Parcel::default().seal(), b"\x00\xffs");

    let full = Parcel {
        weight: Some(-1),
        height: 7,
        owner: "me".to_owned(),
        way: Some(Way::Road.into()),
        kind: Kind::Box.into(),
        stamps: vec![1, 300, 0],
        marks: vec![1, 300, 0],
        kinds: vec![Kind::Letter.into(), Kind::Unknown.into()],
        ways: vec![Way::Rail.into(), Way::Road.into()],
        numbers: vec![-1, 1],
        to: Some(address("a", 1)),
        from: Some(address("b", 2)),
        stops: vec![address("c", 3), Address::default()],
        sender: address("d", 4),
        sent: Some(Timestamp { seconds: 5, nanos: 6 }),
        rooms: [("x".to_owned(), address("e", 7))].into(),
        floors: [(3, Kind::Letter.into())].into(),
        raw: "r".to_owned(),
        tags: vec!["t".to_owned()],
        express: true,
        payment: Some(Payment::Invoice(address("f", 8))),
        ..Parcel::default()
    };
    same_parcel(&full, FULL);
}

const FULL: &str = r#"weight: -1
height: 7
owner: "me"
way: WAY_ROAD
kind: KIND_BOX
stamps: 1
stamps: 300
stamps: 0
marks: 1
marks: 300
marks: 0
kinds: KIND_LETTER
kinds: KIND_UNKNOWN
ways: WAY_RAIL
ways: WAY_ROAD
numbers: -1
numbers: 1
to {
  street: "a"
  number: 1
}
from {
  street: "b"
  number: 2
}
stops {
  street: "c"
  number: 3
}
stops {
}
sender {
  street: "d"
  number: 4
}
sent {
  seconds: 5
  nanos: 6
}
invoice {
  street: "f"
  number: 8
}
rooms {
  key: "x"
  value {
    street: "e"
    number: 7
  }
}
floors {
  key: 3
  value: KIND_LETTER
}
raw: "r"
tags: "t"
express: true
"#;

#[test]
fn a_file_of_groups_is_one_of_groups() {
    let same = |value: &Order, text: &str| {
        same("editions-2024", "shop/v1/orders.proto", "shop.v1.Order", value, text);
    };
    let item = |name: &str| Item { name: name.to_owned(), gift: Some(false) };
    let before = Order { id: Some("1".to_owned()), ..Order::default() };
    let order = Order {
        id: Some(String::new()),
        first: Some(item("")),
        items: vec![item("a")],
        by_name: [("b".to_owned(), item("b"))].into(),
        sizes: vec![1, 2],
        before: Some(Box::new(before.clone())),
        after: Some(After::Order(Box::new(before))),
        part: Some(Box::new(Part { whole: None, inner: Some(Box::default()) })),
    };
    // A field that looks like a group of proto2 is printed by the name of its type.
    let text = "id: \"\"\nfirst {\n  gift: false\n}\nitems {\n  name: \"a\"\n  gift: false\n}\n\
        by_name {\n  key: \"b\"\n  value {\n    name: \"b\"\n    gift: false\n  }\n}\nsizes: 1\nsizes: 2\n\
        before {\n  id: \"1\"\n}\norder {\n  id: \"1\"\n}\nPart {\n  inner {\n  }\n}\n";
    same(&order, text);
    let state = Order { after: Some(After::State(State::Paid.into())), ..Order::default() };
    same(&state, "state: STATE_PAID\n");
}

/// proto3 packs what can be packed, and does so for a field that has other options, too.
#[test]
#[allow(deprecated, reason = "a field of the case is")]
fn proto3_is_packed() {
    let plain = editions_mixed::shop::plain::Plain {
        sizes: vec![1, 2],
        old_sizes: vec![3, 4],
        ..editions_mixed::shop::plain::Plain::default()
    };
    let text = "sizes: 1\nsizes: 2\nold_sizes: 3\nold_sizes: 4\n";
    same("editions-mixed", "shop/plain.proto", "shop.plain.Plain", &plain, text);
}
