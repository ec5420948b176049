//! The table of pages, and what goes in and out of one.

use std::fmt;
use std::future::{Future, ready};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method as Verb, StatusCode};
use serde::Serialize;

/// What a page is asked.
#[derive(Debug)]
pub(crate) struct Question {
    /// What stands behind the `?`, as it was sent.
    pub(super) query: String,
    /// The body of the request; empty, if there is none.
    pub(crate) body: Bytes,
}

impl Question {
    /// A parameter of the query: `10` of `?seconds=10`.
    #[cfg_attr(
        not(any(test, feature = "profile")),
        expect(dead_code, reason = "only profiles have parameters")
    )]
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let named = |pair: &&str| pair.split('=').next() == Some(name);
        self.query.split('&').find(named).map(|pair| pair.split_once('=').map_or("", |(_, value)| value))
    }
}

/// What a page says.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

impl Answer {
    /// A text with a line feed at its end.
    pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Self::bytes(status, "text/plain; charset=utf-8", text)
    }

    /// A value as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_string_pretty(value) {
            Ok(text) => Self::bytes(status, "application/json", text + "\n"),
            Err(error) => Self::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    /// Anything.
    pub(crate) fn bytes(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, body: body.into() }
    }
}

pub(super) type Handler = Box<dyn Fn(Question) -> BoxFuture<'static, Answer> + Send + Sync>;

struct Page {
    verb: Verb,
    path: &'static str,
    about: &'static str,
    handler: Handler,
}

/// The pages of a governor. `/` lists them.
#[derive(Default)]
pub(crate) struct Pages(Vec<Page>);

impl Pages {
    /// Adds a page that is looked at.
    #[must_use]
    pub(crate) fn get(
        self,
        path: &'static str,
        about: &'static str,
        page: impl Fn() -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.add(Verb::GET, path, about, move |_| ready(page()))
    }

    /// Adds a page.
    #[must_use]
    pub(crate) fn add<F: Future<Output = Answer> + Send + 'static>(
        mut self,
        verb: Verb,
        path: &'static str,
        about: &'static str,
        page: impl Fn(Question) -> F + Send + Sync + 'static,
    ) -> Self {
        let handler: Handler = Box::new(move |question| Box::pin(page(question)));
        self.0.push(Page { verb, path, about, handler });
        self
    }

    /// Adds `/`, which lists the pages that are there.
    #[must_use]
    pub(crate) fn listed(self, title: &str) -> Self {
        let mut list = format!("{title}\n\n");
        for Page { verb, path, about, .. } in &self.0 {
            list += &format!("{:<6} {path:<26} {about}\n", verb.as_str());
        }
        self.get("/", "this list", move || Answer::text(StatusCode::OK, list.as_str()))
    }

    pub(super) fn find(&self, verb: &Verb, path: &str) -> Option<&Handler> {
        self.0.iter().find(|page| page.path == path && page.verb == verb).map(|page| &page.handler)
    }

    /// The verbs that a path takes; none, if there is no such page.
    pub(super) fn verbs(&self, path: &str) -> Vec<&str> {
        self.0.iter().filter(|page| page.path == path).map(|page| page.verb.as_str()).collect()
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|page| page.path)).finish()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Question;

    #[test]
    fn parameters_are_found_by_name() {
        let question = Question { query: "a=1&flag&seconds=10".to_owned(), body: Bytes::new() };
        assert_eq!(question.parameter("seconds"), Some("10"));
        assert_eq!(question.parameter("flag"), Some(""));
        assert_eq!(question.parameter("second"), None);
    }
}
