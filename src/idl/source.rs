//! Comments and places of the IDL, by the path of a thing in its descriptor (`SourceCodeInfo`, descriptor.proto).

use std::collections::BTreeMap;

use prost_types::SourceCodeInfo;
use prost_types::source_code_info::Location;

use crate::diag::Span;

/// What `SourceCodeInfo` knows of one file.
pub(crate) struct Locations<'a> {
    path: &'a str,
    by_path: BTreeMap<&'a [i32], &'a Location>,
}

impl<'a> Locations<'a> {
    /// `path` is the file as a person would open it.
    pub(crate) fn new(path: &'a str, info: Option<&'a SourceCodeInfo>) -> Self {
        let locations = info.into_iter().flat_map(|info| &info.location);
        Self { path, by_path: locations.map(|location| (location.path.as_slice(), location)).collect() }
    }

    /// The file as a person would open it.
    pub(super) fn path(&self) -> &str {
        self.path
    }

    /// The comment above a thing, or else the one behind it.
    pub(crate) fn docs(&self, path: &[i32]) -> String {
        self.by_path.get(path).map(|location| comment(location)).unwrap_or_default()
    }

    /// Where the name of a thing stands: field 1 of every descriptor is its name.
    pub(crate) fn name(&self, path: &[i32]) -> Option<Span> {
        self.at(&[path, &[1]].concat())
    }

    /// Where a thing stands: all of it, as far as it is on one line.
    pub(crate) fn at(&self, path: &[i32]) -> Option<Span> {
        place(self.path, self.by_path.get(path)?)
    }

    /// Where the name of one thing stands, for those who ask for no other.
    pub(crate) fn name_of(file: &str, info: Option<&SourceCodeInfo>, path: &[i32]) -> Option<Span> {
        let path = [path, &[1]].concat();
        place(file, info?.location.iter().find(|location| location.path == path)?)
    }
}

fn place(file: &str, location: &Location) -> Option<Span> {
    let span = &location.span;
    let (line, column) = (*span.first()?, *span.get(1)?);
    let length = if span.len() == 3 { span[2].saturating_sub(column) } else { 1 };
    Some(Span {
        file: file.to_owned(),
        line: usize::try_from(line).ok()? + 1,
        column: usize::try_from(column).ok()? + 1,
        length: usize::try_from(length).unwrap_or(1).max(1),
    })
}

/// The comment of a location as written, without the markers.
fn comment(location: &Location) -> String {
    let leading = location.leading_comments.as_deref().filter(|text| !text.trim().is_empty());
    leading.or(location.trailing_comments.as_deref()).unwrap_or_default().to_owned()
}
