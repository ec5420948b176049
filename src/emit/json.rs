//! The page of serde's traits: what they are for, and what the runtime has to know of it.

use proc_macro2::Literal;

use super::fill;
use crate::plan::Json;

/// A row for each type, and descriptors that are long and one token.
const JSON: &str = r"
::jovian_runtime::codegen::v1::json! {
    messages {
        $messages
    }
    enums {
        $enums
    }
    descriptors $descriptors
}
";

pub(super) fn item(json: &Json) -> String {
    let rows = |types: &[(String, String)]| {
        types.iter().map(|(path, wire)| format!("{path} = {wire:?},\n")).collect::<String>()
    };
    let (messages, enums) = (rows(&json.messages), rows(&json.enums));
    let descriptors = Literal::byte_string(&json.descriptors).to_string();
    fill!(JSON, messages, enums, descriptors)
}
