//! Runs that are killed, and runs at the same time: the output folder is the old one or the new one, never a mixture.

#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use jovian::files::{File, Files, MARK, Owner};

mod support;
use support::{root, tree};

/// Set in processes that write: the folder, and the state to begin with.
const CHILD: &str = "CRASH_TEST_CHILD";

/// How many files a state has.
const FILES: usize = 120;

/// How many of them the other state lacks.
const ALONE: usize = FILES / 3;

type Tree = BTreeMap<String, String>;

/// One of two outputs that share files, differ in others, and have some that the other one lacks.
fn state(which: usize) -> Tree {
    let name = |number: usize| match number % 3 {
        0 => format!("same{number}.rs"),
        1 => format!("differs{number}.rs"),
        _ => format!("only{which}_{number}.rs"),
    };
    let text = |number: usize| match number % 3 {
        0 => format!("{MARK}\n{}", "// the same\n".repeat(number)),
        _ => format!("{MARK}\n{}", format!("// {which}\n").repeat(number * 4)),
    };
    (0..FILES).map(|number| (name(number), text(number))).collect()
}

fn files(tree: &Tree) -> Files {
    let mut files = Files::default();
    for (name, text) in tree {
        files.insert(name, File { text: text.clone(), owner: Owner::Tool });
    }
    files
}

/// A file that a person put among the generated ones.
const MINE: &str = "mine.rs";

/// The generated files of a folder, without what is staged and remembered in it.
fn seen(dir: &Path) -> Tree {
    let mut tree = tree(dir);
    tree.retain(|name, _| !name.starts_with(".jovian") && name != MINE);
    tree
}

fn nothing_is_left_over(dir: &Path) {
    let around = dir.parent().expect("a folder around it");
    for dir in [dir, around] {
        for entry in fs::read_dir(dir).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            assert!(!name.to_string_lossy().starts_with(".jovian-"), "{name:?} is left over");
        }
    }
}

/// Starts a process that goes from state to state until it is killed.
fn restless(dir: &Path, first: usize) -> Child {
    Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "child_goes_from_state_to_state", "--nocapture"])
        .env(CHILD, format!("{first}{}", dir.display()))
        .stdout(Stdio::null())
        .spawn()
        .expect("a child")
}

#[test]
fn child_goes_from_state_to_state() {
    let Some(order) = env::var(CHILD).ok() else { return };
    let (first, dir) = order.split_at(1);
    let first: usize = first.parse().expect("a number");
    let states = [files(&state(0)), files(&state(1))];
    for turn in first.. {
        states[turn % 2].update(Path::new(dir)).expect("it can be written");
        // Others want a turn, too.
        thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a process at many moments after `moment` has come to be there, and looks at what it left each time.
fn kill_soon_after(moment: &Path, dir: &Path, mut look: impl FnMut()) {
    let states = [state(0), state(1)];
    let begin = Instant::now();
    states.iter().for_each(|state| drop(files(state).update(dir).expect("it can be written")));
    // From at once to after more than one change, on this machine, as busy as it is.
    let step = begin.elapsed() / 80;
    for round in 0..60 {
        let mut child = restless(dir, round % 2);
        let patience = Instant::now();
        // What an earlier kill left is put away first.
        while moment.exists() && patience.elapsed() < Duration::from_millis(20) {}
        while !moment.exists() && patience.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_micros(50));
        }
        thread::sleep(step * u32::try_from(round).expect("a small number"));
        child.kill().expect("it runs");
        child.wait().expect("it ended");
        look();
        assert!(states.contains(&seen(dir)), "a mixture after kill {round}");
    }
}

#[test]
fn a_killed_run_leaves_the_old_or_the_new_folder() {
    let around = tempfile::tempdir().expect("a temporary folder");
    let dir = around.path().join("generated");
    let (states, mut interrupted, mut found) = ([state(0), state(1)], 0, [0, 0]);
    files(&states[0]).update(&dir).expect("it can be written");
    let staging = around.path().join(".jovian-generated");
    kill_soon_after(&staging, &dir, || {
        interrupted += usize::from(staging.exists());
        found[usize::from(seen(&dir) == states[1])] += 1;
    });

    assert!(interrupted > 0, "only {interrupted} kills came while something was going on");
    assert!(found[0] > 0 && found[1] > 0, "one state alone was found: {found:?}");
    files(&state(0)).update(&dir).expect("it can be written");
    assert_eq!(seen(&dir), state(0));
    nothing_is_left_over(&dir);
}

/// The same with the built program, between two states of an IDL.
#[test]
fn the_program_may_be_killed() {
    let around = tempfile::tempdir().expect("a temporary folder");
    let proto = around.path().join("proto");
    fs::create_dir(&proto).expect("a folder");
    let write_idl = |which: usize| {
        for number in 0..40 {
            let name = if number % 4 == 0 { format!("p{number}_{which}") } else { format!("p{number}") };
            let text = format!("syntax = \"proto3\"; package {name}; message M {{ string f{which} = 1; }}\n");
            fs::write(proto.join(format!("{number}.proto")), text).expect("the IDL");
        }
    };
    let jovian = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_jovian"));
        program.args(["gen", "-o", "out", "proto"]).current_dir(around.path()).stdout(Stdio::null());
        program
    };
    let dir = around.path().join("out");
    let states = [0, 1].map(|which| {
        write_idl(which);
        assert!(jovian().status().expect("jovian runs").success());
        seen(&dir)
    });
    let staging = around.path().join(".jovian-out");
    for round in 0..12u64 {
        write_idl((round % 2) as usize);
        let mut run = jovian().spawn().expect("jovian runs");
        while !staging.join("building").exists() && run.try_wait().expect("a child").is_none() {
            thread::sleep(Duration::from_micros(50));
        }
        thread::sleep(Duration::from_micros(round * 400));
        run.kill().expect("it can be killed, also when it has ended");
        run.wait().expect("it ended");
        assert!(states.contains(&seen(&dir)), "a mixture after kill {round}");
    }
    write_idl(1);
    assert!(jovian().status().expect("jovian runs").success());
    assert_eq!(seen(&dir), states[1]);
    nothing_is_left_over(&dir);
}

