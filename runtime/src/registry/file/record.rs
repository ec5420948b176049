//! One record as a file: its name and its text.
//!
//! In: an instance. Out: a name that every file system takes, and TOML; and back.

use std::fs::File;
use std::io::{self, Read as _};

use crate::registry::Instance;

/// What the name of a record ends with.
const ENDING: &str = ".toml";

/// What the names of an app's records begin with: `shop.order.orders@`.
pub(super) fn prefix(app: &str) -> String {
    format!("{}@", plain(app))
}

/// `shop.order.orders@10.1.0.7:9000.toml`
pub(super) fn name(instance: &Instance) -> String {
    format!("{}{}{ENDING}", prefix(&instance.app), plain(&instance.id))
}

/// Whether a file of this name is a record.
pub(super) fn is_name(name: &str) -> bool {
    name.contains('@') && name.ends_with(ENDING)
}

/// What stands in the file.
pub(super) fn text(instance: &Instance) -> io::Result<String> {
    let instance = toml::to_string(instance).map_err(io::Error::other)?;
    let process = std::process::id();
    Ok(format!(
        "# Process {process} keeps this file as long as it lives. It is read, never edited.\n{instance}"
    ))
}

/// The instance of an open record of `app`.
pub(super) fn read(mut file: &File, app: &str) -> io::Result<Instance> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let instance: Instance = toml::from_str(&text).map_err(io::Error::other)?;
    if instance.app == app {
        Ok(instance)
    } else {
        Err(io::Error::other(format!("it is a record of `{}`", instance.app)))
    }
}

/// The text with everything that could mean something to a file system as `%` and two digits. Different texts stay different.
fn plain(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' | b'[' | b']' => {
                name.push(char::from(byte));
            }
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_files_of_the_folder_and_different() {
        let name = |app: &str, id: &str| name(&Instance { id: id.to_owned(), ..Instance::new(app, "a:1") });
        assert_eq!(name("shop.order.orders", "10.1.0.7:9000"), "shop.order.orders@10.1.0.7:9000.toml");
        assert_eq!(name("a", "[::1]:9000"), "a@[::1]:9000.toml");
        assert_eq!(name("../a", "b/c@d%e"), "..%2Fa@b%2Fc%40d%25e.toml");
        assert!(is_name(&name("", "")) && !is_name(".new") && !is_name("notes.toml"));
        assert!(!name("a.b", "c").starts_with(&prefix("a")));
    }
}
