//! Who has which name, and what a person is told when two want the same.

use std::collections::{BTreeMap, BTreeSet};

use super::chosen::Chosen;
use super::edits::{Edits, Printed};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::model::File;
use crate::names;

/// A thing of the IDL that has a name in Rust.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thing<'a> {
    /// The full name of what it is declared in.
    pub scope: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Where that stands.
    pub place: Place<'a>,
}

/// Where a name stands; looked up only when somebody asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// Here.
    Known(Option<&'a Span>),
    /// At the end of this path in the descriptor: the parent's, the field that holds the children, which of them.
    Path(&'a File, &'a [i32], [i32; 2]),
}

impl Thing<'_> {
    pub(super) fn full_name(&self) -> String {
        names::full(self.scope, self.name)
    }

    pub(super) fn span(&self) -> Option<Span> {
        match self.place {
            Place::Known(span) => span.cloned(),
            Place::Path(file, parent, place) => file.locations.name(&[parent, place.as_slice()].concat()),
        }
    }
}

/// What a thing is, and with it which names it takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A part of a package's name.
    Package,
    /// A message, with a module beside it or without.
    Message { module: bool },
    /// An enum.
    Enum,
    /// A value of an enum.
    Value,
    /// A field, and the prefixes of the methods that prost derives for it.
    Field(&'static [&'static str]),
    /// A oneof.
    Oneof,
    /// A field of a oneof.
    Variant,
    /// A service.
    Service,
    /// A method of a service.
    Method,
    /// An enum of errors.
    Errors,
    /// An error.
    Error,
}

impl Kind {
    /// Everything that its name takes in its scope. Fields and methods are no types, so they begin with a dot and with `fn`.
    fn taken(self, printed: &Printed) -> Vec<String> {
        let Printed { upper, lower, .. } = printed;
        match self {
            Self::Package | Self::Method => vec![lower.clone()],
            Self::Message { module: true } => vec![upper.clone(), lower.clone()],
            Self::Field(prefixes) => {
                let plain = lower.trim_start_matches("r#");
                let methods = prefixes.iter().map(|prefix| format!("fn {prefix}{plain}"));
                methods.chain([format!(".{lower}")]).collect()
            }
            Self::Oneof => vec![format!(".{lower}"), upper.clone()],
            Self::Service => {
                vec![
                    upper.clone(),
                    names::with_suffix(upper, "Server"),
                    names::with_suffix(upper, "Client"),
                    names::constant(upper),
                ]
            }
            _ => vec![upper.clone()],
        }
    }

    /// A name that a person chose for it.
    fn chosen(self, name: String) -> Printed {
        match self {
            Self::Package | Self::Method | Self::Field(_) => Printed { lower: name, ..Printed::default() },
            Self::Oneof => Printed { upper: names::type_name(&name), lower: name, aliases: Vec::new() },
            _ => Printed::of_type(name),
        }
    }

    /// How to choose a name for it in the IDL.
    fn option(self, name: &str) -> String {
        let statement = |of: &str| format!("option (jovian.{of}).rust_name = \"{name}\";");
        let bracket = |of: &str| format!("[(jovian.{of}).rust_name = \"{name}\"]");
        match self {
            Self::Package => format!("option (jovian.file).rust_module = \"{name}\";"),
            Self::Message { .. } => statement("message"),
            Self::Enum | Self::Errors => statement("enumeration"),
            Self::Value | Self::Error => bracket("value"),
            Self::Field(_) | Self::Variant => bracket("field"),
            Self::Oneof => statement("oneof"),
            Self::Service => statement("service"),
            Self::Method => statement("method"),
        }
    }

    /// Whether prost-build prints it, and has to be shown another name to print another one.
    fn is_prosts(self) -> bool {
        !matches!(self, Self::Service | Self::Method | Self::Errors | Self::Error)
    }
}

/// What a thing would be called if nothing stood in the way.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    pub thing: Thing<'a>,
    pub kind: Kind,
    pub printed: Printed,
    /// Whether prost-build left alone would print something else.
    pub forced: bool,
}

