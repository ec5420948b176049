//! The cases of `tests/why`: what stands in a registry, who looks at it, and what is said of that. The program is tried on them, and
//! so are the consumers themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One folder.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    args: Vec<String>,
    /// The store that it is for: `etcd`, `zookeeper`.
    pub(crate) store: String,
    /// Keys and values.
    pub(crate) records: Vec<(String, String)>,
}

/// All cases below a folder, by their names.
pub(crate) fn all(root: &Path) -> Vec<Case> {
    let folders = |dir: &Path| -> Vec<PathBuf> {
        let mut folders: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders
    };
    folders(root).iter().flat_map(|reason| folders(reason)).map(Case::read).collect()
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let args = text("args").split_whitespace().map(str::to_owned).collect();
        let records = text("records");
        let (head, rest) = records.split_once('\n').unwrap();
        let store = head.strip_prefix("# ").unwrap().to_owned();
        let mut lines = rest.lines().peekable();
        let mut records = Vec::new();
        while let Some(head) = lines.next() {
            let (_, key) = head.split_once(' ').unwrap();
            let value = lines.next_if(|line| line.starts_with('\t')).unwrap_or_default();
            records.push((key.to_owned(), value.trim_start_matches('\t').to_owned()));
        }
        Self { args, store, records, folder }
    }

    /// `protocol`: the reason that it shows.
    pub(crate) fn reason(&self) -> &str {
        self.folder.parent().unwrap().file_name().unwrap().to_str().unwrap()
    }

    /// The arguments of the command, about this registry.
    pub(crate) fn arguments(&self, target: &str) -> Vec<String> {
        let mut args = self.args.clone();
        // The first two say who looks.
        args.insert(2, target.to_owned());
        args
    }

    /// What a flag says: `jupiter` for `--consumer`.
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        let at = self.args.iter().position(|arg| arg == name)?;
        Some(&self.args[at + 1])
    }

    /// The service that is looked for.
    pub(crate) fn service(&self) -> &str {
        &self.args[2]
    }

    /// What the command says.
    pub(crate) fn expected(&self) -> String {
        fs::read_to_string(self.folder.join("reasons.txt")).unwrap()
    }

    /// Whom the consumer finds and calls, by what the command says.
    pub(crate) fn called(&self) -> BTreeSet<String> {
        let text = self.expected();
        let found = text.lines().skip(1).take_while(|line| !line.is_empty());
        found.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    }
}
