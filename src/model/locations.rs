//! Comments and places of one file, by the path of a thing in its descriptor (`SourceCodeInfo`, descriptor.proto).
//!
//! There is one for every name of every file, so they lie close together, and lines and columns become places only for those
//! who ask.

use crate::diag::Span;

/// What is known of the things in one file.
#[derive(Debug, Default)]
pub struct Locations {
    /// The file as a person would open it.
    file: String,
    /// The paths of all things, one behind the other.
    paths: Vec<i32>,
    /// The comments of all things, one behind the other.
    comments: String,
    /// Sorted by path.
    known: Vec<Known>,
}

/// What is known of one thing.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Where its path begins and ends.
    path: [usize; 2],
    /// Its line, its column and its length, or nothing.
    place: Option<[i32; 3]>,
    /// Where its comment begins and ends.
    comment: [usize; 2],
}

impl Locations {
    /// Nothing is known so far. `file` is as a person would open it.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// Adds a thing: its path and its span, as in a descriptor, and its comment, without the markers.
    pub fn add(&mut self, path: &[i32], span: &[i32], comment: &str) {
        let (first, start) = (self.paths.len(), self.comments.len());
        self.paths.extend_from_slice(path);
        self.comments.push_str(comment);
        let place = span.split_first_chunk().map(|([line, column], rest)| {
            let end = if let [end] = rest { *end } else { column.saturating_add(1) };
            [*line, *column, end.saturating_sub(*column).max(1)]
        });
        self.known.push(Known {
            path: [first, self.paths.len()],
            place,
            comment: [start, self.comments.len()],
        });
    }

    /// Ends adding.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.known.sort_by(|a, b| path(&self.paths, a).cmp(path(&self.paths, b)));
        self
    }

    /// The file as a person would open it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The comment above a thing, or else the one behind it.
    pub fn docs(&self, path: &[i32]) -> &str {
        self.find(path).map_or("", |Known { comment: [start, end], .. }| &self.comments[*start..*end])
    }

    /// Where the name of a thing stands: field 1 of every descriptor is its name.
    pub fn name(&self, path: &[i32]) -> Option<Span> {
        self.at(&[path, &[1]].concat())
    }

    /// Where a thing stands: all of it, as far as it is on one line.
    pub fn at(&self, path: &[i32]) -> Option<Span> {
        let [line, column, length] = self.find(path)?.place?.map(usize::try_from);
        Some(Span {
            file: self.file.clone(),
            line: line.ok()? + 1,
            column: column.ok()? + 1,
            length: length.ok()?,
        })
    }

    /// The last one of this path: compilers write it once, but anybody can write descriptors.
    fn find(&self, wanted: &[i32]) -> Option<&Known> {
        let behind = self.known.partition_point(|known| path(&self.paths, known) <= wanted);
        self.known[..behind].last().filter(|known| path(&self.paths, known) == wanted)
    }
}

fn path<'a>(paths: &'a [i32], Known { path: [start, end], .. }: &Known) -> &'a [i32] {
    &paths[*start..*end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_found_by_their_paths() {
        let mut locations = Locations::new("a.proto");
        locations.add(&[4, 1], &[9, 0, 12, 1], "second");
        locations.add(&[4, 0], &[2, 0, 4, 1], "first, at first");
        locations.add(&[4, 0, 1], &[2, 8, 13], "");
        locations.add(&[4, 0], &[2, 0, 4, 1], "first");
        locations.add(&[5, 0, 1], &[3], "");
        let locations = locations.sorted();
        assert_eq!(
            (locations.docs(&[4, 0]), locations.docs(&[4, 1]), locations.docs(&[4])),
            ("first", "second", "")
        );
        let span = Span { file: "a.proto".into(), line: 3, column: 9, length: 5 };
        assert_eq!(
            (locations.name(&[4, 0]), locations.name(&[4, 1]), locations.name(&[5, 0])),
            (Some(span), None, None)
        );
        assert_eq!(locations.at(&[4, 1]).map(|span| (span.line, span.column, span.length)), Some((10, 1, 1)));
    }
}
