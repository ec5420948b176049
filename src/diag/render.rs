//! Complaints as text for people, with the lines they speak of.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, Span};

impl Diagnostics {
    /// As text for people; `colour` for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for diagnostic in &self.list {
            text.push_str(&renderer.render(&[self.group(diagnostic)]));
            text.push_str("\n\n");
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group =
            Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.id()));
        let mut places: Vec<(&Span, AnnotationKind, &str)> = Vec::new();
        places.extend(diagnostic.span.as_ref().map(|span| (span, AnnotationKind::Primary, "")));
        places.extend(
            diagnostic.labels.iter().map(|(span, text)| (span, AnnotationKind::Context, text.as_str())),
        );
        let mut files: Vec<&str> = Vec::new();
        for (span, ..) in &places {
            if !files.contains(&span.file.as_str()) {
                files.push(&span.file);
            }
        }
        for file in files {
            let here = places.iter().filter(|(span, ..)| span.file == file);
            group = match self.sources.get(file) {
                Some(text) => group.element(Snippet::source(text.as_str()).path(file).annotations(here.map(
                    |(span, kind, label)| {
                        let annotation = kind.span(span.range(text));
                        if label.is_empty() { annotation } else { annotation.label(*label) }
                    },
                ))),
                None => here.fold(group, |group, (span, ..)| {
                    group.element(Origin::path(file).line(span.line).char_column(span.column))
                }),
            };
        }
        match &diagnostic.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}
