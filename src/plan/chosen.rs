//! Names that a person chose, by option or by setting.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::model::Model;
use crate::names;

/// A name that a person chose.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// As it is printed: `r#type`
    pub name: String,
    /// What it is for; `None` if a setting says so.
    pub span: Option<Span>,
}

/// All chosen names that are names, by the full name of what they are for. A setting counts before an option.
pub(super) fn all(
    model: &Model,
    settings: &BTreeMap<String, String>,
    diags: &mut Diagnostics,
) -> BTreeMap<String, Chosen> {
    let mut chosen: BTreeMap<String, Chosen> = BTreeMap::new();
    for rename in &model.renames {
        let entry = Chosen { name: rename.name.clone(), span: rename.span.clone() };
        let Some(first) = chosen.insert(rename.full_name.clone(), entry) else { continue };
        if first.name != rename.name {
            // The files of one package.
            let problem = format!("`{}` cannot be `{}` and `{}`", rename.full_name, first.name, rename.name);
            diags.push(
                Diagnostic::error(Code::Rename, problem)
                    .at(rename.span.clone())
                    .label(first.span.as_ref(), "the other name is given here")
                    .help("give the option once, or the same name everywhere"),
            );
        }
    }
    for (full_name, name) in settings {
        let full_name = full_name.trim_start_matches('.').to_owned();
        chosen.insert(full_name, Chosen { name: name.clone(), span: None });
    }
    chosen.retain(|full_name, chosen| match names::exact(&chosen.name) {
        Some(name) => {
            chosen.name = name;
            true
        }
        None => {
            let problem =
                format!("`{full_name}` cannot be `{}` in Rust, which is no name there", chosen.name);
            diags.push(
                Diagnostic::error(Code::Rename, problem)
                    .at(chosen.span.clone())
                    .help("write one name of letters, digits and underscores, without `::` before or in it"),
            );
            false
        }
    });
    chosen
}

/// Complains about names for nothing.
pub(super) fn complain_about_unused(
    chosen: &BTreeMap<String, Chosen>,
    used: &BTreeSet<String>,
    diags: &mut Diagnostics,
) {
    for (full_name, chosen) in chosen {
        if !used.contains(full_name) {
            diags.push(
                Diagnostic::error(Code::Rename, format!("nothing is called `{full_name}`, to be `{}` in Rust", chosen.name))
                    .at(chosen.span.clone())
                    .help("write the full name as in the IDL, a value below its enum: `shop.v1.Order.id`, `shop.v1.Kind.KIND_OLD`"),
            );
        }
    }
}