/// Who has a name.
#[derive(Clone, Copy, Debug)]
enum Holder<'a> {
    /// Generated code itself, as what: `a method of every client`.
    Tool(&'static str),
    /// Something of the IDL.
    Idl(Thing<'a>),
}

/// What naming a whole model needs to know and finds out.
pub(super) struct Desk<'d> {
    pub chosen: BTreeMap<String, Chosen>,
    pub used: BTreeSet<String>,
    /// What was told of already.
    pub reported: BTreeSet<String>,
    pub edits: Edits,
    pub diags: &'d mut Diagnostics,
}

/// The names of one scope, each given out once.
#[derive(Debug, Default)]
pub(super) struct Scope<'a>(BTreeMap<String, Holder<'a>>);

impl<'a> Scope<'a> {
    /// Keeps a name for generated code itself.
    pub(super) fn reserve(&mut self, name: &str, what: &'static str) {
        self.0.insert(name.to_owned(), Holder::Tool(what));
    }

    /// Keeps a name for a thing that was named elsewhere.
    pub(super) fn occupy(&mut self, name: String, thing: Thing<'a>) {
        self.0.insert(name, Holder::Idl(thing));
    }

    /// Takes a name that nobody has.
    pub(super) fn take_free(&mut self, wanted: &str, thing: Thing<'a>) -> String {
        let others = (2_u64..).map(|number| names::suffixed(wanted, &number.to_string()));
        let free = std::iter::once(wanted.to_owned()).chain(others).find(|name| !self.0.contains_key(name));
        let name = free.unwrap_or_default();
        self.occupy(name.clone(), thing);
        name
    }

    /// Gives every thing a name: first the chosen ones, then the others in their order. The names come in the order of the
    /// wishes.
    pub(super) fn settle(&mut self, wishes: Vec<Wish<'a>>, desk: &mut Desk<'_>) -> Vec<Printed> {
        let mut names = vec![None; wishes.len()];
        if !desk.chosen.is_empty() {
            for (name, wish) in names.iter_mut().zip(&wishes) {
                *name = self.choose(wish, desk);
            }
        }
        let rest = names.into_iter().zip(wishes).map(|(name, wish)| match name {
            Some(name) => name,
            None => self.give(wish, desk),
        });
        rest.collect()
    }

    /// The name that a person chose for a thing, if there is one that it can have.
    fn choose(&mut self, wish: &Wish<'a>, desk: &mut Desk<'_>) -> Option<Printed> {
        let full_name = wish.thing.full_name();
        let chosen = desk.chosen.get(&full_name)?;
        desk.used.insert(full_name.clone());
        let printed =
            Printed { aliases: wish.printed.aliases.clone(), ..wish.kind.chosen(chosen.name.clone()) };
        let printed = match wish.kind {
            // What stands there for a value is its name on the wire.
            Kind::Value => Printed { lower: wish.printed.lower.clone(), ..printed },
            _ => printed,
        };
        let taken = wish.kind.taken(&printed);
        if let Some((name, holder)) = self.holder(&taken) {
            let diagnostic = Diagnostic::error(
                Code::Rename,
                format!("`{full_name}` cannot be `{}` in Rust, because {}", chosen.name, holder.has(name)),
            );
            desk.diags.push(
                holder
                    .labelled(diagnostic.at(chosen.span.clone()))
                    .help("choose a name that nothing else in its scope has"),
            );
            desk.chosen.remove(&full_name);
            desk.reported.insert(full_name);
            return None;
        }
        self.take(taken, wish.thing);
        if wish.kind.is_prosts() {
            desk.edits.rename(full_name, printed.clone());
        }
        Some(printed)
    }

