//! The registry in files: processes that find each other, die in every way, and are neither missed nor remembered.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jovian_runtime::registry::{FileRegistry, Instance, Instances, Provided, Registry as _, Wanted};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

const APP: &str = "shop.order.orders";

fn ids(instances: &[Arc<Instance>]) -> Vec<&str> {
    instances.iter().map(|instance| instance.id.as_str()).collect()
}

fn instance(id: &str) -> Instance {
    Instance { id: id.to_owned(), ..Instance::new(APP, "127.0.0.1:1") }
}

/// A folder of a test, in the target folder, where no other test is.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry").join(name);
    let _nothing_there = fs::remove_dir_all(&path);
    path
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().file_name()));
    let mut names: Vec<String> =
        entries.into_iter().flatten().map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until the list is this one; the five seconds are for slow machines.
async fn becomes(watched: &mut watch::Receiver<Instances>, expected: &[&str]) {
    let waiting = watched.wait_for(|list| ids(list) == expected);
    let found = timeout(Duration::from_secs(5), waiting).await.map(|list| list.map(drop));
    assert!(found.is_ok(), "{:?} never became {expected:?}", ids(&watched.borrow()));
}

/// What the processes are told by, see `child_is_an_instance`.
const FOLDER: &str = "FILE_REGISTRY_FOLDER";
const ID: &str = "FILE_REGISTRY_ID";

/// Registers, until a line comes or the process is killed; or says what it sees, if it has no id.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child_is_an_instance() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let registry = FileRegistry::at(folder);
    let Ok(id) = std::env::var(ID) else {
        let mut watched = registry.watch(&Wanted::app(APP));
        loop {
            let list: Vec<String> =
                watched.borrow_and_update().iter().map(|one| format!("{}/{}", one.id, one.version)).collect();
            println!("sees {}", list.join(" "));
            watched.changed().await.unwrap();
        }
    };
    let (id, version) = id.split_once('/').unwrap_or((&id, ""));
    let instance = Instance { version: version.to_owned(), ..instance(id) };
    let registration = registry.register(instance).await.unwrap();
    println!("registered");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await.unwrap().unwrap();
    registration.deregister().await.unwrap();
    println!("deregistered");
}

