//! JSON to messages.
//!
//! In: text, all at once or as it comes. Out: messages, one for each JSON value. A value may be followed by the next one at once,
//! by blanks or by new lines.

use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use crate::diag::{Code, Diagnostic, Diagnostics, Span};

/// Takes values off a text that grows, and knows where in all of it they stood.
pub(super) struct Reader {
    descriptor: MessageDescriptor,
    /// What people call the text: `-d`, `request.json`, `stdin`.
    name: String,
    /// What was not taken so far.
    rest: Vec<u8>,
    /// The line and column at which the rest begins, from 1.
    at: (usize, usize),
    /// Whether there is more to come.
    ended: bool,
}

impl Reader {
    pub(super) fn new(descriptor: MessageDescriptor, name: impl Into<String>) -> Self {
        Self { descriptor, name: name.into(), rest: Vec::new(), at: (1, 1), ended: false }
    }

    /// All messages of a text, which complaints show.
    pub(super) fn all(mut self, text: &str) -> Result<Vec<DynamicMessage>, Diagnostics> {
        self.push(text.as_bytes());
        self.end();
        let mut messages = Vec::new();
        loop {
            match self.next() {
                Ok(None) => return Ok(messages),
                Ok(Some(message)) => messages.push(message),
                Err(diagnostic) => {
                    let mut diags = Diagnostics::from(*diagnostic);
                    diags.source(self.name, text);
                    return Err(diags);
                }
            }
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The next message, if all of it is there.
    pub(super) fn next(&mut self) -> Result<Option<DynamicMessage>, Box<Diagnostic>> {
        let blanks = self.rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.take(blanks);
        let Some(first) = self.rest.first() else { return Ok(None) };
        // A number ends where something else begins, which may be still to come.
        let says_its_end = b"{[\"".contains(first);
        let mut values = Deserializer::from_slice(&self.rest).into_iter::<IgnoredAny>();
        match values.next() {
            None => return Ok(None),
            Some(Err(error)) if error.is_eof() && !self.ended => return Ok(None),
            Some(Err(error)) => return Err(self.mistake(&error)),
            Some(Ok(_)) => {}
        }
        let length = values.byte_offset();
        if !says_its_end && length == self.rest.len() && !self.ended {
            return Ok(None);
        }
        let mut value = Deserializer::from_slice(&self.rest[..length]);
        let message = DynamicMessage::deserialize(self.descriptor.clone(), &mut value)
            .map_err(|error| self.mistake(&error))?;
        self.take(length);
        Ok(Some(message))
    }

    /// Goes on behind these bytes.
    fn take(&mut self, length: usize) {
        for byte in self.rest.drain(..length) {
            match byte {
                b'\n' => self.at = (self.at.0 + 1, 1),
                // The bytes that follow the first of a character.
                0x80..=0xbf => {}
                _ => self.at.1 += 1,
            }
        }
    }

    fn mistake(&self, error: &serde_json::Error) -> Box<Diagnostic> {
        let text = error.to_string();
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        let problem = text.strip_suffix(&suffix).unwrap_or(&text).replace('\'', "`");
        let help = format!("`--template` shows what `{}` looks like", self.descriptor.full_name());
        Box::new(Diagnostic::error(Code::Request, problem).at(self.place(error)).help(help))
    }

    /// The word that ends where a complaint was raised.
    fn place(&self, error: &serde_json::Error) -> Span {
        let lines = self.rest.split(|byte| *byte == b'\n').skip(error.line().saturating_sub(1));
        let line = String::from_utf8_lossy(lines.take(1).next().unwrap_or_default()).into_owned();
        // A column of serde_json counts bytes, and is that of the last one that was read.
        let end = (0..=error.column().min(line.len())).rev().find(|at| line.is_char_boundary(*at));
        let before = line[..end.unwrap_or_default()].trim_end_matches([' ', ',', '}', ']', ':']);
        let start = match before.strip_suffix('"') {
            Some(inner) => inner.rfind('"').unwrap_or_default(),
            None => before.rfind([' ', '{', '[', ':', ',', '"']).map_or(0, |at| at + 1),
        };
        let column = before[..start].chars().count() + 1;
        let length = before[start..].chars().count().max(1);
        let (line, column) = match error.line() {
            0 | 1 => (self.at.0, self.at.1 + column - 1),
            line => (self.at.0 + line - 1, column),
        };
        Span { file: self.name.clone(), line, column, length }
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    fn reader(message: &str) -> Reader {
        let descriptor = DescriptorPool::global().get_message_by_name(message).unwrap();
        Reader::new(descriptor, "stdin")
    }

    #[test]
    fn values_come_as_soon_as_they_are_there() {
        let mut reader = reader("google.protobuf.Int32Value");
        reader.push(b" 1");
        assert!(reader.next().unwrap().is_none(), "12 may follow");
        reader.push(b"2 \"3\"4");
        assert!(reader.next().unwrap().is_some() && reader.next().unwrap().is_some());
        assert!(reader.next().unwrap().is_none());
        reader.end();
        assert!(reader.next().unwrap().is_some() && reader.next().unwrap().is_none());
    }

    /// Lines and columns are those of the whole text, however it came.
    #[test]
    fn a_mistake_has_a_place() {
        let place = |pieces: &[&str]| {
            let mut reader = reader("google.protobuf.Api");
            for piece in pieces {
                reader.push(piece.as_bytes());
                loop {
                    match reader.next() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(diagnostic) => {
                            let span = diagnostic.span.unwrap();
                            return (span.line, span.column, span.length);
                        }
                    }
                }
            }
            panic!("there is no mistake");
        };
        assert_eq!(place(&["{\"name\":\"é\"} {\"nam\": 1}"]), (1, 15, 5));
        assert_eq!(place(&["{}\n{}", "\n\n  {\n \"name\": 12\n}"]), (5, 10, 2));
        assert_eq!(place(&["{\"name\": \"a\",}"]).0, 1);
        assert_eq!(place(&["{}{}", "x"]), (1, 5, 1));
    }
}