/// The tool does not put a person's files into another folder, so its own take their places one by one.
#[test]
fn beside_files_of_a_person_the_next_look_completes_what_was_interrupted() {
    let around = tempfile::tempdir().expect("a temporary folder");
    let dir = around.path().join("generated");
    fs::create_dir(&dir).expect("a folder");
    fs::write(dir.join(MINE), "// by hand\n").expect("a file");
    let (states, mut mixtures) = ([state(0), state(1)], 0);
    files(&states[1]).update(&dir).expect("it can be written");
    kill_soon_after(&dir.join(".jovian-staged/ready"), &dir, || {
        mixtures += usize::from(!states.contains(&seen(&dir)));
        files(&states[0]).compare(&dir).expect("it can be read");
        assert_eq!(fs::read_to_string(dir.join(MINE)).expect("a person's file"), "// by hand\n");
    });

    assert!(mixtures > 0, "only {mixtures} kills came between two files");
    files(&states[0]).update(&dir).expect("it can be written");
    assert_eq!(seen(&dir), states[0]);
    nothing_is_left_over(&dir);
}

/// Two states, four processes each, all at once and many times: every look finds one of them.
#[test]
fn runs_at_the_same_time_take_turns() {
    for beside in [false, true] {
        let around = tempfile::tempdir().expect("a temporary folder");
        // Not even the folder around it is there at first.
        let dir = around.path().join("src/generated");
        if beside {
            fs::create_dir_all(&dir).expect("a folder");
            fs::write(dir.join(MINE), "// by hand\n").expect("a file");
        }
        let mut children: Vec<Child> = (0..8).map(|number| restless(&dir, number % 2)).collect();
        let (states, mut found) = ([state(0), state(1)], [0, 0]);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(1)
            || (found.contains(&0) && begin.elapsed() < Duration::from_secs(30))
        {
            let changes = files(&states[0]).compare(&dir).expect("it can be read");
            let (changed, new) =
                (changes.iter().count(), changes.iter().filter(|change| change.before.is_none()));
            match (changed, new.count()) {
                (0, 0) => found[0] += 1,
                // All of the other state, or nothing yet.
                (FILES, ALONE) => found[1] += 1,
                (FILES, FILES) => {}
                mixture => panic!("{mixture:?} files changed, and of these new"),
            }
        }
        for child in &mut children {
            assert!(child.try_wait().expect("a child").is_none(), "a child could not go on");
            child.kill().expect("it runs");
            child.wait().expect("it ended");
        }
        assert!(found[0] > 0 && found[1] > 0, "one state alone was found: {found:?}");
        files(&states[1]).update(&dir).expect("it can be written");
        assert_eq!(seen(&dir), states[1]);
        nothing_is_left_over(&dir);
    }
}

/// What a person puts there while the folders change places is kept, by the next run if this one is killed.
#[test]
fn a_file_that_comes_at_the_wrong_moment_moves_on() {
    let around = tempfile::tempdir().expect("a temporary folder");
    let dir = around.path().join("generated");
    files(&state(0)).update(&dir).expect("it can be written");
    let replaced = around.path().join(".jovian-generated/ready");
    fs::create_dir_all(&replaced).expect("a folder");
    fs::write(replaced.join(MINE), "// by hand\n").expect("a file");
    fs::write(replaced.join("old.rs"), MARK).expect("a file");
    files(&state(0)).update(&dir).expect("it can be written");
    assert_eq!(fs::read_to_string(dir.join(MINE)).expect("the file"), "// by hand\n");
    assert!(!dir.join("old.rs").exists());
    nothing_is_left_over(&dir);
}

/// Links, folders around, the folder one is in: none is in the way, and none is replaced.
#[test]
fn the_folder_may_be_a_link_or_the_current_one() {
    let around = tempfile::tempdir().expect("a temporary folder");
    let (real, link) = (around.path().join("real"), around.path().join("link"));
    fs::create_dir(&real).expect("a folder");
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    for which in [0, 1] {
        files(&state(which)).update(&link).expect("it can be written");
        assert_eq!(tree(&real), state(which));
    }
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    nothing_is_left_over(&real);

    let identity = |dir: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(dir).expect("a folder"));
    let (here, proto) = (around.path().join("here"), root().join("tests/cases/orders/proto"));
    fs::create_dir(&here).expect("a folder");
    let before = identity(&here);
    let mut run = Command::new(env!("CARGO_BIN_EXE_jovian"));
    run.args(["gen", "-o", "."]).arg(proto).current_dir(&here);
    assert!(run.output().expect("jovian runs").status.success());
    assert_eq!(seen(&here), tree(&root().join("tests/cases/orders/out")));
    assert_eq!(before, identity(&here), "a shell that is there finds itself nowhere");
    nothing_is_left_over(&here);
}