/// A process of the test above.
struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Process {
    fn start(folder: &Path, id: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child_is_an_instance", "--nocapture"]).env(FOLDER, folder).env_remove(ID);
        command.envs(id.map(|id| (ID, id))).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = Some(BufReader::new(child.stdout.take().unwrap()).lines());
        Self { child, stdin, lines }
    }

    /// A process that has registered.
    fn registered(folder: &Path, id: &str) -> Self {
        let mut process = Self::start(folder, Some(id));
        process.says("registered");
        process
    }

    fn says(&mut self, what: &str) {
        let mut lines = self.lines.iter_mut().flatten();
        assert!(lines.any(|line| line.unwrap().ends_with(what)), "it never says `{what}`");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(mut self) {
        self.stdin.write_all(b"end\n").unwrap();
        self.says("deregistered");
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn a_process_is_found_until_it_is_killed() {
    let folder = folder("killed");
    let mut watched = FileRegistry::at(&folder).watch(&Wanted::app(APP));
    assert!(watched.borrow().is_empty(), "a folder that is not there is no error");
    let (one, two) = (Process::registered(&folder, "1"), Process::registered(&folder, "2"));
    becomes(&mut watched, &["1", "2"]).await;
    one.kill();
    becomes(&mut watched, &["2"]).await;
    two.end();
    becomes(&mut watched, &[]).await;
    assert!(names(&folder).is_empty(), "{:?}", names(&folder));
}

#[tokio::test]
async fn a_record_of_the_dead_is_never_seen_and_does_not_stay() {
    let folder = folder("dead");
    Process::registered(&folder, "1").kill();
    assert_eq!(names(&folder), ["shop.order.orders@1.toml"], "nobody has looked yet");
    assert!(FileRegistry::at(&folder).watch(&Wanted::app(APP)).borrow().is_empty());
    assert!(names(&folder).is_empty(), "who looks cleans up");

    // Whatever app it was: who registers cleans up.
    Process::registered(&folder, "1").kill();
    let other = FileRegistry::at(&folder).register(Instance::new("shop.stock", "a:1")).await.unwrap();
    assert_eq!(names(&folder), ["shop.stock@a:1.toml"]);
    drop(other);
    assert!(names(&folder).is_empty());
}

#[tokio::test]
async fn a_registry_in_this_process_sees_itself_at_once() {
    let folder = folder("itself");
    let registry = FileRegistry::at(&folder);
    let watched = registry.watch(&Wanted::app(APP));
    let whole = Instance {
        services: vec![Provided::named("shop.orders.v1.Carts"), Provided::named("shop.orders.v1.Orders")],
        weight: 7,
        zone: "eu-1a".to_owned(),
        version: "1.4.2".to_owned(),
        metadata: [("team \"a\"".to_owned(), "x\ny".to_owned())].into(),
        ..Instance::new(APP, "127.0.0.1:9000")
    };
    let registration = registry.register(whole.clone()).await.unwrap();
    assert_eq!(**watched.borrow(), [Arc::new(whole)]);
    assert!(
        registry.watch(&Wanted::app("shop.order")).borrow().is_empty(),
        "the name of another app begins like this one"
    );
    registration.deregister().await.unwrap();
    assert!(watched.borrow().is_empty());
    assert!(names(&folder).is_empty());
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn the_later_of_two_with_one_id_counts_and_the_earlier_one_comes_back() {
    let folder = folder("twins");
    let registry = FileRegistry::at(&folder);
    let mut watched = registry.watch(&Wanted::app(APP));
    let old = registry.register(instance("1")).await.unwrap();
    let child = Process::registered(&folder, "1");
    let newer = Instance { version: "2".to_owned(), ..instance("1") };
    let new = registry.register(newer.clone()).await.unwrap();
    assert_eq!(**watched.borrow(), [Arc::new(newer)]);
    // The end of one that has lost its place changes nothing.
    child.end();
    assert_eq!(watched.borrow()[0].version, "2");
    drop(new);
    let version = |list: &Instances| list.iter().map(|one| one.version.clone()).collect::<Vec<_>>();
    let back = watched.wait_for(|list| version(list) == [""]);
    timeout(Duration::from_secs(5), back).await.expect("the one that is left is found").unwrap();
    old.deregister().await.unwrap();
    assert!(watched.borrow().is_empty() && names(&folder).is_empty());
}

#[tokio::test]
async fn what_somebody_removes_is_written_again() {
    let folder = folder("removed");
    let process = Process::registered(&folder, "1");
    let _own = FileRegistry::at(&folder).register(instance("2")).await.unwrap();
    for remove in [
        |folder: &Path| fs::remove_file(folder.join("shop.order.orders@1.toml")).unwrap(),
        |folder: &Path| fs::remove_dir_all(folder).unwrap(),
        // An editor saves a file of its own in place of the record.
        |folder: &Path| {
            fs::write(folder.join("edited"), "")
                .and_then(|()| fs::rename(folder.join("edited"), folder.join("shop.order.orders@1.toml")))
                .unwrap()
        },
    ] {
        remove(&folder);
        let mut watched = FileRegistry::at(&folder).watch(&Wanted::app(APP));
        becomes(&mut watched, &["1", "2"]).await;
    }
    process.end();
}

#[tokio::test]
async fn a_broken_record_hides_no_other() {
    let folder = folder("broken");
    let registry = FileRegistry::at(&folder);
    let _one = registry.register(instance("1")).await.unwrap();
    let _two = registry.register(instance("2")).await.unwrap();
    let _three = registry.register(instance("3")).await.unwrap();
    fs::write(folder.join("shop.order.orders@2.toml"), "no record").unwrap();
    fs::write(folder.join("shop.order.orders@3.toml"), [0xff]).unwrap();
    fs::create_dir(folder.join("shop.order.orders@5.toml")).unwrap();
    let mut watched = FileRegistry::at(&folder).watch(&Wanted::app(APP));
    assert_eq!(ids(&watched.borrow_and_update()), ["1"]);
    let _four = registry.register(instance("4")).await.unwrap();
    becomes(&mut watched, &["1", "4"]).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_changes_nothing_but_the_dead() {
    let folder = folder("unreadable");
    let (one, two) = (Process::registered(&folder, "1"), Process::registered(&folder, "2"));
    let mut watched = FileRegistry::at(&folder).watch(&Wanted::app(APP));
    becomes(&mut watched, &["1", "2"]).await;
    // Others may write to it now, so nothing in it can be trusted, whoever we are.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = FileRegistry::at(&folder).register(instance("3")).await.unwrap_err();
    assert_eq!(std::error::Error::source(&refused).unwrap().to_string(), "other users may write to it");
    sleep(Duration::from_millis(300)).await;
    assert_eq!(ids(&watched.borrow()), ["1", "2"]);
    one.kill();
    becomes(&mut watched, &["2"]).await;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let _three = FileRegistry::at(&folder).register(instance("3")).await.unwrap();
    becomes(&mut watched, &["2", "3"]).await;
    drop(two);
}

#[tokio::test]
async fn a_folder_that_is_none_is_refused() {
    let folder = folder("none");
    fs::create_dir_all(&folder).unwrap();
    let (file, link) = (folder.join("file"), folder.join("link"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    for path in [file, link] {
        let error = FileRegistry::at(&path).register(instance("1")).await.unwrap_err();
        let expected = format!("cannot keep a record in the folder `{}`", path.display());
        assert_eq!(error.to_string(), expected);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "it is no folder");
        assert!(FileRegistry::at(&path).watch(&Wanted::app(APP)).borrow().is_empty());
    }
}

/// What a watcher saw, and when.
type Seen = Arc<Mutex<Vec<(Instant, Vec<String>)>>>;

/// Follows the folder in another process.
fn watcher(folder: &Path) -> (Process, Seen) {
    let mut process = Process::start(folder, None);
    process.says("sees ");
    let (seen, lines) = (Seen::default(), process.lines.take().unwrap());
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some((_, list)) = line.split_once("sees ") {
                let list = list.split_whitespace().map(str::to_owned).collect();
                log.lock().unwrap().push((Instant::now(), list));
            }
        }
    });
    (process, seen)
}

/// One process of the test below: `id/version`, when it had registered, when its end began and when it was over.
struct Life {
    name: String,
    up: Instant,
    ending: Instant,
    ended: Instant,
}

/// How long a change may take to be seen; what is not the hundred milliseconds of a look is for slow machines.
const BOUND: Duration = Duration::from_secs(2);

/// Checks what a watcher saw against the lives; the longest that it took to see one come, and one go.
fn judge(seen: &[(Instant, Vec<String>)], lives: &[Life]) -> (Duration, Duration) {
    let (mut latest, mut longest) = (Duration::ZERO, Duration::ZERO);
    for life in lives {
        let is_there = |list: &[String]| list.contains(&life.name);
        let name = &life.name;
        let Some(first) = seen.iter().position(|(_, list)| is_there(list)) else {
            assert!(life.ending - life.up < BOUND, "{name} was never seen");
            continue;
        };
        let shown = seen[first].0.saturating_duration_since(life.up);
        assert!(shown < BOUND, "{name} was first seen after {shown:?}");
        let gone = seen[first..].iter().position(|(_, list)| !is_there(list)).expect("it goes");
        let (when, _) = seen[first + gone];
        assert!(when >= life.ending, "{name} was alive, seen, and then missed");
        let stayed = when.saturating_duration_since(life.ended);
        assert!(stayed < BOUND, "{name} was dead and seen for {stayed:?}");
        assert!(
            !seen[first + gone..].iter().any(|(_, list)| is_there(list)),
            "{name} came back from the dead"
        );
        (latest, longest) = (latest.max(shown), longest.max(stayed));
    }
    (latest, longest)
}

/// Processes of a few ids register, are killed, end well and start again, many of them while others clean up after them.
#[test]
#[expect(clippy::print_stdout, reason = "figures for those who ask")]
fn the_living_are_never_missed_and_the_dead_never_stay() {
    const IDS: usize = 4;
    const LIVES: usize = 120;
    let folder = folder("stress");
    let watchers = [watcher(&folder), watcher(&folder), watcher(&folder)];
    let mut random = 7_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    let mut running: [Option<(String, Instant, Process)>; IDS] = Default::default();
    let (mut lives, mut killed) = (Vec::new(), 0);
    let mut end = |(name, up, process): (String, Instant, Process), kill: bool| {
        let ending = Instant::now();
        if kill {
            killed += 1;
            process.kill();
        } else {
            process.end();
        }
        lives.push(Life { name, up, ending, ended: Instant::now() });
    };
    for version in 0..LIVES {
        let slot = usize::try_from(draw(IDS as u64)).unwrap();
        if let Some(process) = running[slot].take() {
            end(process, draw(4) > 0);
        }
        // Some stay away for a while, some are back before anybody has seen that they were gone.
        std::thread::sleep(Duration::from_millis(draw(60)));
        let name = format!("{slot}/{version}");
        let process = Process::registered(&folder, &name);
        running[slot] = Some((name, Instant::now(), process));
    }
    std::thread::sleep(BOUND);
    running.into_iter().flatten().for_each(|process| end(process, true));
    std::thread::sleep(BOUND);
    for (_process, seen) in &watchers {
        let (shown, stayed) = judge(&seen.lock().unwrap(), &lives);
        println!(
            "{} lives, {killed} killed: seen within {shown:?}, forgotten within {stayed:?}",
            lives.len()
        );
    }
    assert!(killed > LIVES / 2, "{killed}");
    assert!(names(&folder).is_empty(), "{:?}", names(&folder));
}
