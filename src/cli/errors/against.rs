//! Errors as they are against errors as they were.

use prost_types::EnumDescriptorProto;

use super::history::Past;
use super::{Declared, differences};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{ErrorEnum, Model};
use crate::names;

const KEEP: &str = "callers know it by what it was; keep that, and declare another error for what is new";

/// Finds what breaks those who know the errors as they were.
pub(super) fn find(now: &Model, past: &Past, diags: &mut Diagnostics) {
    let comparison = Comparison { now, past, all: Declared::all(now).collect() };
    for was in Declared::all(&past.model) {
        let found = comparison.changes(was);
        found.into_iter().for_each(|diagnostic| diags.push_new(diagnostic));
    }
}

struct Comparison<'a> {
    now: &'a Model,
    past: &'a Past,
    all: Vec<Declared<'a>>,
}

impl<'a> Comparison<'a> {
    fn changes(&self, was: Declared<'_>) -> Vec<Diagnostic> {
        let reuse = self.taker(was).map(|now| self.reuse(now, was));
        if let Some(now) = self.same(was) {
            return self.meaning(now, was).into_iter().chain(reuse).collect();
        }
        if let Some(now) = self.moved(was) {
            let problem = format!(
                "`{}` was an error of `{}` and is one of `{}`",
                was.reason(),
                was.domain(),
                now.domain()
            );
            return vec![self.broken(Some(now), was, problem).help(KEEP)];
        }
        // That says also that the other one is gone.
        if let Some(reuse) = reuse {
            return vec![reuse];
        }
        if self.is_retired(was) {
            return Vec::new();
        }
        let (number, reason) = (was.error.number, was.reason());
        let help =
            format!("keep it, or retire its number and reason: `reserved {number}; reserved \"{reason}\";`");
        let list = self.lists().find(|list| list.full_name == was.list.full_name);
        let mut diagnostic =
            self.broken(None, was, format!("`{reason}` of `{}` is gone", was.domain())).help(help);
        // Where the whole enum is gone, it is shown where it was.
        diagnostic.span = list.map_or(diagnostic.span, |list| list.span.clone());
        vec![diagnostic]
    }

    /// The same error, best in the enum that it was in.
    fn same(&self, was: Declared<'_>) -> Option<Declared<'a>> {
        let same = |now: &&Declared<'_>| now.domain() == was.domain() && now.reason() == was.reason();
        let same: Vec<&Declared<'a>> = self.all.iter().filter(same).collect();
        let here = same.iter().find(|now| now.list.full_name == was.list.full_name);
        here.or(same.first()).map(|now| **now)
    }

    /// The error of the same enum, whose domain is another one now.
    fn moved(&self, was: Declared<'_>) -> Option<Declared<'a>> {
        let is_it =
            |now: &&Declared<'_>| now.list.full_name == was.list.full_name && now.reason() == was.reason();
        self.all.iter().find(is_it).copied()
    }

    /// Another error that has the number now.
    fn taker(&self, was: Declared<'_>) -> Option<Declared<'a>> {
        let takes = |now: &&Declared<'_>| {
            now.domain() == was.domain()
                && now.error.number == was.error.number
                && now.reason() != was.reason()
        };
        self.all.iter().find(takes).copied()
    }

    fn reuse(&self, now: Declared<'_>, was: Declared<'_>) -> Diagnostic {
        let (taker, number, owner) = (now.reason(), was.error.number, was.reason());
        Diagnostic::error(
            Code::ErrorReuse,
            format!("`{taker}` has the number {number}, which was `{owner}`'s"),
        )
        .at(now.error.span.clone())
        .label(self.past.place(was.error.span.as_ref()).as_ref(), "as it was")
        .help(format!("give `{taker}` a number of its own: callers take {number} for `{owner}`"))
    }

    fn meaning(&self, now: Declared<'_>, was: Declared<'_>) -> Vec<Diagnostic> {
        let reason = now.reason();
        let mut found = Vec::new();
        if now.error.number != was.error.number {
            let problem =
                format!("the number of `{reason}` was {} and is {}", was.error.number, now.error.number);
            found.push(self.broken(Some(now), was, problem).help(KEEP));
        }
        for (what, is, before) in differences(now, was) {
            let verb = if what == "fields" { ("were", "are") } else { ("was", "is") };
            let problem = format!("the {what} of `{reason}` {} {before} and {} {is}", verb.0, verb.1);
            found.push(self.broken(Some(now), was, problem).help(KEEP));
        }
        found
    }

    fn broken(&self, now: Option<Declared<'_>>, was: Declared<'_>, problem: String) -> Diagnostic {
        let before = self.past.place(was.error.span.as_ref());
        let diagnostic = Diagnostic::error(Code::ErrorBreak, problem);
        match now.and_then(|now| now.error.span.clone()) {
            Some(span) => diagnostic.at(span).label(before.as_ref(), "as it was"),
            None => diagnostic.at(before.clone()).label(before.as_ref(), "as it was"),
        }
    }

    fn lists(&self) -> impl Iterator<Item = &'a ErrorEnum> {
        self.now.packages.iter().flat_map(|package| &package.errors)
    }

    /// Whether the IDL says of number and reason that they are not to be used again, in any enum of the domain.
    fn is_retired(&self, was: Declared<'_>) -> bool {
        let lists = self.lists().filter(|list| list.domain == was.domain());
        lists.filter_map(|list| descriptor(self.now, list)).any(|list| {
            has_number(list, was.error.number) && list.reserved_name.iter().any(|name| name == was.reason())
        })
    }
}

/// Finds errors that take what another enum of the domain has retired; within an enum, IDL forbids it.
pub(super) fn find_retired(model: &Model, diags: &mut Diagnostics) {
    let lists = || model.packages.iter().flat_map(|package| &package.errors);
    for error in Declared::all(model) {
        let others =
            lists().filter(|list| list.domain == error.domain() && list.full_name != error.list.full_name);
        for list in others {
            let Some(enumeration) = descriptor(model, list) else { continue };
            let (number, reason) = (error.error.number, error.reason());
            let what = match enumeration.reserved_name.iter().any(|name| name == reason) {
                true => "reason".to_owned(),
                false if has_number(enumeration, number) => format!("number {number}"),
                false => continue,
            };
            let problem = format!("`{reason}` has a {what} that `{}` has retired", list.full_name);
            let diagnostic = Diagnostic::error(Code::ErrorReuse, problem).at(error.error.span.clone());
            diags.push(
                diagnostic
                    .label(list.span.as_ref(), "retired in here")
                    .help("take another one: callers take it for what it was"),
            );
        }
    }
}

fn has_number(list: &EnumDescriptorProto, number: i32) -> bool {
    // Both ends are reserved, in enums.
    list.reserved_range.iter().any(|range| (range.start()..=range.end()).contains(&number))
}

fn descriptor<'a>(model: &'a Model, list: &ErrorEnum) -> Option<&'a EnumDescriptorProto> {
    let package = names::scope(&list.full_name);
    let files = model.files.iter().filter(|file| file.package == package);
    files.flat_map(|file| &file.descriptor.enum_type).find(|it| it.name() == list.name)
}
