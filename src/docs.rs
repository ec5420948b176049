//! IDL comments as rustdoc.
//!
//! In: a comment as written. Out: lines that say the same to a reader, that rustdoc and clippy have nothing to say about,
//! and that are never compiled as a test.

/// The lines of a doc comment, without the markers; none for an empty comment.
pub(crate) fn lines(comment: &str) -> Vec<String> {
    let text = comment.replace('\t', "    ");
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    let indent = text
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    let mut writer = Writer::default();
    for line in text {
        writer.line(line.get(indent..).unwrap_or(""));
    }
    writer.finish()
}

/// A comment, and a sentence of ours behind it, in a paragraph of its own.
pub(crate) fn followed_by<'a>(comment: &'a [String], sentence: &'a str) -> impl Iterator<Item = &'a str> {
    let gap = (!comment.is_empty()).then_some("");
    comment.iter().map(String::as_str).chain(gap).chain([sentence])
}

#[derive(Default)]
struct Writer {
    out: Vec<String>,
    /// Inside a fence, the marker that ends it; inside indented code, nothing does but less indentation.
    fence: Option<String>,
    indented: bool,
    /// Inside a list, the column at which the text of its last item begins.
    list: Option<usize>,
    /// The lines of the paragraph so far, each with its indentation.
    paragraph: Vec<(usize, String)>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim_start();
        if let Some(fence) = &self.fence {
            let closes = trimmed.starts_with(fence.as_str()) && trimmed.trim_matches(['`', '~']).is_empty();
            self.out.push(if closes { fence.clone() } else { line.to_owned() });
            if closes {
                self.fence = None;
            }
            return;
        }
        if let Some(marker) = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker)) {
            self.end_paragraph();
            self.end_code();
            let length = trimmed.len() - trimmed.trim_start_matches(&marker[..1]).len();
            let marker = marker[..1].repeat(length);
            // `text`, whatever the IDL says: rustdoc would compile anything it takes for Rust.
            self.out.push(format!("{marker}text"));
            self.fence = Some(marker);
            return;
        }
        let depth = line.len() - trimmed.len();
        if self.indented || (depth >= 4 && self.after_blank() && self.list.is_none() && !trimmed.is_empty()) {
            if depth >= 4 || trimmed.is_empty() {
                return self.code(line);
            }
            self.end_code();
        }
        self.prose(trimmed, depth);
    }

    /// Indented code becomes fenced code, which can be marked as text.
    fn code(&mut self, line: &str) {
        if !self.indented {
            self.indented = true;
            if self.out.last().is_some_and(|last| !last.is_empty()) {
                self.out.push(String::new());
            }
            self.out.push("```text".to_owned());
        }
        self.out.push(line.strip_prefix("    ").unwrap_or(line).replace("```", "'''"));
    }

    fn end_code(&mut self) {
        if self.indented {
            self.indented = false;
            let blank = self.out.iter().rev().take_while(|line| line.is_empty()).count();
            self.out.truncate(self.out.len() - blank);
            self.out.push("```".to_owned());
            self.out.extend(std::iter::repeat_n(String::new(), blank));
        }
    }

    fn prose(&mut self, text: &str, depth: usize) {
        if text.is_empty() {
            self.end_paragraph();
            self.out.push(String::new());
            return;
        }
        // Never four columns beyond the text of an item: that would be code, which rustdoc would compile.
        let indent = match (marker_length(text), self.list) {
            (Some(marker), list) => {
                self.end_paragraph();
                // What follows a paragraph directly is part of it; a list begins on a line of its own.
                if list.is_none() && !self.after_blank() {
                    self.out.push(String::new());
                }
                let indent = depth.min(list.unwrap_or(0));
                self.list = Some(indent + marker);
                indent
            }
            (None, Some(_)) if self.after_blank() && depth < 2 => {
                self.list = None;
                0
            }
            (None, Some(column)) if self.after_blank() => depth.min(column),
            (None, column) => column.unwrap_or(0),
        };
        self.paragraph.push((indent, text.to_owned()));
    }

    fn after_blank(&self) -> bool {
        self.paragraph.is_empty() && self.out.last().is_none_or(String::is_empty)
    }

    /// Links and code spans go from line to line, so a paragraph is escaped as a whole.
    fn end_paragraph(&mut self) {
        let lines: Vec<(usize, String)> = std::mem::take(&mut self.paragraph);
        let text: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
        let escaped = escape(&text.join("\n"));
        let indents = lines.iter().map(|(indent, _)| " ".repeat(*indent));
        self.out.extend(indents.zip(escaped.split('\n')).map(|(indent, line)| indent + line));
    }

    fn finish(mut self) -> Vec<String> {
        self.end_paragraph();
        self.end_code();
        self.out.extend(self.fence.take());
        let first = self.out.iter().position(|line| !line.is_empty()).unwrap_or(self.out.len());
        let last = self.out.iter().rposition(|line| !line.is_empty()).map_or(first, |at| at + 1);
        let mut lines = self.out.drain(first..last.max(first)).collect::<Vec<_>>();
        lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
        lines
    }
}

/// How long the marker of a list item is, if `text` is one: `- `, `12. `.
fn marker_length(text: &str) -> Option<usize> {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - number.len();
    let bullet = ["- ", "* ", "+ "].iter().any(|marker| text.starts_with(marker));
    let numbered = digits > 0 && [". ", ") "].iter().any(|marker| number.starts_with(marker));
    (bullet || numbered).then_some(digits + 2)
}

