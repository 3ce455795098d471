//! The example of docs/importing.md runs against a real server, and imports and exports work from the
//! command line.

use std::path::Path;
use std::process::{Command, Output};

use alphanode::domain::transaction::Store;
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::jobs;
use alphanode::queue::Worker;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::support::importing::Script;
use crate::support::program;
use crate::support::socket::listen;
use crate::support::transfer::export;
use crate::support::{Backend, TestDatabase, TestServer};

/// Whether the example's own tools are there.
fn can_run() -> bool {
    let found = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    let ready = found("curl") && found("jq") && found("bash");
    if !ready {
        eprintln!("*** SKIPPED: the example takes bash, curl and jq ***");
    }
    ready
}

/// What a command says: its exit code, its standard output and its standard error.
async fn said(mut command: Command) -> (i32, String, String) {
    let output = spawn_blocking(move || command.output());
    let Output {
        status,
        stdout,
        stderr,
    } = output.await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[rstest]
#[tokio::test]
async fn the_example_imports_a_file_and_says_what_became_of_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    if !can_run() {
        return;
    }
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let address = listen(&server).await;
    let stop = CancellationToken::new();
    let worker = server
        .test
        .worker("one", jobs::handlers(&server.test.store));
    let working = tokio::spawn(worker.run(stop.clone()));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two words & more.json");
    let run = |notes: serde_json::Value, options: &[&str]| {
        std::fs::write(&file, notes.to_string()).unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/import.sh");
        let mut command = Command::new(example);
        command
            .arg(&file)
            .args(options)
            .env("ALPHANODE_URL", format!("http://{address}"))
            .env("TOKEN", &script.token)
            .env("INTERVAL", "0.1");
        said(command)
    };
    let notes = json!([{ "title": "One" }, { "titel": "Two" }]);
    let (code, out, err) = run(notes, &[]).await;
    assert_eq!(code, 2, "{out}{err}");
    assert_eq!(
        out,
        "FINISHED: 1 created, 0 updated, 0 skipped, 0 in conflict, 1 failed\n"
    );
    assert!(
        err.starts_with("two words & more.json:1: FAILED: "),
        "{err}"
    );
    let (code, out, err) = run(json!([{ "title": "One" }]), &["publish=true"]).await;
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "FINISHED: 0 created, 0 updated, 1 skipped, 0 in conflict, 0 failed\n"
    );
    let (code, _, err) = run(json!([]), &["format=yaml"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("`yaml` is no format"), "{err}");
    stop.cancel();
    working.await.unwrap();
}

#[rstest]
#[tokio::test]
async fn an_import_in_the_background_is_started_and_followed_from_the_command_line(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.json"),
        "[{\"title\": \"One\"}, {\"titel\": \"\"}]",
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("notes")).unwrap();
    std::fs::write(folder.path().join("notes/two.md"), "# Two\n\nText.\n").unwrap();
    let import = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command
            .args(["--database-url", database.url(), "import"])
            .args(arguments)
            .current_dir(folder.path());
        said(command)
    };
    let (code, out, err) = import(&["--background", "--publish", "a.json", "notes"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.starts_with("import 1: a.json and 1 more (auto), waiting, 0 of "),
        "{out}"
    );
    assert!(err.contains("alphanode import status 1"), "{err}");

    let opened = Database::open(&DatabaseOptions::new(database.url()))
        .await
        .unwrap();
    let store = Store::new(opened, Clock::system());
    let work = async || {
        let (database, clock, wake) = (
            store.database.clone(),
            store.clock.clone(),
            store.wake.clone(),
        );
        let random = ChaCha8Rng::seed_from_u64(1);
        let handlers = jobs::handlers(&store);
        let mut worker = Worker::new("one", database, clock, wake, handlers, random);
        worker.run_until_idle().await.unwrap();
    };
    work().await;
    let (code, out, err) = import(&["status", "1"]).await;
    assert_eq!(code, 0, "{err}");
    let ended = "import 1: a.json and 1 more (auto), finished; 2 created, 0 updated, 0 skipped, \
                 0 in conflict, 1 failed; 2 went live\n";
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, ended.trim_end()), "{out}");
    assert!(lines[1].starts_with("a.json:1: "), "{out}");
    assert_eq!(import(&["status"]).await.1, ended);

    let (code, _, err) = import(&["cancel", "1"]).await;
    assert_eq!(code, 1);
    assert!(
        err.starts_with("alphanode: the import is finished"),
        "{err}"
    );
    let (code, out, err) = import(&["revert", "1"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("reverting"), "{out}");
    work().await;
    assert_eq!(export(&store.database).await, "");
    let (_, out, _) = import(&["status", "1"]).await;
    assert!(
        out.contains("taken back: 2 in the trash, 0 restored, 0 kept"),
        "{out}"
    );
    // Read here, the same files bring the posts back; and that can be taken back, too.
    let (code, out, _) = import(&["--publish", "a.json", "notes"]).await;
    assert_eq!(code, 2);
    assert!(out.contains("0 created, 2 updated, 0 skipped"), "{out}");
    assert_eq!(export(&store.database).await.lines().count(), 2);
}
