//! Comments, kept out of prost-build's hands: it is given placeholders, and would change what it is given.

use prost_types::source_code_info::Location;
use prost_types::{DescriptorProto, EnumDescriptorProto, SourceCodeInfo};

use crate::docs;
use crate::model::{File, Locations, is_map_entry};
use crate::names;

/// Begins every placeholder; no comment begins with this character, which is nobody's. prost-build looks through all that it
/// takes for comments with patterns, so a placeholder is short.
const SIGN: char = '\u{e000}';

/// Stands in a text where the comment with this number belongs.
fn placeholder(number: usize) -> String {
    format!(" {SIGN}{number}")
}

/// The number of the comment that a doc line stands for.
pub(crate) fn comment_number(line: &str) -> Option<usize> {
    line.trim_start().strip_prefix("/// ")?.strip_prefix(SIGN)?.parse().ok()
}

/// Gives everything that can carry a comment a placeholder, and collects the real comments.
pub(super) fn mark(file: &File, comments: &mut Vec<Vec<String>>) -> SourceCodeInfo {
    let descriptor = &file.descriptor;
    let mut marker = Marker { locations: &file.locations, comments, marked: Vec::new() };
    let package = descriptor.package();
    marker.messages(package, (&[], 4), &descriptor.message_type);
    marker.enums(package, (&[], 5), &descriptor.enum_type);
    SourceCodeInfo { location: marker.marked }
}

struct Marker<'a> {
    locations: &'a Locations,
    comments: &'a mut Vec<Vec<String>>,
    marked: Vec<Location>,
}

/// The path of a parent in its descriptor, and the number of the field that holds its children.
type Place<'a> = (&'a [i32], i32);

impl Marker<'_> {
    fn messages(&mut self, scope: &str, place: Place<'_>, messages: &[DescriptorProto]) {
        for (message, index) in messages.iter().zip(0..) {
            if is_map_entry(message) {
                continue;
            }
            let path = [place.0, &[place.1, index]].concat();
            let full_name = names::full(scope, message.name());
            self.mark(&path, Some(format!("Message `{full_name}`.")));
            self.parts((&path, 2), message.field.len());
            self.messages(&full_name, (&path, 3), &message.nested_type);
            self.enums(&full_name, (&path, 4), &message.enum_type);
            self.parts((&path, 8), message.oneof_decl.len());
        }
    }

    fn enums(&mut self, scope: &str, place: Place<'_>, enums: &[EnumDescriptorProto]) {
        for (enumeration, index) in enums.iter().zip(0..) {
            let path = [place.0, &[place.1, index]].concat();
            let full_name = names::full(scope, enumeration.name());
            self.mark(&path, Some(format!("Enum `{full_name}`.")));
            self.parts((&path, 2), enumeration.value.len());
        }
    }

    /// Fields, oneofs, values.
    fn parts(&mut self, place: Place<'_>, count: usize) {
        for (_, index) in (0..count).zip(0..) {
            self.mark(&[place.0, &[place.1, index]].concat(), None);
        }
    }

    /// What has a name of its own says which.
    fn mark(&mut self, path: &[i32], name: Option<String>) {
        self.marked.push(Location {
            path: path.to_vec(),
            leading_comments: Some(placeholder(self.comments.len())),
            ..Location::default()
        });
        let comment = docs::lines(self.locations.docs(path));
        self.comments.push(match name {
            Some(name) => docs::followed_by(&comment, &name).map(str::to_owned).collect(),
            None => comment,
        });
    }
}
