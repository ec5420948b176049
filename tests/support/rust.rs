//! Reads Rust as tokens, for the laws that `tests/tidy.rs` checks: which modules and which paths a text uses.
//!
//! In: the text of a file. Out: names. Comments are never seen, and strings are literals.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Code as tokens: comments are gone, strings are literals.
pub(crate) fn tokens(file: &str, text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("{file} is no Rust: {error}"))
}

/// `idl` of `idl/lower.rs` and of `idl.rs`.
pub(crate) fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

pub(crate) fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

pub(crate) fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

pub(crate) fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string().trim_start_matches("r#").to_owned()),
        _ => None,
    }
}

/// The first name of every path below `tokens[at]`, which follows a `::`: one, or those of a group.
pub(crate) fn heads(tokens: &[TokenTree], at: usize) -> Vec<String> {
    match tokens.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            let mut begins = true;
            let mut found = Vec::new();
            for token in &inner {
                if begins {
                    found.extend(ident(Some(token)));
                }
                begins = is_punct(Some(token), ',');
            }
            found
        }
        token => ident(token).into_iter().collect(),
    }
}

/// The names that code uses directly below the root of its crate. `depth` is how many modules it is inside of.
pub(crate) fn used_of_root(stream: TokenStream, depth: usize, crate_name: &str, used: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        let word = ident(tokens.get(at));
        let follows_path = at >= 2 && is_path_separator(&tokens, at - 2);
        if let Some(TokenTree::Group(group)) = tokens.get(at) {
            let names_module = at >= 2 && ident(tokens.get(at - 2)).as_deref() == Some("mod");
            used_of_root(group.stream(), depth + usize::from(names_module), crate_name, used);
        } else if word.as_deref() == Some("super") && !follows_path && is_path_separator(&tokens, at + 1) {
            let mut ups = 0;
            while ident(tokens.get(at)).as_deref() == Some("super") && is_path_separator(&tokens, at + 1) {
                ups += 1;
                at += 3;
            }
            if ups == depth {
                used.extend(heads(&tokens, at));
            }
            continue;
        } else if (word.as_deref() == Some("crate")
            || (word.as_deref() == Some(crate_name) && !is_local(&tokens, at)))
            && is_path_separator(&tokens, at + 1)
        {
            used.extend(heads(&tokens, at + 3));
        }
        at += 1;
    }
}

/// Whether the word at `at` is a part of another path: `a::word`, but not `::word`.
pub(crate) fn is_local(tokens: &[TokenTree], at: usize) -> bool {
    at >= 3
        && is_path_separator(tokens, at - 2)
        && ident(tokens.get(at - 3)).is_some_and(|before| before != "use")
}

/// The modules of a `lib.rs` in their order, and the module that each name it re-exports comes from.
pub(crate) fn modules_and_reexports(text: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let (mut modules, mut reexports) = (Vec::new(), BTreeMap::new());
    for item in syn::parse_file(text).expect("a lib.rs").items {
        match item {
            syn::Item::Mod(module) => modules.push(module.ident.to_string()),
            syn::Item::Use(item) => {
                if let syn::UseTree::Path(path) = item.tree {
                    let mut names = Vec::new();
                    leaves(&path.tree, &mut names);
                    reexports.extend(names.into_iter().map(|name| (name, path.ident.to_string())));
                }
            }
            _ => {}
        }
    }
    (modules, reexports)
}

pub(crate) fn leaves(tree: &syn::UseTree, names: &mut Vec<String>) {
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, names),
        syn::UseTree::Name(name) => names.push(name.ident.to_string()),
        syn::UseTree::Rename(rename) => names.push(rename.rename.to_string()),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, names)),
        syn::UseTree::Glob(_) => {}
    }
}

/// Every identifier of a file, in order, what stands in `quote!` pages left out, each with the path it begins.
pub(crate) fn paths(stream: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(_) => {
                let mut path = ident(tokens.get(at)).unwrap_or_default();
                let is_page = path.contains("quote") && is_punct(tokens.get(at + 1), '!');
                if is_page {
                    at += 3;
                    continue;
                }
                let method = at >= 1 && is_punct(tokens.get(at - 1), '.');
                let mut is_group = false;
                while is_path_separator(&tokens, at + 1) {
                    match tokens.get(at + 3) {
                        Some(TokenTree::Ident(_)) => {
                            path = format!("{path}::{}", ident(tokens.get(at + 3)).unwrap_or_default());
                            at += 3;
                        }
                        Some(TokenTree::Group(_)) => {
                            found.extend(heads(&tokens, at + 3).iter().map(|head| format!("{path}::{head}")));
                            is_group = true;
                            break;
                        }
                        _ => break,
                    }
                }
                if !is_group {
                    found.push(if method { format!(".{path}") } else { path });
                }
            }
            TokenTree::Group(group) => paths(group.stream(), found),
            _ => {}
        }
        at += 1;
    }
}

pub(crate) fn paths_of(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    paths(tokens(file, text), &mut found);
    found
}

pub(crate) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split("::")
}
