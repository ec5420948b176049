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

#[derive(Default)]
struct Writer {
    out: Vec<String>,
    /// Inside a fence, the marker that ends it; inside indented code, nothing does but less indentation.
    fence: Option<String>,
    indented: bool,
    list: bool,
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
            self.end_code();
            let length = trimmed.len() - trimmed.trim_start_matches(&marker[..1]).len();
            let marker = marker[..1].repeat(length);
            // `text`, whatever the IDL says: rustdoc would compile anything it takes for Rust.
            self.out.push(format!("{marker}text"));
            self.fence = Some(marker);
            return;
        }
        let depth = line.len() - trimmed.len();
        let after_blank = self.out.last().is_none_or(String::is_empty);
        if self.indented || (depth >= 4 && after_blank && !self.list && !trimmed.is_empty()) {
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
        let item = is_list_item(text);
        if text.is_empty() {
            self.out.push(String::new());
            return;
        }
        let after_blank = self.out.last().is_none_or(String::is_empty);
        // A line that goes on below a list item is indented like its text, as markdown wants it.
        let indent = match (item, self.list) {
            (true, true) => depth.min(8),
            (true, false) => 0,
            (false, true) if after_blank && depth < 2 => {
                self.list = false;
                0
            }
            (false, true) => depth.clamp(2, 8),
            (false, false) => 0,
        };
        // What follows a paragraph directly is part of it for rustdoc's lint; a list begins on a line of its own.
        if item && !self.list && !after_blank {
            self.out.push(String::new());
        }
        self.list |= item;
        self.out.push(format!("{}{}", " ".repeat(indent), escape(text)));
    }

    fn finish(mut self) -> Vec<String> {
        self.end_code();
        self.out.extend(self.fence.take());
        let first = self.out.iter().position(|line| !line.is_empty()).unwrap_or(self.out.len());
        let last = self.out.iter().rposition(|line| !line.is_empty()).map_or(first, |at| at + 1);
        let mut lines = self.out.drain(first..last.max(first)).collect::<Vec<_>>();
        lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
        lines
    }
}

fn is_list_item(text: &str) -> bool {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ "].iter().any(|marker| text.starts_with(marker))
        || (number.len() < text.len() && [". ", ") "].iter().any(|marker| number.starts_with(marker)))
}

/// Escapes what markdown or rustdoc would read as a link, HTML or a marker; code spans and links stay as they are.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // A heading or a quotation of markdown is hardly meant: `#1` and `> 0` begin many sentences.
    if rest.starts_with(['#', '>', '=', '|', '+']) && !is_list_item(rest) {
        out.push('\\');
    }
    while let Some(next) = rest.chars().next() {
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
            _ => out.push(next),
        }
        rest = &rest[next.len_utf8()..];
    }
    // A backslash at the end of a line is a line break.
    if out.ends_with('\\') && !out.ends_with("\\\\") {
        out.push('\\');
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
    let close = text.strip_prefix('[')?.find("](")? + 1;
    let label = &text[1..close];
    let target = url(&text[close + 2..])?;
    let end = close + 2 + target.len();
    (!label.contains(['[', ']', '<', '>', '`']) && text[end..].starts_with(')')).then(|| &text[..=end])
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
    }
}
