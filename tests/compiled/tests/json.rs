//! The setting `serde`: messages and enums as JSON, by protobuf's own mapping. The case `json` has the IDL; what another
//! implementation makes of it, `tests/interop/tests/json.rs` compares.

#![allow(clippy::expect_used, reason = "a test says what it expects")]
#![allow(deprecated, reason = "a message of the case is")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use jovian_runtime::codegen::v1::prost::Message as _;
use jovian_runtime::codegen::v1::prost_types::{
    Any, Duration, FieldMask, ListValue, NullValue, Struct, Timestamp, Value as Dynamic, value::Kind,
};
use jovian_tests_compiled::json::mapping::{common, detail, v1::*};
use jovian_tests_compiled::json::{Plain, Shade};
use jovian_tests_compiled::{Point, elsewhere, elsewhere_common};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The text and the message are one, in both directions.
fn same<M: serde::Serialize + DeserializeOwned + PartialEq + Debug>(message: &M, expected: &Value) {
    let text = serde_json::to_string(message).expect("it is written");
    assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), *expected, "{text}");
    assert_eq!(serde_json::from_str::<M>(&text).expect("it is read"), *message, "{text}");
}

/// Reads the text as the message.
fn reads<M: DeserializeOwned + PartialEq + Debug>(text: &str, message: &M) {
    assert_eq!(serde_json::from_str::<M>(text).expect(text), *message, "{text}");
}

/// What a person is told of a text that is not the message.
fn refuses<M: DeserializeOwned + Debug>(text: &str) -> String {
    serde_json::from_str::<M>(text).expect_err(text).to_string()
}

