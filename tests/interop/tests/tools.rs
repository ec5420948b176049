//! `jovian call` and `jovian ls` against a courier that Python serves (`python/tools_server.py`): reflection `v1alpha`, or none;
//! metadata, gzip, TLS, details of errors.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use jovian_tests_interop::courier_python;
use jovian_tests_interop::python::PythonServer;
use rcgen::{CertifiedKey, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// The program. Cargo has built it, unless these tests run alone on a fresh machine.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // The tests are in `deps`, and programs beside that.
        let program = env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("jovian");
        if !program.exists() {
            let here = env!("CARGO_MANIFEST_DIR");
            let mut cargo = std::process::Command::new(env!("CARGO"));
            let build = cargo.args(["build", "--quiet", "--package", "jovian", "--bin", "jovian"]);
            assert!(build.current_dir(here).status().unwrap().success());
        }
        program
    })
}

/// What a run of the program has said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn command(server: &PythonServer, words: &[&str]) -> Command {
    let mut command = Command::new(program());
    let target = format!("127.0.0.1:{}", server.port);
    command.arg(words[0]).arg(target).args(&words[1..]).stdin(Stdio::null()).kill_on_drop(true);
    // There is no project around.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

async fn run(server: &PythonServer, words: &[&str]) -> Said {
    let output = tokio::time::timeout(Duration::from_secs(60), command(server, words).output());
    let output = output.await.unwrap_or_else(|_| panic!("it does not end")).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A server with these arguments; nothing without a Python.
async fn serve(arguments: &[&str]) -> Option<PythonServer> {
    Some(courier_python(env!("CARGO_TARGET_TMPDIR"))?.serve_with("tools_server.py", arguments).await)
}

/// What a call that works prints.
async fn reply(server: &PythonServer, words: &[&str]) -> String {
    let said = run(server, words).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{words:?}");
    said.out
}

#[tokio::test]
async fn every_kind_of_call() {
    let Some(server) = serve(&[]).await else { return };
    let parcel = r#"{"parcel":{"id":"p-1","grams":1200,"content":"AP/+","labels":{"":"no name"},"postedAt":"1969-12-31T23:59:59.000000001Z","sides":[1.5,-0.0,1e300],"floor":"-2","locker":{"house":"Gare d'Été","number":4294967295}}}"#;
    let weighed = reply(&server, &["call", "Courier/Weigh", "-d", parcel, "--compact"]).await;
    let same: serde_json::Value = serde_json::from_str(&weighed).unwrap();
    assert_eq!(same, serde_json::from_str::<serde_json::Value>(parcel).unwrap());
    let parcels = r#"{"grams": 1} {"grams": 2}"#;
    assert_eq!(
        reply(&server, &["call", "Courier/Load", "-d", parcels, "--compact"]).await,
        "{\"parcels\":2,\"grams\":\"3\"}\n"
    );
    let stops = reply(&server, &["call", "Courier/Track", "-d", r#"{"stops": 3}"#, "--compact"]).await;
    assert_eq!(stops, "{\"number\":1}\n{\"number\":2}\n{\"number\":3}\n");
    let sums = reply(&server, &["call", "Courier/Relay", "-d", parcels, "--compact"]).await;
    assert_eq!(sums, "{\"parcels\":1,\"grams\":\"1\"}\n{\"parcels\":2,\"grams\":\"3\"}\n");
}

/// Python knows `v1alpha` alone, and this server says nothing of its health.
#[tokio::test]
async fn older_reflection_is_enough() {
    let Some(server) = serve(&[]).await else { return };
    let listed = reply(&server, &["ls"]).await;
    assert!(
        listed.contains("\ninterop.courier.v1.Courier\n  Weigh  unary          WeighRequest -> WeighReply\n"),
        "{listed}"
    );
    let parcel = reply(&server, &["ls", "interop.courier.v1.Parcel"]).await;
    for line in [
        "  map<string, string> labels = 4;",
        "  google.protobuf.Timestamp posted_at = 5;",
        "  repeated double sides = 6;",
        "  optional sint64 floor = 7;",
        "  oneof destination {\n    string address = 8;\n    Locker locker = 9;\n  }",
        "  message Locker {\n    string house = 1;\n    fixed32 number = 2;\n  }",
    ] {
        assert!(parcel.contains(line), "{line} is not in\n{parcel}");
    }
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let Some(server) = serve(&[]).await else { return };
    let words = ["call", "Courier/Track", "-d", r#"{"stops": 1}"#, "--compact", "-v", "--timeout", "5s"];
    let headers = ["-H", "x-note: a, b; c=d", "-H", "x-note: twice", "-H", "x-token-bin: AP/+"];
    let said = run(&server, &[&words[..], &headers[..]].concat()).await;
    assert_eq!((said.code, said.out.as_str()), (0, "{\"number\":1}\n"));
    for line in [
        "< x-note-echo: a, b; c=d|twice",
        "< x-token-echo: 00fffe",
        "< x-done: yes",
        "< x-token-bin: AP/+Cj0",
    ] {
        assert!(
            said.err.lines().any(|shown| shown.trim_end_matches('=') == line),
            "{line} is not in\n{}",
            said.err
        );
    }
    let left = said.err.lines().find_map(|line| line.strip_prefix("< x-remaining-ms: ")).unwrap();
    assert!((1..=5000).contains(&left.parse::<u32>().unwrap()), "{left}");
}

#[tokio::test]
async fn errors_are_told_in_the_words_of_their_idl() {
    let Some(server) = serve(&[]).await else { return };
    let weigh = |ending: &str| format!(r#"{{"parcel": {{"id": "p", "grams": 9}}, "ending": "{ending}"}}"#);
    for (ending, code, text) in [
        (
            "ENDING_TOO_HEAVY",
            73,
            "error[PARCEL_TOO_HEAVY] 422 parcel p weighs 9 g   (domain interop.courier, not retryable)\n  grams = 9\n  id = p\n",
        ),
        (
            "ENDING_UNKNOWN_JOURNEY",
            69,
            "error[JOURNEY_UNKNOWN] 404 JOURNEY_UNKNOWN   (domain interop.courier, not retryable)\n",
        ),
        ("ENDING_NEWER_REASON", 72, "error[VAN_FULL] 429 no room   (domain interop.courier)\n  van = 7\n"),
        (
            "ENDING_OTHER_DOMAIN",
            73,
            "error[PARCEL_TOO_HEAVY] 400 too heavy   (domain interop.bakery)\n  grams = 9\n  id = p\n",
        ),
        ("ENDING_PLAIN", 75, "error[OUT_OF_RANGE] 400 beyond the map\n"),
    ] {
        let said = run(&server, &["call", "Courier/Weigh", "-d", &weigh(ending)]).await;
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (code, "", text), "{ending}");
    }
    // After replies that were printed.
    let said =
        run(&server, &["call", "Courier/Track", "-d", r#"{"stops": 1, "ending": 5}"#, "--compact"]).await;
    assert_eq!((said.code, said.out.as_str()), (75, "{\"number\":1}\n"));
}

#[tokio::test]
async fn details_are_decoded() {
    let Some(server) = serve(&[]).await else { return };
    let many = ["call", "Courier/Weigh", "-d", r#"{"parcel": {"id": "many"}}"#];
    let said = run(&server, &many).await;
    let expected = "error[TOO_MANY] 429 no more   (domain elsewhere.example)
  limit = 3
  google.rpc.RetryInfo {\"retryDelay\":\"1.500s\"}
  google.rpc.BadRequest {\"fieldViolations\":[{\"description\":\"is big\",\"field\":\"parcel\"}]}
  interop.courier.v1.Stop {\"number\":7}
  nowhere.Known, 3 bytes that nobody here can read
";
    assert_eq!((said.code, said.err.as_str()), (72, expected));
    let said = run(&server, &[&many[..], &["--format", "json"]].concat()).await;
    let status: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    let status = &status["status"];
    assert_eq!((&status["code"], &status["reason"]), (&"RESOURCE_EXHAUSTED".into(), &"TOO_MANY".into()));
    assert_eq!(status["details"][0]["value"]["retryDelay"], "1.500s");
    assert_eq!(status["details"][3]["type"], "type.googleapis.com/nowhere.Known");
}

#[tokio::test]
async fn compressed_replies_are_read() {
    let Some(server) = serve(&["gzip"]).await else { return };
    let label = "again and again ".repeat(1000);
    let request = format!(r#"{{"parcel": {{"labels": {{"long": "{label}"}}}}}}"#);
    let said = run(&server, &["call", "Courier/Weigh", "-d", &request, "-v"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("< grpc-encoding: gzip"), "{}", said.err);
    assert!(said.out.contains(&label));
}

#[tokio::test]
async fn without_reflection_there_is_idl() {
    let Some(server) = serve(&["silent"]).await else { return };
    let weigh = ["call", "Courier/Weigh", "-d", r#"{"ending": "ENDING_UNKNOWN_JOURNEY"}"#];
    let said = run(&server, &weigh).await;
    assert_eq!(said.code, 2);
    assert!(said.err.contains("error[J0402]: the server does not say what it serves"), "{}", said.err);
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto").display().to_string();
    let said = run(&server, &[&weigh[..], &["--proto", &proto]].concat()).await;
    assert_eq!(said.code, 69);
    assert!(said.err.contains("(domain interop.courier, not retryable)"), "{}", said.err);
    // In a project, its IDL is taken without being asked for.
    let project = TempDir::new().unwrap();
    fs::write(project.path().join("jovian.toml"), format!("inputs = [{proto:?}]\nout = \"src\"\n")).unwrap();
    let output = command(&server, &weigh).current_dir(project.path()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert_eq!(run(&server, &["ls", "--proto", &proto, "Courier"]).await.code, 0);
}

/// Whoever gives a call up tells the server.
#[tokio::test]
async fn what_is_given_up_is_cancelled() {
    let Some(mut server) = serve(&[]).await else { return };
    let track = ["call", "Courier/Track", "-d", r#"{"stops": 1000000, "holdMs": 5}"#, "--compact"];
    let said = run(&server, &[&track[..], &["--timeout", "300ms"]].concat()).await;
    assert_eq!(said.code, 68, "{}", said.err);
    assert_eq!(server.line().await, "cancelled");
    let mut process = command(&server, &track).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stops = BufReader::new(process.stdout.take().unwrap()).lines();
    assert_eq!(stops.next_line().await.unwrap().as_deref(), Some("{\"number\":1}"));
    let kill = Command::new("kill").args(["-INT", &process.id().unwrap().to_string()]).status().await;
    assert!(kill.unwrap().success());
    assert_eq!(server.line().await, "cancelled");
    assert_eq!(process.wait().await.unwrap().code(), Some(65));
}

/// A certificate that is its own authority, and its key, as files.
struct Identity {
    dir: TempDir,
}

impl Identity {
    fn new(name: &str) -> Self {
        let CertifiedKey { cert, signing_key }: CertifiedKey<KeyPair> =
            rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("cert.pem"), cert.pem()).unwrap();
        fs::write(dir.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        Self { dir }
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

#[tokio::test]
async fn tls_is_spoken() {
    let own = Identity::new("shop.example");
    let (cert, key) = (own.file("cert.pem"), own.file("key.pem"));
    let Some(server) = serve(&[&format!("tls={cert}:{key}")]).await else { return };
    let call =
        async |more: &[&str]| run(&server, &[&["call", "Courier/Load", "--compact"], more].concat()).await;
    let said = call(&["--cacert", &cert, "--server-name", "shop.example"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "{\"parcels\":1}\n"), "{}", said.err);
    let said = call(&["--tls", "--insecure-skip-verify"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    for (more, problem) in [
        (&["--cacert", cert.as_str()][..], "certificate not valid for name"),
        (&["--tls", "--server-name", "shop.example"], "invalid peer certificate"),
        (&[], "the connection broke"),
        (&["--cacert", key.as_str()], "there is no certificate in it"),
    ] {
        let said = call(more).await;
        assert!(said.err.contains(problem), "{more:?}: {}", said.err);
        assert_eq!(said.code, if more.last() == Some(&key.as_str()) { 2 } else { 78 });
    }
}

#[tokio::test]
async fn a_server_may_ask_for_a_certificate() {
    let (own, client) = (Identity::new("localhost"), Identity::new("client.example"));
    let (cert, key) = (own.file("cert.pem"), own.file("key.pem"));
    let clients = format!("clients={}", client.file("cert.pem"));
    let Some(server) = serve(&[&format!("tls={cert}:{key}"), &clients]).await else { return };
    let call = ["call", "Courier/Load", "--compact", "--cacert", &cert, "--server-name", "localhost"];
    let said = run(&server, &call).await;
    assert_eq!(said.code, 78, "{}", said.err);
    let (cert, key) = (client.file("cert.pem"), client.file("key.pem"));
    let said = run(&server, &[&call[..], &["--cert", &cert, "--key", &key]].concat()).await;
    assert_eq!((said.code, said.out.as_str()), (0, "{\"parcels\":1}\n"), "{}", said.err);
}
