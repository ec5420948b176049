//! Values as Go reads them: JSON in which every field has its type.

use serde_json::Value;

use super::reason::Cause;

/// The type that a field has in Go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    Whole,
    Number,
    Flag,
    Texts,
    /// A map from text to text.
    Labels,
}

/// A name of a field, and its type.
pub(super) type Field = (&'static str, Shape);

/// What is wrong with a value that has to have these fields, if they are there; `None` if Go reads it.
pub(super) fn wrong(value: &Value, fields: &[Field]) -> Option<String> {
    let Some(object) = value.as_object() else { return Some("it is no object".to_owned()) };
    object.iter().find_map(|(name, value)| {
        // Go does not look at the case of names.
        let (_, shape) = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        misfit(name, value, *shape)
    })
}

fn misfit(name: &str, value: &Value, shape: Shape) -> Option<String> {
    let (fits, expected) = match shape {
        Shape::Text => (value.is_string(), "a string"),
        Shape::Whole => (value.is_i64() || value.is_u64(), "a whole number"),
        Shape::Number => (value.is_number(), "a number"),
        Shape::Flag => (value.is_boolean(), "`true` or `false`"),
        Shape::Texts => (value.as_array().is_some_and(|all| all.iter().all(Value::is_string)), "strings"),
        Shape::Labels => match value.as_object() {
            Some(labels) => {
                let misfit = |(label, value)| misfit(&format!("{name}.{label}"), value, Shape::Text);
                return labels.iter().find_map(misfit);
            }
            None => (false, "an object"),
        },
    };
    (!fits && !value.is_null()).then(|| format!("`{name}` is `{value}`, and has to be {expected}"))
}

/// The value as JSON, or why Go does not read it.
pub(super) fn read(value: &str, fields: &[Field]) -> Result<Value, String> {
    let value: Value = serde_json::from_str(value).map_err(|_| "it is no JSON".to_owned())?;
    match wrong(&value, fields) {
        None => Ok(value),
        Some(why) => Err(why),
    }
}

/// What is the matter with a value that Go does not read.
pub(super) fn cause(value: &str) -> Cause {
    match serde_json::from_str::<Value>(value) {
        Ok(_) => Cause::ValueType,
        Err(_) => Cause::Unreadable,
    }
}

/// A field, whatever the case of its name.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A field that is a text; empty if there is none.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    field(value, name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_go() {
        let fields = [("weight", Shape::Number), ("kind", Shape::Whole), ("metadata", Shape::Labels)];
        let read = |text: &str| read(text, &fields).map(drop);
        for good in
            ["{}", r#"{"weight":1.5,"kind":1,"metadata":{"a":"b","c":null}}"#, r#"{"Weight":null,"x":"y"}"#]
        {
            assert_eq!(read(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("garbage", "it is no JSON"),
            ("[]", "it is no object"),
            (r#"{"Weight":"100"}"#, "`Weight` is `\"100\"`, and has to be a number"),
            (r#"{"kind":1.5}"#, "`kind` is `1.5`, and has to be a whole number"),
            (r#"{"metadata":{"a":1}}"#, "`metadata.a` is `1`, and has to be a string"),
            (r#"{"metadata":[]}"#, "`metadata` is `[]`, and has to be an object"),
        ] {
            assert_eq!(read(bad), Err(why.to_owned()), "{bad}");
        }
    }
}
