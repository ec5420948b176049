//! Pages that look like their output: Rust text with `$names` in it, which are filled in.

/// Fills in a page: `fill!(PAGE, name, methods)` puts the variables `name` and `methods` for `$name` and `$methods`.
macro_rules! fill {
    ($page:expr, $($name:ident),+ $(,)?) => {
        $crate::emit::page::filled($page, &[$((stringify!($name), ::core::convert::AsRef::<str>::as_ref(&$name))),+])
    };
}
pub(super) use fill;

/// What `fill!` does. A line that is a name alone stands for all lines of its value, each with the same indentation; it goes
/// with an empty value, and so do blank lines beside it that are left without use.
pub(super) fn filled(page: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(page.len() * 2);
    for line in page.strip_prefix('\n').unwrap_or(page).lines() {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        match text.strip_prefix('$').and_then(|name| value(name, values)) {
            Some(value) => value.lines().for_each(|line| put(&mut out, indent, line)),
            None => put(&mut out, indent, &in_line(text, values)),
        }
    }
    out
}

fn put(out: &mut String, indent: &str, line: &str) {
    let opened = ["{\n", "[\n", "\n\n"].iter().any(|end| out.ends_with(end));
    if line.is_empty() && (opened || out.is_empty()) {
        return;
    }
    if line.starts_with(['}', ']']) && opened {
        out.pop();
        // What is empty stays on one line.
        if !out.ends_with('\n') {
            return out.extend([line, "\n"]);
        }
    }
    out.extend([if line.is_empty() { "" } else { indent }, line, "\n"]);
}

/// A line in which values of one line stand.
fn in_line(text: &str, values: &[(&str, &str)]) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        out.push_str(value(name, values).unwrap_or_default());
        out.push_str(rest);
    }
    out
}

fn value<'a>(name: &str, values: &[(&str, &'a str)]) -> Option<&'a str> {
    values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_filled_in() {
        let (name, docs, methods) =
            ("Orders", "/// One.\n///\n/// Two.", "fn a() {\n    b();\n\n    c();\n}\n");
        let page = "\n$docs\npub trait $name: Send {\n    $methods\n}\n";
        assert_eq!(
            fill!(page, name, docs, methods),
            "/// One.\n///\n/// Two.\npub trait Orders: Send {\n    fn a() {\n        b();\n\n        c();\n    }\n}\n"
        );
    }

    #[test]
    fn what_is_empty_leaves_nothing_behind() {
        let (nothing, name) = ("", "A");
        assert_eq!(
            fill!(
                "$nothing\nimpl $name$nothing {\n\n    $nothing\n\n    a;\n\n    $nothing\n}\n",
                nothing,
                name
            ),
            "impl A {\n    a;\n}\n"
        );
        assert_eq!(fill!("enum $name {\n    $nothing\n}\n", nothing, name), "enum A {}\n");
    }
}
