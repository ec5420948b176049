//! The module tree: `mod.rs`, which includes the file of every package in its place.

use std::collections::BTreeMap;

use crate::files::MARK;
use crate::messages::ALLOWED;
use crate::plan::{Package, Plan};

#[derive(Default)]
struct Tree<'a> {
    package: Option<&'a Package>,
    children: BTreeMap<&'a str, Tree<'a>>,
}

pub(super) fn page(plan: &Plan) -> String {
    let mut root = Tree::default();
    for package in &plan.packages {
        let mut place = &mut root;
        for module in &package.modules {
            place = place.children.entry(module).or_default();
        }
        place.package = Some(package);
    }
    let mut text = format!("{MARK}. Do not edit.\n");
    root.print(&mut text, &mut Vec::new());
    text
}

impl<'a> Tree<'a> {
    fn print(&self, text: &mut String, path: &mut Vec<&'a str>) {
        let indent = "    ".repeat(path.len());
        if let Some(package) = self.package {
            text.push_str(&format!("{indent}include!(\"{}\");\n", package.file));
        }
        for (name, child) in &self.children {
            path.push(name);
            let package = match child.package {
                Some(package) => package.wire.clone(),
                None => path.join(".").replace("r#", ""),
            };
            text.push_str(&format!("\n{indent}/// Package `{package}`.\n"));
            let allowed =
                if child.package.is_some() { ALLOWED } else { "#[allow(clippy::module_inception)]" };
            text.push_str(&format!("{indent}{allowed}\n"));
            text.push_str(&format!("{indent}pub mod {name} {{\n"));
            child.print(text, path);
            text.push_str(&format!("{indent}}}\n"));
            path.pop();
        }
    }
}
