//! What a case is: files with packages, messages, enums and services, and strategies that make them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::words::{COMMENTS, WORDS};

/// Files that are generated together; each may import those before it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) files: Vec<File>,
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) place: Place,
    pub(crate) proto2: bool,
    pub(crate) import_public: bool,
    pub(crate) comment: Comment,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) services: Vec<Service>,
}

/// The package of a file, as it stands to the first one's.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Own(Vec<String>),
    Same,
    Below(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) comment: Comment,
    pub(crate) deprecated: bool,
    pub(crate) fields: Vec<Field>,
    pub(crate) oneofs: Vec<(String, Vec<Field>)>,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) comment: Comment,
    pub(crate) label: usize,
    pub(crate) kind: usize,
    /// Which message or enum, or which default.
    pub(crate) which: usize,
    pub(crate) deprecated: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) comment: Comment,
    pub(crate) values: Vec<(String, Comment)>,
    pub(crate) alias: Option<String>,
    pub(crate) errors: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) comment: Comment,
    pub(crate) methods: Vec<Method>,
}

#[derive(Clone, Debug)]
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) comment: Comment,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) streams: (bool, bool),
    pub(crate) deprecated: bool,
}

/// A text and how it is written.
pub(crate) type Comment = Option<(&'static str, usize)>;

/// Few words for each case, so that they meet.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    subsequence(WORDS, 7).prop_flat_map(|words| {
        let name = name(words);
        vec(file(name), 1..4).prop_map(|files| Case { files })
    })
}

type Name = BoxedStrategy<String>;

fn name(words: Vec<&'static str>) -> Name {
    (select(words), 0_usize..12).prop_map(|(word, case)| recased(word, case)).boxed()
}

/// A word as somebody else would write it.
fn recased(word: &str, case: usize) -> String {
    let parts = || word.split('_').filter(|part| !part.is_empty());
    let capital = |part: &str| {
        let (first, rest) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    };
    let name = match case {
        0 => word.to_lowercase(),
        1 => word.to_uppercase(),
        2 => parts().map(capital).collect(),
        3 => parts().collect::<Vec<_>>().join("__"),
        4 => format!("{word}_"),
        5 => format!("_{word}"),
        6 => format!("{word}2"),
        7 => format!("{word}_{word}"),
        _ => word.to_owned(),
    };
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { name } else { format!("_{name}") }
}

fn comment() -> impl Strategy<Value = Comment> {
    prop_oneof![2 => Just(None), 1 => (select(COMMENTS), 0_usize..4).prop_map(Some)]
}

fn file(name: Name) -> impl Strategy<Value = File> {
    let place = prop_oneof![
        3 => vec(name.clone(), 0..4).prop_map(Place::Own),
        2 => Just(Place::Same),
        2 => name.clone().prop_map(Place::Below),
    ];
    let things =
        (vec(message(name.clone()), 0..4), vec(enumeration(name.clone()), 0..3), vec(service(name), 0..3));
    (place, any::<bool>(), any::<bool>(), comment(), things).prop_map(
        |(place, proto2, import_public, comment, (messages, enums, services))| File {
            place,
            proto2,
            import_public,
            comment,
            messages,
            enums,
            services,
        },
    )
}

fn message(name: Name) -> impl Strategy<Value = Message> {
    let leaf = parts(name.clone()).prop_map(|parts| parts.with(Vec::new()));
    leaf.prop_recursive(2, 6, 2, move |inner| {
        (parts(name.clone()), vec(inner, 0..3)).prop_map(|(parts, messages)| parts.with(messages))
    })
}

/// A message without those inside of it.
#[derive(Clone, Debug)]
struct Parts(Message);

impl Parts {
    fn with(self, messages: Vec<Message>) -> Message {
        Message { messages, ..self.0 }
    }
}

fn parts(name: Name) -> impl Strategy<Value = Parts> {
    let oneof = (name.clone(), vec(field(name.clone()), 1..4));
    let rare = prop::bool::weighted(0.1);
    (
        name.clone(),
        comment(),
        rare,
        vec(field(name.clone()), 0..7),
        vec(oneof, 0..3),
        vec(enumeration(name), 0..2),
    )
        .prop_map(|(name, comment, deprecated, fields, oneofs, enums)| {
            Parts(Message { name, comment, deprecated, fields, oneofs, messages: Vec::new(), enums })
        })
}

fn field(name: Name) -> impl Strategy<Value = Field> {
    let rare = prop::bool::weighted(0.1);
    (name, comment(), 0_usize..12, 0_usize..60, 0_usize..64, rare).prop_map(
        |(name, comment, label, kind, which, deprecated)| Field {
            name,
            comment,
            label,
            kind,
            which,
            deprecated,
        },
    )
}

fn enumeration(name: Name) -> impl Strategy<Value = Enum> {
    let values = vec((name.clone(), comment()), 1..5);
    let alias = prop::option::weighted(0.3, name.clone());
    (name, comment(), values, alias, prop::bool::weighted(0.3))
        .prop_map(|(name, comment, values, alias, errors)| Enum { name, comment, values, alias, errors })
}

fn service(name: Name) -> impl Strategy<Value = Service> {
    let rare = prop::bool::weighted(0.1);
    let method = (name.clone(), comment(), 0_usize..64, 0_usize..64, any::<(bool, bool)>(), rare).prop_map(
        |(name, comment, input, output, streams, deprecated)| Method {
            name,
            comment,
            input,
            output,
            streams,
            deprecated,
        },
    );
    (name, comment(), vec(method, 0..6)).prop_map(|(name, comment, methods)| Service {
        name,
        comment,
        methods,
    })
}
