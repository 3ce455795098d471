//! `alphanode jobs`, as an operator at a terminal meets it.

use std::process::Output;

use alphanode::queue::{Handler, JobError, NewJob};
use rstest::rstest;
use serde_json::{Value, json};

use crate::queue::{enqueue, jobs, named};
use crate::support::{Backend, TestStore, command};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The program over the database of a test.
struct Terminal<'test>(&'test TestStore);

impl Terminal<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        let keys = tempfile::tempdir().unwrap();
        command()
            .env("ALPHANODE_KEYS_DIRECTORY", keys.path().join("keys"))
            .args(["--database-url", self.0.url(), "jobs"])
            .args(arguments)
            .output()
            .unwrap()
    }

    /// What a command prints that must succeed.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// What a command complains about that must fail with this code.
    fn complains(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        text(&output.stderr)
    }

    fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let said = self.said(&[arguments, &["--json"]].concat());
        let lines = said.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn of_kind(kind: &'static str, name: &str) -> NewJob {
    NewJob {
        kind,
        ..named(name)
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_shown_called_off_and_tried_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let terminal = Terminal(&test);
    assert_eq!(terminal.objects(&["list"]), [] as [Value; 0]);
    enqueue(
        &test,
        [named("a"), named("b"), of_kind("similar_posts", "c")],
    )
    .await;
    let dying = Handler::new("note", "for a test", async |job: alphanode::queue::Job| {
        job.log("looks at the moon");
        Err(JobError::give_up("the moon is gone"))
    });
    test.worker("one", vec![dying])
        .run_until_idle()
        .await
        .unwrap();
    let [a, b, c] = &jobs(&test).await[..] else {
        panic!("three jobs");
    };
    let (a, b, c) = (a.id.to_string(), b.id.to_string(), c.id.to_string());

    let listed = terminal.said(&["list"]);
    assert!(listed.starts_with("JOB  KIND"), "{listed}");
    assert_eq!(listed.lines().count(), 4);
    assert!(
        listed.contains("dead") && listed.contains("the moon is gone"),
        "{listed}"
    );
    let dead = terminal.objects(&["list", "--status", "dead", "--kind", "note,import"]);
    assert_eq!(dead.len(), 2);
    assert_eq!(dead[0]["lastError"], "the moon is gone");
    assert_eq!(dead[0]["askedBy"], "command line");
    let complaint = terminal.complains(1, &["list", "--kind", "notes"]);
    assert!(
        complaint.starts_with("alphanode: there is no kind of jobs `notes`; there are"),
        "{complaint}"
    );
    assert_eq!(terminal.objects(&["list", "--limit", "1"]).len(), 1);
    let cut = terminal.run(&["list", "--limit", "1"]);
    assert!(text(&cut.stderr).contains("these are the newest 1; there are more"));
    assert_eq!(text(&terminal.run(&["list"]).stderr), "");
    assert_eq!(
        terminal
            .objects(&["list", "--since", "2100-01-01T00:00:00Z"])
            .len(),
        0
    );
    assert_eq!(terminal.objects(&["list", "--since", "30000d"]).len(), 3);
    let complaint = terminal.complains(2, &["list", "--since", "yesterday"]);
    assert!(complaint.contains("30m, 6h or 2d"), "{complaint}");
    let complaint = terminal.complains(2, &["list", "--status", "alive"]);
    assert!(
        complaint.contains("waiting, running, done, dead, cancelled"),
        "{complaint}"
    );

    let shown = terminal.said(&["show", &a]);
    for part in ["note, dead", "\"a\"", "by one: failed", "looks at the moon"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = terminal.objects(&["show", &a]).remove(0);
    assert_eq!(
        shown["attempts"][0]["logLines"][0]["text"],
        "looks at the moon"
    );
    enqueue(&test, [named(&"long ".repeat(1_000))]).await;
    let long = terminal.objects(&["list", "--limit", "1"]).remove(0);
    let shown = terminal.said(&["show", &long["id"].to_string()]);
    assert!(shown.len() < 1_500, "{shown}");
    assert!(
        shown.contains("… (5002 bytes; `--json` prints all)"),
        "{shown}"
    );
    terminal.said(&["cancel", &long["id"].to_string()]);
    let complaint = terminal.complains(1, &["show", "999"]);
    assert!(complaint.contains("there is no job 999"), "{complaint}");

    // One of two is not there: neither is changed.
    let complaint = terminal.complains(1, &["retry", &a, "999"]);
    assert!(
        complaint.contains("job 999: there is no such job; nothing was changed"),
        "{complaint}"
    );
    assert_eq!(terminal.objects(&["list", "--status", "dead"]).len(), 2);
    let said = terminal.said(&["retry", &a]);
    assert_eq!(said, format!("job {a} is due now\n"));
    let said = terminal.said(&["retry", "--kind", "note", "--since", "1h"]);
    assert!(said.ends_with("dead jobs of note are due now\n"), "{said}");
    terminal.said(&["retry", "--kind", "note"]);
    assert_eq!(terminal.objects(&["list", "--status", "dead"]).len(), 0);
    assert_eq!(
        terminal.said(&["cancel", &b, &c]),
        format!("job {b} is cancelled\njob {c} is cancelled\n")
    );
    assert_eq!(
        terminal.objects(&["list", "--status", "cancelled"]).len(),
        3
    );
    terminal.complains(2, &["cancel"]);
    terminal.complains(2, &["retry"]);
    terminal.complains(2, &["retry", &a, "--kind", "note"]);
    let complaint = terminal.complains(1, &["retry", "--kind", "notes"]);
    assert!(
        complaint.contains("there is no kind of jobs `notes`"),
        "{complaint}"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinds_and_schedules_are_turned_off_and_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let terminal = Terminal(&test);
    let paused = |objects: Vec<Value>, key: &str, name: &str| {
        let found = objects.into_iter().find(|object| object[key] == name);
        found.unwrap()["pausedBy"].clone()
    };
    let kind = || paused(terminal.objects(&["kinds"]), "kind", "similar_posts");
    assert_eq!(
        terminal.said(&["pause", "similar_posts"]),
        "similar_posts is paused\n"
    );
    assert_eq!(kind(), "command line");
    let table = terminal.said(&["kinds"]);
    assert!(table.contains("paused by command line at 2"), "{table}");
    assert!(table.contains("Computes the similar posts"), "{table}");
    assert_eq!(
        terminal.said(&["resume", "similar_posts"]),
        "similar_posts is on\n"
    );
    assert_eq!(kind(), Value::Null);
    let complaint = terminal.complains(1, &["pause", "everything"]);
    assert!(
        complaint.contains("there is no kind of jobs `everything`; there are"),
        "{complaint}"
    );
    terminal.complains(2, &["pause"]);
    terminal.complains(2, &["resume", "similar_posts", "--schedule", "x"]);

    for schedule in alphanode::domain::schedule::BUILT_IN {
        let name = schedule.name;
        let state = || paused(terminal.objects(&["schedules"]), "name", name);
        assert_eq!(state(), Value::Null);
        terminal.said(&["pause", "--schedule", name]);
        assert_eq!(state(), "command line");
        assert!(
            terminal
                .said(&["schedules"])
                .contains("paused by command line")
        );
        terminal.said(&["resume", "--schedule", name]);
        assert_eq!(state(), Value::Null);
    }
    let complaint = terminal.complains(1, &["run", "nothing"]);
    assert!(
        complaint.contains("there is no schedule `nothing`"),
        "{complaint}"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_run_here_and_now(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let terminal = Terminal(&test);
    let said = terminal.said(&["run", "--until-idle"]);
    assert!(said.ends_with("attempts; nothing else is due\n"), "{said}");
    let none = NewJob {
        payload: json!({ "postIds": [] }),
        ..of_kind("similar_posts", "")
    };
    enqueue(&test, [none]).await;
    let said = terminal.said(&["run", "--until-idle"]);
    assert!(said.ends_with("attempts; nothing else is due\n"), "{said}");
    assert!(jobs(&test).await.iter().all(|job| job.status == "done"));

    enqueue(&test, [of_kind("similar_posts", "can't be read")]).await;
    let complaint = terminal.complains(1, &["run", "--until-idle"]);
    assert!(
        complaint.contains("1 jobs died; `alphanode jobs list --status dead`"),
        "{complaint}"
    );
    terminal.complains(2, &["run"]);

    for schedule in alphanode::domain::schedule::BUILT_IN {
        let said = terminal.said(&["run", schedule.name]);
        let job = jobs(&test).await.pop().unwrap();
        assert_eq!(
            (&*job.kind, job.asked_by.as_deref()),
            (schedule.kind, Some("command line"))
        );
        assert!(
            said.contains(&format!("job {} is due now", job.id)),
            "{said}"
        );
    }
}
