//! What a file says about itself, without compiling it: its edition and its imports.
//!
//! In: IDL text of any syntax, right or wrong. Never: complaining; that is for whoever compiles it.

use std::collections::BTreeSet;
use std::ops::Range;

/// The heading of a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Heading {
    /// The edition it is written in, and where the statement stands.
    pub edition: Option<(String, Range<usize>)>,
    /// The files it imports.
    pub imports: Vec<String>,
}

/// Reads the heading of a file.
pub(super) fn heading(text: &str) -> Heading {
    let mut tokens = Tokens { text, at: 0 };
    let mut heading = Heading::default();
    let (mut depth, mut first, mut begins) = (0_usize, true, true);
    while let Some((token, start)) = tokens.next() {
        let statement = begins && depth == 0;
        begins = matches!(token, Token::Sign(';' | '{' | '}'));
        match token {
            Token::Word("edition") if statement && first => {
                heading.edition = tokens.edition().map(|edition| (edition, start..tokens.at));
                begins = true;
            }
            Token::Word("import") if statement => {
                heading.imports.extend(tokens.import());
                begins = true;
            }
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        first = false;
    }
    heading
}

/// What paths in a text begin with: `shop` of `shop.v1.Order`; of `.shop.Order`, nothing.
pub(super) fn paths(text: &str) -> BTreeSet<&str> {
    let mut tokens = Tokens { text, at: 0 };
    let (mut found, mut last) = (BTreeSet::new(), "");
    while let Some((token, _)) = tokens.next() {
        let Token::Word(word) = token else {
            last = "";
            continue;
        };
        // A path may have spaces in it.
        match word.split_once('.') {
            Some(("", _)) => drop(found.insert(last)),
            Some((first, _)) => drop(found.insert(first)),
            None => {}
        }
        last = word;
    }
    found
}

/// The length of the word, string or sign that a text begins with; at least 1.
pub(super) fn token(text: &str) -> usize {
    let mut tokens = Tokens { text, at: 0 };
    let begins = tokens.next().is_some_and(|(_, start)| start == 0);
    if begins { tokens.at } else { 1 }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    /// What stands between the quotes, as written.
    Text(&'a str),
    Sign(char),
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The next token and where it begins. Comments are passed over.
    fn next(&mut self) -> Option<(Token<'a>, usize)> {
        loop {
            let rest = &self.text[self.at..];
            let start = self.at;
            let sign = rest.chars().next()?;
            let skip = |end: Option<usize>| end.unwrap_or(rest.len());
            if sign.is_whitespace() {
                self.at += sign.len_utf8();
            } else if rest.starts_with("//") {
                self.at += skip(rest.find('\n'));
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.at += skip(comment.find("*/").map(|end| end + 4));
            } else if sign == '"' || sign == '\'' {
                let inner = &rest[1..];
                let length = quoted(inner, sign);
                self.at += (1 + length + 1).min(rest.len());
                return Some((Token::Text(&inner[..length]), start));
            } else if is_word(sign) {
                let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
                self.at += word.len();
                return Some((Token::Word(word), start));
            } else {
                self.at += sign.len_utf8();
                return Some((Token::Sign(sign), start));
            }
        }
    }

    /// `= "2023";`
    fn edition(&mut self) -> Option<String> {
        let Some((Token::Sign('='), _)) = self.next() else { return None };
        self.text_until_end()
    }

    /// `"a.proto";`, after `public`, `weak` or `option`
    fn import(&mut self) -> Option<String> {
        let before = self.at;
        if !matches!(self.next()?.0, Token::Word("public" | "weak" | "option")) {
            self.at = before;
        }
        self.text_until_end()
    }

    /// A string, in one part or several, up to the semicolon.
    fn text_until_end(&mut self) -> Option<String> {
        let mut found = None;
        loop {
            match self.next()?.0 {
                Token::Text(text) => found.get_or_insert_with(String::new).push_str(text),
                Token::Sign(';') => return found,
                _ => return None,
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// How long a string is up to its quote; an unclosed one ends with its line.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '\n' || (c == quote && !escaped);
        escaped = c == '\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(text: &str) -> Option<(String, &str)> {
        heading(text).edition.map(|(edition, range)| (edition, &text[range]))
    }

    #[test]
    fn the_edition_is_the_first_statement() {
        assert_eq!(edition("edition = \"2023\";"), Some(("2023".to_owned(), "edition = \"2023\";")));
        let late = "// edition = \"2022\";\n/* */ edition='20' '24'; message M {}";
        assert_eq!(edition(late), Some(("2024".to_owned(), "edition='20' '24';")));
        for none in
            ["", "syntax = \"proto3\"; edition = \"2023\";", "edition", "edition = \"", "message M {}"]
        {
            assert_eq!(edition(none), None, "{none}");
        }
    }

    #[test]
    fn imports_are_found_wherever_they_stand() {
        let text = "syntax = \"proto3\"; import 'a.proto'; import public \"b\" \".proto\";\n\
            message import { string import = 1 [default = \"import 'x'; \\\" \"]; /* import \"y\"; */ }\n\
            option (o) = { import: \"z\" }; import option \"c.proto\"; // import \"w\";";
        assert_eq!(heading(text).imports, ["a.proto", "b.proto", "c.proto"]);
    }

    #[test]
    fn paths_begin_with_a_word() {
        let text = "message A { b.C d = 1; e . F g = 2; .h.I j = 3; /* k.L */ M n = 4; } // o.P\nimport \"q.proto\";";
        assert_eq!(Vec::from_iter(paths(text)), ["", "b", "e"]);
    }

    #[test]
    fn broken_text_comes_to_an_end() {
        for text in
            ["import", "import \"", "import \"a", "/*", "/", "'\\", "}}}", "import public", "edition = é"]
        {
            assert_eq!(heading(text).imports, [""; 0], "{text}");
        }
    }
}
