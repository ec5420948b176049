//! What the documents say is so: links lead somewhere, quotations stand where they are said to stand, the pages on the
//! command line are what the program says, and every test that a page names exists. `BLESS=1` renews the help texts and
//! the files that are shown whole.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

mod support;
use support::{bless, root, tree};

/// The pages, by their name in the repository.
fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> =
        tree(&root().join("docs")).into_iter().map(|(name, text)| (format!("docs/{name}"), text)).collect();
    for name in ["README.md", "CHANGELOG.md"] {
        pages.insert(name.to_owned(), fs::read_to_string(root().join(name)).expect("a page"));
    }
    pages.retain(|name, _| name.ends_with(".md"));
    pages
}

fn nothing(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// A fenced block of a page: the language, the line it begins at, what it holds, the comment above it.
struct Block<'a> {
    language: &'a str,
    line: usize,
    text: Vec<&'a str>,
    comment: Option<&'a str>,
}

/// A page as prose without its code, line by line, and its fenced blocks.
fn split(page: &str) -> (Vec<(usize, String)>, Vec<Block<'_>>) {
    let (mut prose, mut blocks) = (Vec::new(), Vec::new());
    let mut open: Option<Block<'_>> = None;
    let mut comment = None;
    for (index, line) in page.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.push(line),
            (None, Some(language)) => {
                open = Some(Block { language, line: index + 1, text: Vec::new(), comment: comment.take() });
            }
            (None, None) => {
                comment = line.trim().strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"));
                // What stands in backticks is code, too.
                let words = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
                prose.push((index + 1, words));
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    (prose, blocks)
}

/// The targets of the links in a line: `[text](target)`.
fn links(line: &str) -> Vec<&str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut in_block = false;
    let mut found = BTreeSet::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        let heading = line.trim_start_matches('#');
        if in_block || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let slug = heading.trim().to_lowercase();
        let slug = slug.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        let slug = slug.map(|c| if c == ' ' { '-' } else { c }).collect::<String>();
        let mut name = slug.clone();
        for number in 1.. {
            if found.insert(name) {
                break;
            }
            name = format!("{slug}-{number}");
        }
    }
    found
}

/// `docs/guide/../reference/cli.md` without its turns.
fn straight(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut complaints = Vec::new();
    for (name, page) in &pages {
        for (line, words) in split(page).0 {
            for link in links(&words) {
                if link.contains("://") || link.starts_with("mailto:") {
                    continue;
                }
                let (file, anchor) =
                    link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
                let target = match file {
                    "" => PathBuf::from(name),
                    file => straight(&Path::new(name).parent().unwrap_or(Path::new("")).join(file)),
                };
                if !root().join(&target).exists() {
                    complaints.push(format!("{name}:{line}: `{link}` leads nowhere"));
                    continue;
                }
                let text = pages.get(&target.to_string_lossy().replace('\\', "/"));
                if let Some(anchor) = anchor
                    && !text.is_some_and(|text| anchors(text).contains(anchor))
                {
                    complaints
                        .push(format!("{name}:{line}: there is no `#{anchor}` in {}", target.display()));
                }
            }
        }
    }
    nothing(&complaints);
}

/// A page that nobody links to is not found.
#[test]
fn every_page_can_be_reached_from_the_readme() {
    let pages = pages();
    let mut reached = BTreeSet::new();
    let mut open = vec!["README.md".to_owned()];
    while let Some(name) = open.pop() {
        let Some(page) = pages.get(&name) else { continue };
        if !reached.insert(name.clone()) {
            continue;
        }
        for link in split(page).0.iter().flat_map(|(_, words)| links(words)) {
            let file = link.split('#').next().unwrap_or_default();
            let target = straight(&Path::new(&name).parent().unwrap_or(Path::new("")).join(file));
            open.push(target.to_string_lossy().replace('\\', "/"));
        }
    }
    let lost: Vec<&String> = pages.keys().filter(|name| !reached.contains(*name)).collect();
    assert!(lost.is_empty(), "nobody links to {lost:?}");
}

