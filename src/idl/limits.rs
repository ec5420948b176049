//! How deep IDL may go. Compilers of IDL are recursive, and a stack that overflows ends the process without a word.
//!
//! In: IDL text, right or wrong. Out: a complaint with its place, as an error that protox passes on. Never: a judgement of
//! anything else.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::diag::{Code, Diagnostic, Span};

/// Levels of brackets; protoc itself ends at 32 levels of messages.
const NESTING: usize = 64;
/// Parts of a dotted name. A file of a package cannot have a longer name than 255 bytes.
const PARTS: usize = 128;
/// Files that import one another in a row.
const IMPORTS: usize = 256;

/// What is known of the files that were named so far.
#[derive(Debug, Default)]
pub(super) struct Limits(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How many imports lead to a file.
    depths: BTreeMap<String, usize>,
    /// A row of imports that is too long. Any file could be part of it, so it is not walked again for each of them.
    too_long: Option<Diagnostic>,
}

impl Limits {
    /// Refuses a text that is too deep for protox. `shown` is the file as a person would open it, `name` what an import calls it.
    ///
    /// protox opens the imports of a file right after it, so whoever named a file last is the one it is opened for.
    pub(super) fn check(&self, shown: &str, name: &str, text: &str) -> Result<(), protox::Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(diagnostic) = &known.too_long {
            return Err(refuse(diagnostic.clone()));
        }
        let depth = known.depths.get(name).map_or(1, |depth| depth + 1);
        let imports = scan(text).map_err(|(problem, help, place)| {
            let span = Span::bytes(shown, text, place.start, place.end);
            refuse(Diagnostic::error(Code::Idl, problem).at(span).help(help))
        })?;
        for (import, place) in imports {
            if depth >= IMPORTS {
                let span = Span::bytes(shown, text, place.start, place.end);
                let problem = format!("the import of `{import}` ends a row of more than {IMPORTS} imports");
                let help = "import what is needed directly";
                let diagnostic = Diagnostic::error(Code::Idl, problem).at(span).help(help);
                known.too_long = Some(diagnostic.clone());
                return Err(refuse(diagnostic));
            }
            known.depths.insert(import, depth);
        }
        Ok(())
    }
}

/// The complaint in an error of protox, if it is one of ours.
pub(super) fn refused(error: &protox::Error) -> Option<&Diagnostic> {
    error.source()?.downcast_ref::<Refused>().map(|Refused(diagnostic)| diagnostic)
}

fn refuse(diagnostic: Diagnostic) -> protox::Error {
    protox::Error::new(Carrier(Refused(diagnostic)))
}

/// Errors of others are opaque, but for their source.
#[derive(Debug)]
struct Carrier(Refused);

#[derive(Debug)]
struct Refused(Diagnostic);

impl Error for Carrier {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl Error for Refused {}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

type Problem = (String, &'static str, Range<usize>);

/// The imports of a text and where they stand, or what is too deep in it.
fn scan(text: &str) -> Result<Vec<(String, Range<usize>)>, Problem> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut parts) = (0, 0_usize, 0_usize);
    let mut imports = Vec::new();
    // Whether the words since the last `;` began with `import`.
    let (mut begins, mut importing) = (true, false);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'/' if bytes[at..].starts_with(b"/") => at = find(bytes, at, b"\n"),
            b'/' if bytes[at..].starts_with(b"*") => at = find(bytes, at + 1, b"*/"),
            b'"' | b'\'' => {
                at = end_of_quoted(bytes, at, *byte);
                if importing && at > start + 1 {
                    imports.extend(text.get(start + 1..at - 1).map(|name| (name.to_owned(), start..at)));
                }
                begins = false;
            }
            b'{' | b'[' | b'<' => {
                depth += 1;
                if depth > NESTING {
                    let problem = format!("this is nested more than {NESTING} levels deep");
                    return Err((problem, "declare what is inside on its own", start..at));
                }
                (begins, importing, parts) = (true, false, 0);
            }
            b'}' | b']' | b'>' | b';' => {
                depth = depth.saturating_sub(usize::from(*byte != b';'));
                (begins, importing, parts) = (true, false, 0);
            }
            b'.' => {
                parts += 1;
                if parts > PARTS {
                    let problem = format!("this name has more than {PARTS} parts");
                    return Err((problem, "give it fewer parts", start..at));
                }
            }
            b'=' | b':' | b',' => parts = 0,
            byte if byte.is_ascii_alphabetic() => {
                let rest = &bytes[start..];
                at = start + rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                importing |= begins && depth == 0 && &bytes[start..at] == b"import";
                begins = false;
            }
            _ => {}
        }
    }
    Ok(imports)
}

/// Behind the next `end`.
fn find(bytes: &[u8], from: usize, end: &[u8]) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(end.len()).position(|window| window == end).map_or(bytes.len(), |at| from + at + end.len())
}

/// Behind the quote that ends a string, or at the end of its line.
fn end_of_quoted(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => at = (at + 1).min(bytes.len()),
            b'\n' => break,
            byte if *byte == quote => break,
            _ => {}
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_where_they_are_meant() {
        let text = "syntax = 'proto3'; import \"a\"; import public 'b';\n// import \"c\";\n/* import \"d\"; */\
                    message M { string import = 1 [json_name = \"e\"]; }\nimport /* x */ \"f\"; import \"\\";
        let names: Vec<String> = scan(text).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[..3], ["a", "b", "f"]);
    }

    #[test]
    fn depth_is_counted_outside_of_comments_and_strings() {
        let deep = "{".repeat(NESTING);
        assert!(scan(&format!("{deep} // {{\n '{{' /* {{ */ \"\\\"{{\"")).is_ok());
        let (_, _, place) = scan(&format!("{deep}\n{{")).unwrap_err();
        assert_eq!(place, NESTING + 1..NESTING + 2);
        assert!(scan(&"{}".repeat(NESTING * 2)).is_ok() && scan(&"}".repeat(9)).is_ok());
        assert!(scan(&format!("option a{} = 1;", ".a".repeat(PARTS + 1))).is_err());
        assert!(scan(&"x = 1.5; ".repeat(PARTS + 1)).is_ok() && scan("/").is_ok() && scan("/*").is_ok());
    }
}
