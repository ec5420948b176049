//! Lines of the log, as a process writes them. In processes of their own, because a process has one standard output.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jovian_runtime::log::{JsonLines, Out};
use serde_json::{Value, json};
use tracing::{debug_span, error, info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What the child is to log.
const PART: &str = "JOVIAN_TEST_LINES";
/// As many as fill the buffer some times.
const MANY: u64 = 20_000;

#[test]
fn child_logs() {
    let Some(part) = std::env::var_os(PART) else { return };
    if part == "text" {
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Out);
        tracing_subscriber::registry().with(lines).init();
    } else {
        tracing_subscriber::registry().with(JsonLines::new()).init();
    }
    match part.to_str().unwrap() {
        "fields" => fields(),
        "many" | "text" => (0..MANY).for_each(|number| info!(number, "one of many")),
        "waits" => {
            (0..1000).for_each(|number| info!(number, "one of many"));
            info!("a little later");
            std::thread::sleep(Duration::from_secs(600));
        }
        "dies" => {
            (0..1000).for_each(|number| info!(number, "one of many"));
            error!("the last words");
            std::process::abort();
        }
        other => panic!("{other}"),
    }
    Out.flush();
}

/// Logs what it is asked for in the middle of a line.
struct Talkative;

impl fmt::Debug for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("within");
        f.write_str("a \"quoted\" \\ name\n")
    }
}

fn fields() {
    let error = std::io::Error::other("no \"room\"");
    info!(
        yes = true,
        few = -3,
        many = u64::MAX,
        half = 0.5,
        none = f64::NAN,
        word = "caf\u{e9}\t",
        "all kinds"
    );
    info!(level = "mine", target = "mine", timestamp = 1, spans = 2, "names that are taken");
    info!(error = &error as &dyn std::error::Error, "an error");
    info!(value = ?Talkative, "from within");
    let outer = info_span!("outer", id = 7, later = tracing::field::Empty);
    let _outer = outer.enter();
    debug_span!("inner", word = %"a word").in_scope(|| info!("in two spans"));
    outer.record("later", "now");
    info!(parent: &outer, "in one span");
    info!(parent: None, "in none");
}

fn start(part: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child_logs", "--exact", "--nocapture"]).env(PART, part);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// The objects that a child logs, to its end.
fn objects(part: &str) -> Vec<Value> {
    let output = start(part).wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn without_time(mut object: Value) -> Value {
    let time = object.as_object_mut().unwrap().remove("timestamp").unwrap();
    let time = time.as_str().unwrap();
    assert!(time.len() == 27 && time.ends_with('Z') && time.starts_with("20"), "{time}");
    object
}

#[test]
fn an_event_is_an_object_with_its_fields_and_its_spans() {
    let line = |fields: Value| {
        let mut object = json!({"level": "INFO", "target": "lines"});
        object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        object
    };
    let outer = json!({"name": "outer", "id": 7});
    let expected = [
        json!({"message": "all kinds", "yes": true, "few": -3, "many": u64::MAX, "half": 0.5, "none": null,
            "word": "caf\u{e9}\t"}),
        json!({"message": "names that are taken", "level_": "mine", "target_": "mine", "timestamp_": 1,
            "spans_": 2}),
        json!({"message": "an error", "error": "no \"room\""}),
        json!({"message": "within"}),
        json!({"message": "from within", "value": "a \"quoted\" \\ name\n"}),
        json!({"message": "in two spans", "spans": [outer, {"name": "inner", "word": "a word"}]}),
        json!({"message": "in one span", "spans": [{"name": "outer", "id": 7, "later": "now"}]}),
        json!({"message": "in none"}),
    ];
    let said: Vec<Value> = objects("fields").into_iter().map(without_time).collect();
    assert_eq!(said, expected.map(line));
}

#[test]
fn many_lines_are_all_there_in_their_order() {
    let numbers: Vec<u64> = objects("many").iter().map(|object| object["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..MANY).collect::<Vec<_>>());
    let output = start("text").wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("one of many")).collect();
    assert_eq!(lines.len() as u64, MANY);
    assert!(lines.iter().zip(0..).all(|(line, number)| line.ends_with(&format!(" number={number}"))));
}

#[test]
fn no_line_waits_for_long() {
    let mut child = start("waits");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = Instant::now();
    lines
        .find(|line| line.as_ref().unwrap().contains("a little later"))
        .expect("it comes, although no more do")
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_error_is_written_with_all_that_was_before_it() {
    let said = objects("dies");
    assert_eq!(said.len(), 1001, "whatever happens to the process then");
    assert_eq!(said.last().unwrap()["message"], "the last words");
}