    /// The name that a thing wants, or the first one with a number that is free.
    fn give(&mut self, wish: Wish<'a>, desk: &mut Desk<'_>) -> Printed {
        let Wish { thing, kind, printed: wanted, forced } = wish;
        let taken = kind.taken(&wanted);
        let Some((name, holder)) = self.holder(&taken) else {
            self.take(taken, thing);
            if forced {
                desk.edits.rename(thing.full_name(), wanted.clone());
            }
            return wanted;
        };
        // What generated code has is no twin to be numbered.
        let underscore = matches!((holder, kind), (Holder::Tool(_), Kind::Method | Kind::Error));
        let first = underscore.then(|| "_".to_owned());
        let suffixes = first.into_iter().chain((2_u64..).map(|number| number.to_string()));
        let mut names = suffixes.map(|suffix| wanted.suffixed(kind, &suffix));
        let free = names.find(|name| self.holder(&kind.taken(name)).is_none()).unwrap_or_default();
        desk.report(thing, kind, &free, holder, name);
        self.take(kind.taken(&free), thing);
        if kind.is_prosts() {
            desk.edits.rename(thing.full_name(), free.clone());
        }
        free
    }

    fn holder<'n>(&self, names: &'n [String]) -> Option<(&'n str, Holder<'a>)> {
        names.iter().find_map(|name| Some((name.as_str(), *self.0.get(name)?)))
    }

    fn take(&mut self, names: Vec<String>, thing: Thing<'a>) {
        self.0.extend(names.into_iter().map(|name| (name, Holder::Idl(thing))));
    }
}

impl Desk<'_> {
    /// Tells that a name in Rust is not the one that a reader of the IDL would expect.
    fn report(&mut self, thing: Thing<'_>, kind: Kind, given: &Printed, holder: Holder<'_>, name: &str) {
        let full_name = thing.full_name();
        if !self.reported.insert(full_name.clone()) {
            return;
        }
        let rust = given.main(kind);
        let diagnostic = Diagnostic::warning(
            Code::Renamed,
            format!("`{full_name}` is `{rust}` in Rust, because {}", holder.has(name)),
        );
        self.diags.push(holder.labelled(diagnostic.at(thing.span())).help(format!(
            "nothing changes on the wire; to choose the name, write `{}`, or `\"{full_name}\" = \"{rust}\"` under \
             `[generate.rename]` in `jovian.toml`",
            kind.option(rust.trim_start_matches("r#")),
        )));
    }
}

impl Holder<'_> {
    /// `FooBar` has that name
    fn has(&self, name: &str) -> String {
        let name = name.trim_start_matches('.');
        match self {
            Self::Tool(what) => format!("`{name}` is {what}"),
            Self::Idl(thing) => match name.strip_prefix("fn ") {
                Some(method) => format!("`{}` has the method `{method}`", thing.full_name()),
                None => format!("`{}` has the name `{name}`", thing.full_name()),
            },
        }
    }

    fn labelled(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self {
            Self::Tool(_) => diagnostic,
            Self::Idl(thing) => diagnostic.label(thing.span().as_ref(), "has the name"),
        }
    }
}

impl Printed {
    /// A type, and a module of the same name.
    pub(super) fn of_type(upper: String) -> Self {
        let lower = names::module(&upper);
        Self::message(upper, lower)
    }

    /// The type and the module of a message; the two must differ, and without letters they would not.
    pub(super) fn message(upper: String, lower: String) -> Self {
        let lower = if upper == lower { lower + "_" } else { lower };
        Self { upper, lower, aliases: Vec::new() }
    }

    /// The name that a reader sees first.
    fn main(&self, kind: Kind) -> &str {
        match kind {
            Kind::Package | Kind::Method | Kind::Field(_) | Kind::Oneof => &self.lower,
            _ => &self.upper,
        }
    }

    fn suffixed(&self, kind: Kind, suffix: &str) -> Self {
        let lower = match kind {
            Kind::Value => self.lower.clone(),
            _ => names::suffixed(&self.lower, suffix),
        };
        Self { upper: names::suffixed(&self.upper, suffix), lower, aliases: self.aliases.clone() }
    }
}