/// A block under `<!-- quote FILE -->` stands in that file as it is, at any indentation; a line `..` leaves lines out.
/// `new: FILE` is a file of what `jovian new shop.order.orders` makes, `doc: FILE` the doctests of a file. Rust is always a quotation, of something that is compiled.
#[test]
fn every_quotation_is_verbatim() {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let made = Command::new(env!("CARGO_BIN_EXE_jovian"))
        .args(["new", "shop.order.orders"])
        .current_dir(fresh.path())
        .output()
        .expect("jovian runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut complaints = Vec::new();
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    if !said.lines().next().is_some_and(|line| pages()["README.md"].lines().any(|shown| shown == line)) {
        complaints.push(format!("README.md does not show what `jovian new` says: {said}"));
    }
    let mut quoted = 0;
    for (name, page) in pages() {
        for block in split(&page).1 {
            let place = format!("{name}:{}", block.line);
            match block.comment.and_then(|comment| comment.strip_prefix("quote ")) {
                Some(file) => {
                    quoted += 1;
                    let (kind, file) = file.split_once(": ").unwrap_or(("", file));
                    let path = if kind == "new" {
                        fresh.path().join("orders").join(file)
                    } else {
                        root().join(file)
                    };
                    let text = fs::read_to_string(path);
                    match text.map(|text| if kind == "doc" { doctests(&text) } else { text }) {
                        Ok(text) if stands_in(&block.text, &text) => {}
                        Ok(_) => complaints.push(format!("{place}: this does not stand in {file}")),
                        Err(error) => complaints.push(format!("{place}: {file}: {error}")),
                    }
                }
                None if block.language == "rust" => {
                    complaints.push(format!("{place}: Rust that nobody compiles; quote it from a file"));
                }
                None => {}
            }
        }
    }
    assert!(quoted > 0, "nothing is quoted");
    nothing(&complaints);
}

/// The comments of a file without their markers; other lines are empty.
fn doctests(text: &str) -> String {
    let line = |line: &str| {
        let line = line.trim_start();
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or_default();
        comment.strip_prefix(' ').unwrap_or(comment).to_owned() + "\n"
    };
    text.lines().map(line).collect()
}

/// Whether the parts of a quotation follow each other in a text.
fn stands_in(quotation: &[&str], text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let mut from = 0;
    for part in quotation.split(|line| line.trim() == "..") {
        let begins = (from..=lines.len().saturating_sub(part.len()))
            .find(|at| same(part, &lines[*at..at + part.len()]));
        match begins {
            Some(at) => from = at + part.len(),
            None => return false,
        }
    }
    true
}

/// Whether two texts differ in nothing but an indentation that all lines have in common.
fn same(quotation: &[&str], lines: &[&str]) -> bool {
    let first = quotation.iter().zip(lines).find(|(quoted, _)| !quoted.is_empty());
    let Some(indent) = first.map(|(quoted, line)| line.strip_suffix(quoted)) else {
        return lines.iter().all(|line| line.is_empty());
    };
    let Some(indent) = indent.filter(|indent| indent.chars().all(|c| c == ' ')) else { return false };
    quotation.iter().zip(lines).all(|(quoted, line)| match quoted.is_empty() {
        true => line.is_empty(),
        false => line.strip_prefix(indent) == Some(quoted),
    })
}

#[test]
fn quotations_are_compared_line_by_line() {
    let text = "fn a() {\n    b();\n\n    c();\n}\nfn d() {}\n";
    assert!(stands_in(&["b();", "", "c();"], text));
    assert!(stands_in(&["fn a() {", "    ..", "}", "fn d() {}"], text));
    assert!(!stands_in(&["b();", "c();"], text));
    assert!(!stands_in(&["    b();", "c();"], text));
    assert!(!stands_in(&["fn d() {}", "..", "c();"], text));
}

/// A block under `<!-- file FILE -->` is all of that file; `BLESS=1` renews it.
#[test]
fn every_file_that_is_shown_is_that_file() {
    let mut complaints = Vec::new();
    for (name, page) in pages() {
        let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
        // From the end, so that the lines of the blocks before stay what they are.
        for block in split(&page).1.iter().rev() {
            let Some(file) = block.comment.and_then(|comment| comment.strip_prefix("file ")) else {
                continue;
            };
            let text = fs::read_to_string(root().join(file)).unwrap_or_default();
            let fresh: Vec<String> = text.trim_end().lines().map(str::to_owned).collect();
            if fresh != block.text {
                complaints.push(format!("{name}:{}: this is not {file} (BLESS=1 renews)", block.line));
                lines.splice(block.line..block.line + block.text.len(), fresh);
            }
        }
        if bless() && !complaints.is_empty() {
            fs::write(root().join(&name), lines.join("\n") + "\n").expect("the page");
            complaints.clear();
        }
    }
    nothing(&complaints);
}

/// The setting up of a fresh machine is two commands, and they are on the front page.
#[test]
fn the_readme_has_the_two_commands() {
    let page = fs::read_to_string(root().join("README.md")).expect("the front page");
    let blocks = split(&page).1;
    let commands = ["cargo run --release -- quickstart", "cargo test --workspace"];
    let found = blocks.iter().any(|block| {
        let lines: Vec<&str> =
            block.text.iter().map(|line| line.split(" #").next().unwrap_or_default().trim()).collect();
        lines == commands
    });
    assert!(found, "README.md has no block with exactly these two lines: {commands:?}");
    let ci = fs::read_to_string(root().join(".ci/run")).expect("the script of CI");
    assert!(
        ci.lines().any(|line| line.trim().ends_with(commands[1])),
        ".ci/run does not run `{}`",
        commands[1]
    );
}

/// The names below `Commands:` in a help text.
fn commands_of(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help");
    names.map(str::to_owned).collect()
}

/// `docs/reference/cli.md` shows the help of the program and of all of its commands.
#[test]
fn the_page_on_the_command_line_is_what_the_program_says() {
    let help = |command: &[String]| {
        let run = Command::new(env!("CARGO_BIN_EXE_jovian"))
            .args(command)
            .arg("--help")
            .env("COLUMNS", "100")
            .output()
            .expect("jovian runs");
        assert!(run.status.success(), "{command:?}");
        // Trailing blanks are the terminal's business.
        String::from_utf8_lossy(&run.stdout).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    let file = root().join("docs/reference/cli.md");
    let page = fs::read_to_string(&file).expect("the page");
    let (head, _) = page.split_once("## jovian\n").expect("the section of the program itself");
    let mut sections = Vec::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(command) = open.pop() {
        let text = help(&command);
        let inner = commands_of(&text).into_iter().rev();
        open.extend(inner.map(|inner| command.iter().cloned().chain([inner]).collect()));
        let name = std::iter::once("jovian").chain(command.iter().map(String::as_str));
        let name = name.collect::<Vec<_>>().join(" ");
        sections.push(format!("## {name}\n\n```text\n{}\n```\n", text.trim_end()));
    }
    assert!(sections.len() > 1, "{sections:?}");
    let fresh = head.to_owned() + &sections.join("\n");
    if bless() {
        fs::write(&file, &fresh).expect("the page");
    }
    let diff = similar::TextDiff::from_lines(page.as_str(), fresh.as_str()).unified_diff().to_string();
    assert!(
        bless() || page == fresh,
        "docs/reference/cli.md is not what the program says (BLESS=1 renews):\n{diff}"
    );
}

/// A page that says ``tests/doors.rs::name`` speaks of a test that exists.
#[test]
fn every_test_that_is_named_exists() {
    let mut complaints = Vec::new();
    let mut named = 0;
    for (name, page) in pages() {
        for (file, test) in page.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs::")) {
            let path = root().join(format!("{file}.rs"));
            let text = fs::read_to_string(&path).unwrap_or_default();
            named += 1;
            if !text.contains(&format!("fn {test}(")) {
                complaints.push(format!("{name}: there is no `{test}` in {file}.rs"));
            }
        }
    }
    assert!(named > 0, "no page names a test");
    nothing(&complaints);
}

/// What a page calls a file or a folder of this repository is one.
#[test]
fn every_path_that_is_named_exists() {
    let roots = ["src/", "runtime/", "tests/", "docs/", "proto-plugins/", "templates/", "examples/", ".ci/"];
    let own = |code: &str| {
        roots.iter().any(|root| code.starts_with(root)) && !code.contains(['*', '<', '{', ' ', ':', '…'])
    };
    let mut complaints = Vec::new();
    for name in ["README.md", "docs/architecture.md"] {
        let page = fs::read_to_string(root().join(name)).expect("a page");
        let prose = page.split("```").step_by(2).collect::<String>();
        for path in prose.split('`').skip(1).step_by(2).filter(|code| own(code)) {
            // The folder of generated code in a user's project.
            if !root().join(path).exists() && path != "src/generated" {
                complaints.push(format!("{name}: there is no {path}"));
            }
        }
    }
    nothing(&complaints);
}
