//! A test for the JSON of every message that is printed: a call for each row.

use jovian::Output;

/// Calls `back` with each message of a case.
pub(crate) fn calls(case: u64, output: &Output) -> String {
    let modules = output.files.iter().find(|(name, _)| *name == "mod.rs").expect("the tree of modules");
    let mut calls = String::new();
    let tree = syn::parse_file(&modules.1.text).expect("Rust");
    for (path, file) in included(&format!("case_{case}"), &tree.items) {
        let page = output.files.iter().find(|(name, _)| *name == file).expect("what is included");
        let rows = page.1.text.split_once("\n    messages {\n").map_or("", |(_, rest)| rest);
        let rows = rows.lines().take_while(|line| *line != "    }");
        for row in rows.filter_map(|row| row.split_once(" = ")) {
            calls.push_str(&format!(
                "    back::<{path}::{}>({});\n",
                row.0.trim(),
                row.1.trim_end_matches(',')
            ));
        }
    }
    calls
}

/// The files that a tree of modules includes, each with the path of its module.
fn included(path: &str, items: &[syn::Item]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for item in items {
        match item {
            syn::Item::Mod(module) => {
                let inner = module.content.as_ref().map_or(&[][..], |(_, items)| items);
                found.extend(included(&format!("{path}::{}", module.ident), inner));
            }
            syn::Item::Macro(include) => {
                let file: syn::LitStr = include.mac.parse_body().expect("the name of a file");
                found.push((path.to_owned(), file.value()));
            }
            _ => {}
        }
    }
    found
}