#[test]
fn scalars() {
    same(&Scalars::default(), &json!({}));
    let scalars = Scalars {
        yes: true,
        i32: i32::MIN,
        i64: i64::MIN,
        u32: u32::MAX,
        u64: u64::MAX,
        s32: -1,
        s64: 1,
        f32: 2,
        f64: 3,
        sf32: -4,
        sf64: -5,
        single: 0.1,
        twofold: 1e300,
        text: "é\"\n".into(),
        raw: vec![0xfb, 0xff, 0].into(),
        level: Level::High.into(),
        maybe: Some(0),
        maybe_text: Some(String::new()),
    };
    let expected = json!({
        "yes": true, "i32": -2_147_483_648, "i64": "-9223372036854775808", "u32": 4_294_967_295_u32,
        "u64": "18446744073709551615", "s32": -1, "s64": "1", "f32": 2, "f64": "3", "sf32": -4, "sf64": "-5",
        "single": 0.1, "twofold": 1e300, "text": "é\"\n", "raw": "+/8A", "level": "LEVEL_HIGH", "maybe": 0,
        "maybeText": "",
    });
    same(&scalars, &expected);
    reads(
        r#"{"i64": 12, "u64": 1e3, "i32": "7", "u32": 5.0, "twofold": "2.5", "single": 3, "raw": "-_8", "level": 2}"#,
        &Scalars {
            i64: 12,
            u64: 1000,
            i32: 7,
            u32: 5,
            twofold: 2.5,
            single: 3.0,
            raw: vec![0xfb, 0xff].into(),
            level: 2,
            ..Scalars::default()
        },
    );
    reads(r#"{"yes": null, "i64": null, "text": null, "maybe": null, "level": null}"#, &Scalars::default());
}

#[test]
fn what_is_no_number() {
    let infinite = Scalars { single: f32::NEG_INFINITY, twofold: f64::INFINITY, ..Scalars::default() };
    same(&infinite, &json!({"single": "-Infinity", "twofold": "Infinity"}));
    let text = r#"{"single":"NaN","twofold":"NaN"}"#;
    let read: Scalars = serde_json::from_str(text).expect(text);
    assert!(read.single.is_nan() && read.twofold.is_nan());
    assert_eq!(serde_json::to_string(&read).expect("it is written"), text);
    let wrapped = WellKnown { double: Some(f64::NAN), float: Some(f32::INFINITY), ..WellKnown::default() };
    let text = serde_json::to_string(&wrapped).expect("it is written");
    assert_eq!(text, r#"{"double":"NaN","float":"Infinity"}"#);
    let read: WellKnown = serde_json::from_str(&text).expect(&text);
    assert!(read.double.is_some_and(f64::is_nan));
}

#[test]
fn lists_and_maps() {
    let numbers = Numbers {
        many: vec![1, -2],
        parts: vec![0.5, f64::INFINITY],
        levels: vec![Level::Unspecified.into(), Level::Low.into(), 77],
        pieces: vec![Vec::new(), vec![1]],
        inner: vec![Numbers::default(), Numbers { many: vec![3], ..Numbers::default() }],
        texts: HashMap::from([
            ("b".into(), "1".into()),
            ("a".into(), "2".into()),
            (String::new(), "3".into()),
        ]),
        longs: BTreeMap::from([(-1, 1), (1, u64::MAX)]),
        by_bool: HashMap::from([(true, Level::High.into())]),
        by_number: HashMap::from([(7, Numbers::default())]),
    };
    let expected = json!({
        "many": ["1", "-2"], "parts": [0.5, "Infinity"], "levels": ["LEVEL_UNSPECIFIED", "LEVEL_LOW", 77],
        "pieces": ["", "AQ=="], "inner": [{}, {"many": ["3"]}], "texts": {"": "3", "a": "2", "b": "1"},
        "longs": {"-1": "1", "1": "18446744073709551615"}, "byBool": {"true": "LEVEL_HIGH"},
        "byNumber": {"7": {}},
    });
    same(&numbers, &expected);
    // Entries are in the order of their keys, whatever the map.
    let texts = Numbers { texts: numbers.texts, ..Numbers::default() };
    let text = serde_json::to_string(&texts).expect("it is written");
    assert_eq!(text, r#"{"texts":{"":"3","a":"2","b":"1"}}"#);
    reads(r#"{"many": [], "texts": {}, "inner": null}"#, &Numbers::default());
}

#[test]
fn names() {
    let names = Names {
        snake_case_name: "1".into(),
        camel_case: "2".into(),
        r#type: "3".into(),
        given: "4".into(),
        with_2_digits: "5".into(),
        leading: "6".into(),
        foo_bar: Some(FooBar2 { two: 7 }),
        other: Some(FooBar { one: 8 }),
        inner: Some(names::Inner {
            level: 0,
            deep: Some(names::inner::Deep { kind: names::inner::deep::Kind::Other.into() }),
        }),
    };
    let expected = json!({
        "snakeCaseName": "1", "CamelCase": "2", "type": "3", "@given": "4", "with2Digits": "5", "Leading": "6",
        "fooBar": {"two": 7}, "other": {"one": 8}, "inner": {"deep": {"kind": "KIND_OTHER"}},
    });
    same(&names, &expected);
    reads(
        r#"{"snake_case_name": "1", "given": "4", "with_2_digits": "5", "_leading": "6"}"#,
        &Names {
            inner: None,
            foo_bar: None,
            other: None,
            camel_case: String::new(),
            r#type: String::new(),
            ..names
        },
    );
    same(
        &Plain { the_number: 1, shade: Shade::Dark.into() },
        &json!({"theNumber": 1, "shade": "SHADE_DARK"}),
    );
}

#[test]
fn choices() {
    use choice::Choice as Of;
    let choice = |choice| Choice { choice: Some(choice) };
    same(&Choice::default(), &json!({}));
    same(&choice(Of::Text(String::new())), &json!({"text": ""}));
    same(&choice(Of::Long(0)), &json!({"long": "0"}));
    same(&choice(Of::Nothing(NullValue::NullValue.into())), &json!({"nothing": null}));
    same(&choice(Of::Wrapped("w".into())), &json!({"wrapped": "w"}));
    let inner = choice(Of::Inner(Box::new(choice(Of::Text("a".into())))));
    same(&inner, &json!({"inner": {"text": "a"}}));
    reads(r#"{"text": null, "long": 1}"#, &choice(Of::Long(1)));
    let told = refuses::<Choice>(r#"{"text": "a", "long": 1}"#);
    assert!(
        told.contains("`text` and `long` are both given, of which `mapping.v1.Choice.choice` holds one"),
        "{told}"
    );
}

#[test]
fn enums_by_themselves() {
    same(&Level::Below, &json!("LEVEL_BELOW"));
    reads(r#""LEVEL_BASE""#, &Level::Low);
    reads("2", &Level::High);
    reads("-1", &Level::Below);
    same(&names::inner::deep::Kind::Other, &json!("KIND_OTHER"));
    assert_eq!(refuses::<Level>(r#""LOW""#), "`mapping.v1.Level` has no value `LOW` at line 1 column 5");
    assert_eq!(refuses::<Level>("9"), "`mapping.v1.Level` has no value 9 at line 1 column 1");
    let told = refuses::<Level>("1.5");
    assert!(told.contains("expected the name or the number of a value of `mapping.v1.Level`"), "{told}");
    // In a message a number that the IDL does not name stays.
    same(&Scalars { level: 9, ..Scalars::default() }, &json!({"level": 9}));
}

#[test]
fn well_known_types() {
    let text = |text: &str| Dynamic { kind: Some(Kind::StringValue(text.into())) };
    let object = Struct { fields: BTreeMap::from([("a".into(), text("b"))]) };
    let known = WellKnown {
        time: Some(Timestamp { seconds: 1_700_000_000, nanos: 5_000_000 }),
        duration: Some(Duration { seconds: -1, nanos: -500_000_000 }),
        mask: Some(FieldMask { paths: vec!["snake_case.inner_one".into(), "b".into()] }),
        object: Some(object.clone()),
        value: Some(Dynamic { kind: Some(Kind::NullValue(0)) }),
        list: Some(ListValue { values: vec![text("c"), Dynamic { kind: Some(Kind::NumberValue(1.0)) }] }),
        null: NullValue::NullValue.into(),
        empty: Some(()),
        any: None,
        double: Some(0.0),
        float: Some(1.5),
        int64: Some(-1),
        uint64: Some(u64::MAX),
        int32: Some(0),
        uint32: Some(1),
        bool: Some(false),
        string: Some(String::new()),
        bytes: Some(vec![1, 2]),
        times: vec![Timestamp::default()],
        values: HashMap::from([("o".into(), Dynamic { kind: Some(Kind::StructValue(object)) })]),
        anys: Vec::new(),
    };
    let expected = json!({
        "time": "2023-11-14T22:13:20.005Z", "duration": "-1.500s", "mask": "snakeCase.innerOne,b",
        "object": {"a": "b"}, "value": null, "list": ["c", 1.0], "empty": {}, "double": 0.0, "float": 1.5,
        "int64": "-1", "uint64": "18446744073709551615", "int32": 0, "uint32": 1, "bool": false, "string": "",
        "bytes": "AQI=", "times": ["1970-01-01T00:00:00Z"], "values": {"o": {"a": "b"}},
    });
    same(&known, &expected);
    reads(r#"{"time": null, "int64": null, "null": null, "empty": null}"#, &WellKnown::default());
}

#[test]
fn an_any_holds_what_the_idl_imports() {
    let any = |url: &str, value: Vec<u8>| Any { type_url: format!("type.googleapis.com/{url}"), value };
    let detail = detail::v1::Detail { why_not: "because".into(), how_much: f64::NAN };
    let choice = Choice { choice: Some(choice::Choice::Long(5)) };
    let inner = any("google.protobuf.Duration", Duration { seconds: 1, nanos: 0 }.encode_to_vec());
    let known = WellKnown {
        any: Some(any("mapping.v1.Choice", choice.encode_to_vec())),
        anys: vec![
            any("mapping.detail.v1.Detail", detail.encode_to_vec()),
            inner.clone(),
            any("google.protobuf.Any", inner.encode_to_vec()),
        ],
        ..WellKnown::default()
    };
    let duration = json!({"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"});
    let expected = json!({
        "any": {"@type": "type.googleapis.com/mapping.v1.Choice", "long": "5"},
        "anys": [
            {"@type": "type.googleapis.com/mapping.detail.v1.Detail", "whyNot": "because", "howMuch": "NaN"},
            duration,
            {"@type": "type.googleapis.com/google.protobuf.Any", "value": duration},
        ],
    });
    same(&known, &expected);
    let unknown = WellKnown { any: Some(any("a.B", vec![8, 1])), ..WellKnown::default() };
    let told = serde_json::to_string(&unknown).expect_err("nobody knows it").to_string();
    assert_eq!(told, "`a.B`, which an `Any` holds, is neither in this package nor in what its IDL imports");
    let told = refuses::<WellKnown>(r#"{"any": {"@type": "type.googleapis.com/a.B"}}"#);
    assert!(told.starts_with("`a.B`, which an `Any` holds, is neither in this package"), "{told}");
    let told = refuses::<WellKnown>(r#"{"any": {"long": 1}}"#);
    assert!(told.starts_with("missing field `@type`"), "{told}");
    let empty = WellKnown { any: Some(Any::default()), ..WellKnown::default() };
    same(&empty, &json!({"any": {}}));
}

#[test]
fn proto2_and_editions() {
    let old = Old {
        key: String::new(),
        number: Some(7),
        state: Some(State::Off.into()),
        flag: Some(false),
        entry: vec![old::Entry { entry_name: Some("e".into()) }],
        single: Some(old::Single { long: 0 }),
        packed: vec![1],
        either: Some(old::Either::Right(old::Right { is_right: Some(true) })),
    };
    let expected = json!({
        "key": "", "number": 7, "state": "STATE_OFF", "flag": false, "entry": [{"entryName": "e"}],
        "single": {"long": "0"}, "packed": [1], "right": {"isRight": true},
    });
    same(&old, &expected);
    same(&Old::default(), &json!({"key": ""}));
    let part =
        |name: &str| edition::Part { name: Some(name.into()), shape: Some(edition::part::Shape::Round(1)) };
    let edition = Edition {
        explicit_one: Some(0),
        implicit_one: 0,
        required_one: 0,
        delimited: Some(part("d")),
        expanded: vec![1, 2],
        parts: HashMap::from([("p".into(), part("q"))]),
        time: Some(Timestamp::default()),
    };
    let expected = json!({
        "explicitOne": 0, "requiredOne": 0, "delimited": {"name": "d", "round": 1}, "expanded": [1, 2],
        "parts": {"p": {"name": "q", "round": 1}}, "time": "1970-01-01T00:00:00Z",
    });
    same(&edition, &expected);
}

#[test]
fn types_of_other_packages_and_crates() {
    let price = Price {
        money: Some(common::v1::Money { currency_code: "CHF".into(), units: 1 }),
        mine: Some(Money { note: "n".into() }),
    };
    same(&price, &json!({"money": {"currencyCode": "CHF", "units": "1"}, "mine": {"note": "n"}}));
    same(&price.money.expect("it is there"), &json!({"currencyCode": "CHF", "units": "1"}));
    // `Money` is of another crate, and somebody wrote `Point` by hand: neither needs to know of serde.
    let order = elsewhere::elsewhere::shop::Order {
        price: Some(elsewhere_common::elsewhere::common::Money { units: 3, currency: None }),
        point: Some(Point { x: 4 }),
        ..Default::default()
    };
    same(&order, &json!({"price": {"units": "3"}, "point": {"x": 4}}));
}

#[test]
fn what_is_wrong_is_said() {
    for (text, told) in [
        (r#"{"nope": 1}"#, "`mapping.v1.Scalars` has no field `nope`"),
        (
            r#"{"i32": 2147483648}"#,
            "invalid value: integer `2147483648`, expected int32 for `mapping.v1.Scalars.i32`",
        ),
        (
            r#"{"i32": 1.5}"#,
            "invalid value: floating point `1.5`, expected int32 for `mapping.v1.Scalars.i32`",
        ),
        (r#"{"i32": true}"#, "invalid type: boolean `true`, expected int32 for `mapping.v1.Scalars.i32`"),
        (
            r#"{"single": 1e39}"#,
            "invalid value: floating point `1e+39`, expected float for `mapping.v1.Scalars.single`",
        ),
        (
            r#"{"twofold": "inf"}"#,
            "invalid value: string \"inf\", expected double for `mapping.v1.Scalars.twofold`",
        ),
        (
            r#"{"raw": "?"}"#,
            "invalid value: string \"?\", expected bytes in base64 for `mapping.v1.Scalars.raw`",
        ),
        (
            r#"{"level": "LOUD"}"#,
            "invalid value: string \"LOUD\", expected a value of `mapping.v1.Level` for `mapping.v1.Scalars.level`",
        ),
        (r#"{"text": 1}"#, "invalid value: integer `1`, expected string for `mapping.v1.Scalars.text`"),
        ("[]", "invalid type: sequence, expected an object with the fields of `mapping.v1.Scalars`"),
    ] {
        let error = refuses::<Scalars>(text);
        assert!(error.starts_with(told) && error.contains("at line 1 column"), "{text}: {error}");
    }
    for (text, told) in [
        (r#"{"many": [null]}"#, "invalid type: null, expected int64 for `mapping.v1.Numbers.many`"),
        (r#"{"many": 1}"#, "invalid type: integer `1`, expected a list for `mapping.v1.Numbers.many`"),
        (
            r#"{"longs": {"x": 1}}"#,
            "invalid value: string \"x\", expected a key of the map `mapping.v1.Numbers.longs`",
        ),
    ] {
        let error = refuses::<Numbers>(text);
        assert!(error.starts_with(told), "{text}: {error}");
    }
    assert!(refuses::<WellKnown>(r#"{"time": "yesterday"}"#).contains("invalid rfc3339 timestamp"));
    assert!(refuses::<WellKnown>(r#"{"duration": "1"}"#).contains("failed to parse duration"));
    // A time that JSON has no words for.
    let early = WellKnown { time: Some(Timestamp { seconds: i64::MIN, nanos: 0 }), ..WellKnown::default() };
    serde_json::to_string(&early).expect_err("it is before the year 1");
}

#[test]
fn depth_is_an_error() {
    let mut deep = Choice::default();
    for _ in 0..200 {
        deep = Choice { choice: Some(choice::Choice::Inner(Box::new(deep))) };
    }
    let told = serde_json::to_string(&deep).expect_err("it is too deep").to_string();
    assert!(told.contains("recursion limit reached"), "{told}");
    let text = "{\"inner\":".repeat(200) + "{}" + &"}".repeat(200);
    refuses::<Choice>(&text);
}
