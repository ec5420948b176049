//! Whatever happens to IDL, settings, output and memory between two runs: what a run with a memory writes and says is what one
//! without would. `--check` is the one without: it never looks at what is remembered.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

mod support;
use support::tree;

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).expect("a small number")
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// One IDL file; what it declares has its number in it, so that types of other files can be named.
#[derive(Clone)]
struct Idl {
    package: String,
    comment: usize,
    /// The numbers of its messages, each with its fields: names, and types.
    messages: BTreeMap<usize, Vec<(String, String)>>,
    imports: Vec<String>,
    service: bool,
}

const PACKAGES: &[&str] = &["shop", "shop.v1", "shop.v2", "shop.V1", "bank.v1", ""];
const FILES: &[&str] = &["a.proto", "b.proto", "deep/c.proto", "deep/d.proto", "e.proto"];
const FIELDS: &[&str] = &["id", "fooBar", "foo_bar", "type", "FooBar", "amount"];
const TYPES: &[&str] = &["int32", "string", "repeated bytes", "map<string, double>", "float"];

impl Idl {
    fn text(&self) -> String {
        let mut text = format!("syntax = \"proto3\";\n// Number {}.\n", self.comment);
        if !self.package.is_empty() {
            text += &format!("package {};\n", self.package);
        }
        for import in &self.imports {
            text += &format!("import \"{import}\";\n");
        }
        for (number, fields) in &self.messages {
            text += &format!("// The comment {}.\nmessage M{number} {{\n", self.comment);
            for (tag, (name, kind)) in fields.iter().enumerate() {
                text += &format!("  {kind} {name} = {};\n", tag + 1);
            }
            text += "}\n";
        }
        if let (true, Some(first)) = (self.service, self.messages.keys().next()) {
            text += &format!("service S{first} {{ rpc Get(M{first}) returns (M{first}); }}\n");
        }
        text
    }
}

struct Project {
    dir: tempfile::TempDir,
    files: BTreeMap<String, Idl>,
    chance: Chance,
    number: usize,
}

impl Project {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut project = Self { dir, files: BTreeMap::new(), chance: Chance(seed), number: 0 };
        (0..3).for_each(|_| project.add_file());
        project.settings(true);
        fs::create_dir(project.path("far")).expect("a folder");
        project
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn settings(&self, client: bool) {
        self.write(
            "jovian.toml",
            &format!("inputs = [\"proto\"]\nincludes = [\"proto\", \"far\"]\nout = \"out\"\ngenerate.client = {client}\n"),
        );
    }

    fn add_file(&mut self) {
        let name = (*self.chance.one_of(FILES)).to_owned();
        let package = (*self.chance.one_of(PACKAGES)).to_owned();
        let service = self.chance.below(2) == 0;
        let idl = Idl { package, comment: 0, messages: BTreeMap::new(), imports: Vec::new(), service };
        self.files.insert(name.clone(), idl);
        self.add_message(&name);
    }

    fn add_message(&mut self, file: &str) {
        self.number += 1;
        let number = self.number;
        if let Some(idl) = self.files.get_mut(file) {
            idl.messages.insert(number, Vec::new());
        }
    }