/// Escapes what markdown or rustdoc would read as a link, HTML or a marker; code spans and links stay as they are.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let line_start = out.is_empty() || out.ends_with('\n');
        // A heading or a quotation of markdown is hardly meant: `#1` and `> 0` begin many sentences.
        if line_start && matches!(next, '#' | '=' | '|' | '+') && marker_length(rest).is_none() {
            out.push('\\');
        }
        if next == '`' {
            let ticks = rest.len() - rest.trim_start_matches('`').len();
            let marker = &rest[..ticks];
            if let Some(end) = rest[ticks..].find(marker) {
                let span = &rest[..ticks + end + ticks];
                out.push_str(span);
                rest = &rest[span.len()..];
            } else {
                marker.chars().for_each(|tick| out.extend(['\\', tick]));
                rest = &rest[ticks..];
            }
            continue;
        }
        if let Some(url) = url(rest) {
            out.extend(["<", url, ">"]);
            rest = &rest[url.len()..];
            continue;
        }
        if let Some(link) = link(rest) {
            out.push_str(link);
            rest = &rest[link.len()..];
            continue;
        }
        if let Some(url) =
            rest.strip_prefix('<').and_then(url).filter(|url| rest[1 + url.len()..].starts_with('>'))
        {
            out.push_str(&rest[..url.len() + 2]);
            rest = &rest[url.len() + 2..];
            continue;
        }
        match next {
            '[' | ']' | '<' | '>' => out.extend(['\\', next]),
            // Characters that reorder text could make a comment read as something else.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            // A backslash at the end of a line would be a line break.
            '\\' if matches!(rest.as_bytes().get(1), None | Some(b'\n')) => out.push_str("\\\\"),
            _ => out.push(next),
        }
        rest = &rest[next.len_utf8()..];
    }
    out
}

/// The URL that `text` begins with, without the punctuation of the sentence around it.
fn url(text: &str) -> Option<&str> {
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return None;
    }
    let end = text.find(|c: char| c.is_whitespace() || "<>\"`)]}'|".contains(c)).unwrap_or(text.len());
    let url = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?']);
    (url.len() > "https://".len()).then_some(url)
}

/// The link `[text](http…)` that `text` begins with.
fn link(text: &str) -> Option<&str> {
    // Not beyond the first sign that no label has: a comment of brackets alone would be read again for each of them.
    let close = text.strip_prefix('[')?.find(['[', ']', '<', '>', '`'])? + 1;
    let target = url(text[close..].strip_prefix("](")?)?;
    let end = close + 2 + target.len();
    text[end..].starts_with(')').then(|| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(comment: &str) -> String {
        lines(comment).join("\n")
    }

    #[test]
    fn prose_stays_prose() {
        assert_eq!(text(" Returns one order.\n\n Never fails.\n"), "Returns one order.\n\nNever fails.");
        assert_eq!(text(""), "");
        assert_eq!(text("\n \n"), "");
    }

    #[test]
    fn markup_that_is_not_meant_is_escaped() {
        assert_eq!(text(" A Vec<u8> or [id], see `Vec<u8>`."), "A Vec\\<u8\\> or \\[id\\], see `Vec<u8>`.");
        assert_eq!(text(" an odd ` tick"), "an odd \\` tick");
        assert_eq!(text(" #1 of them"), "\\#1 of them");
        assert_eq!(text(" x \u{202e}evil"), "x evil");
        assert_eq!(text(" ends with \\"), "ends with \\\\");
    }

    #[test]
    fn links_work() {
        assert_eq!(text(" See https://example.com/a."), "See <https://example.com/a>.");
        assert_eq!(text(" See <https://example.com/a>."), "See <https://example.com/a>.");
        assert_eq!(text(" See [it](https://example.com/a)."), "See [it](https://example.com/a).");
        assert_eq!(
            text(" See [all\n of it](https://example.com/a)."),
            "See [all\nof it](https://example.com/a)."
        );
        assert_eq!(text(" See [it][google.rpc.Code]."), "See \\[it\\]\\[google.rpc.Code\\].");
    }

    #[test]
    fn code_is_never_a_test() {
        assert_eq!(text(" Example:\n\n     let x;\n\n After."), "Example:\n\n```text\nlet x;\n```\n\nAfter.");
        assert_eq!(text(" ```rust\n panic!()\n ```"), "```text\npanic!()\n```");
        assert_eq!(text(" ```\n open"), "```text\nopen\n```");
        assert_eq!(text(" Example:\n\n \tlet x = 1;"), "Example:\n\n```text\nlet x = 1;\n```");
    }

    #[test]
    fn lists_are_lists() {
        assert_eq!(text(" One of:\n - a\n   more\n - b\n\n End."), "One of:\n\n- a\n  more\n- b\n\nEnd.");
        assert_eq!(text(" - a\n more"), "- a\n  more");
        assert_eq!(text(" 1. a\n    more\n    - b\n      more"), "1. a\n   more\n   - b\n     more");
        // Eight columns below an item would be code, and code would be a test.
        assert_eq!(text(" - a\n\n         panic!()"), "- a\n\n  panic!()");
        assert_eq!(text(" - a\n\n         - panic!()"), "- a\n\n  - panic!()");
    }
}
