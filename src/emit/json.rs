//! The page of serde's traits: what they are for, and what the runtime has to know of it.

use proc_macro2::Literal;

use crate::names::RUNTIME;
use crate::plan::Json;

/// As text: a row for each type, and descriptors that are long and one token.
pub(super) fn item(json: &Json) -> String {
    let rows = |types: &[(String, String)]| {
        let rows =
            types.iter().map(|(path, wire)| format!("\n        {path} = {wire:?},")).collect::<String>();
        if rows.is_empty() { rows } else { rows + "\n    " }
    };
    let (messages, enums) = (rows(&json.messages), rows(&json.enums));
    let descriptors = Literal::byte_string(&json.descriptors);
    format!(
        "
{RUNTIME}::json! {{
    messages {{{messages}}}
    enums {{{enums}}}
    descriptors {descriptors}
}}
"
    )
}