    /// Does one thing, and says what.
    fn edit(&mut self) -> String {
        let names: Vec<String> = self.files.keys().cloned().collect();
        let Some(name) = (!names.is_empty()).then(|| self.chance.one_of(&names).clone()) else {
            self.add_file();
            return "the first file".to_owned();
        };
        let what = self.chance.below(22);
        let package = (*self.chance.one_of(PACKAGES)).to_owned();
        let (field, kind) = (*self.chance.one_of(FIELDS), *self.chance.one_of(TYPES));
        let other = self.chance.one_of(&names).clone();
        let target = self.files[&other].clone();
        let generated: Vec<String> = tree(&self.path("out")).into_keys().collect();
        let idl = self.files.get_mut(&name).expect("it is one of them");
        let done = match what {
            0 => {
                self.add_file();
                "a file"
            }
            1 => {
                self.files.remove(&name);
                "a file less"
            }
            2 => {
                self.add_message(&name);
                "a message"
            }
            3 => {
                idl.messages.pop_first();
                "a message less"
            }
            4..=7 => {
                if let Some(mut last) = idl.messages.last_entry()
                    && last.get().iter().all(|(name, _)| name != field)
                {
                    last.get_mut().push((field.to_owned(), kind.to_owned()));
                }
                "a field"
            }
            8 => {
                idl.comment += 1;
                "a comment"
            }
            9 => {
                idl.package = package;
                "a package"
            }
            10 => {
                let new = format!("moved/{}", name.replace('/', "_"));
                let moved = self.files.remove(&name).expect("it is one of them");
                self.files.insert(new, moved);
                "a file moved"
            }
            11 => {
                // The last message goes into a file of its own.
                if let Some((number, fields)) = idl.messages.pop_last() {
                    let mut rest = idl.clone();
                    rest.messages = BTreeMap::from([(number, fields)]);
                    self.files.insert(format!("split{number}.proto"), rest);
                }
                "a file split"
            }
            12 | 13 => {
                // A type of another file, which may be missing, may import this one, or may go later.
                if let (Some(number), Some(mut first)) =
                    (target.messages.keys().next(), idl.messages.first_entry())
                    && name != other
                    && !target.package.is_empty()
                {
                    // Some paths are relative: what they mean depends on which packages there are.
                    let package = match self.chance.below(3) {
                        0 => target.package.rsplit('.').next().unwrap_or_default().to_owned(),
                        1 => target.package.clone(),
                        _ => format!(".{}", target.package),
                    };
                    first.get_mut().push((format!("to{number}"), format!("{package}.M{number}")));
                    if !idl.imports.contains(&other) {
                        idl.imports.push(other);
                    }
                }
                "an import"
            }
            14 => {
                if let Some(mut first) = idl.messages.first_entry()
                    && !idl.imports.iter().any(|import| import.starts_with("google"))
                {
                    first.get_mut().push(("thing".to_owned(), ".google.type.Thing".to_owned()));
                    idl.imports.push("google/type/thing.proto".to_owned());
                }
                let thing = |field: &str| {
                    format!(
                        "syntax = \"proto3\"; package google.type; message Thing {{ int32 {field} = 1; }}"
                    )
                };
                self.write("far/google/type/thing.proto", &thing("far"));
                match self.path("proto/google/type/thing.proto").exists() {
                    true => fs::remove_dir_all(self.path("proto/google")).expect("a folder"),
                    false => self.write("proto/google/type/thing.proto", &thing("near")),
                }
                "a file that comes before another one"
            }
            15 => {
                let client = self.chance.below(2) == 0;
                self.settings(client);
                "a setting"
            }
            16 | 17 if !generated.is_empty() => {
                let file = format!("out/{}", self.chance.one_of(&generated));
                match self.chance.below(4) {
                    0 => self.write(&file, "// by hand\n"),
                    1 => self.write(&file, "// @generated by jovian\n// by hand\n"),
                    2 => fs::remove_file(self.path(&file)).expect("a file"),
                    _ => self.write("out/left.over.rs", "// @generated by jovian\n"),
                }
                "the output"
            }
            19 => {
                // Another file may declare a message of this name, in this package or in another one.
                if let Some(number) = target.messages.keys().next() {
                    idl.messages.entry(*number).or_default();
                }
                "a twin"
            }
            18 => {
                let _may_be_missing = fs::remove_dir_all(self.path(".jovian"));
                "no memory"
            }
            _ => {
                let name = *self.chance.one_of(&[".jovian/manifest", ".jovian/descriptors"]);
                let path = self.path(name);
                if let Ok(mut bytes) = fs::read(&path) {
                    let at = self.chance.below(bytes.len());
                    bytes[at] ^= 1 << self.chance.below(8);
                    fs::write(path, bytes).expect("what is remembered");
                }
                "a bit of the memory"
            }
        };
        format!("{done} ({name})")
    }

    /// Writes the IDL: only what changed, so that times do not all change.
    fn save(&self) {
        let wanted: BTreeMap<String, String> =
            self.files.iter().map(|(name, idl)| (name.clone(), idl.text())).collect();
        let there = tree(&self.path("proto"));
        for name in there.keys().filter(|name| !wanted.contains_key(*name) && !name.starts_with("google/")) {
            fs::remove_file(self.path("proto").join(name)).expect("a file");
        }
        for (name, text) in wanted.iter().filter(|(name, text)| there.get(*name) != Some(*text)) {
            self.write(&format!("proto/{name}"), text);
        }
    }
}

fn jovian(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jovian")).args(arguments).current_dir(dir).output().expect("jovian runs")
}

fn sequence(seed: u64) {
    let mut project = Project::new(seed);
    let (mut fine, mut history) = (0, Vec::new());
    for step in 0..60 {
        history.push(project.edit());
        project.save();
        // Several edits between two runs, sometimes.
        if project.chance.below(4) == 0 {
            continue;
        }
        let dir = project.dir.path();
        let before = tree(&dir.join("out"));
        let run = jovian(dir, &["gen"]);
        let check = jovian(dir, &["gen", "--check"]);
        let said = |run: &Output| String::from_utf8_lossy(&run.stderr).into_owned();
        let story = || format!("seed {seed}, step {step}: {history:#?}");
        assert_eq!(
            run.status.code(),
            check.status.code(),
            "{}\n{}",
            story(),
            String::from_utf8_lossy(&check.stdout)
        );
        assert_eq!(said(&run), said(&check), "{}", story());
        match run.status.code() {
            Some(0) => fine += 1,
            Some(2) => {
                assert_eq!(tree(&dir.join("out")), before, "{}", story());
                // What is wrong goes away, or there is nothing left to see soon.
                let mut taken = std::collections::BTreeSet::new();
                project
                    .files
                    .values_mut()
                    .for_each(|idl| idl.messages.retain(|number, _| taken.insert(*number)));
                project.files.values_mut().for_each(|idl| {
                    idl.imports.clear();
                    idl.messages
                        .values_mut()
                        .for_each(|fields| fields.retain(|(_, kind)| !kind.contains('.')));
                });
            }
            code => panic!("{code:?}: {}", story()),
        }
    }
    assert!(fine > 8, "seed {seed}: only {fine} runs went well");
}

#[test]
fn a_memory_changes_nothing() {
    (1..=4).for_each(sequence);
}
