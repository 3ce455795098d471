//! `alphanode doctor` finds what is wrong, says what to do, and changes nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use alphanode::domain::actor::Actor;
use alphanode::domain::api_token::{self, NewApiToken};
use alphanode::domain::permission::{Action, Role, Scope};
use alphanode::domain::transaction::Transaction;
use alphanode::domain::user::{self, NewUser};
use alphanode::domain::webhook::{self, NewEndpoint};
use migration::{Migrator, MigratorTrait};
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Backend, TestStore, command};

/// A person who runs the doctor over a database.
struct Operator<'test> {
    url: &'test str,
    folder: TempDir,
}

impl<'test> Operator<'test> {
    fn of(url: &'test str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url, folder }
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    fn command(&self) -> Command {
        let mut command = command();
        command
            .current_dir(self.folder.path())
            .env("ALPHANODE_DATABASE_URL", self.url)
            .env("ALPHANODE_KEYS_DIRECTORY", self.keys())
            // Nobody listens there.
            .env("ALPHANODE_LISTEN", "127.0.0.1:1");
        command
    }

    fn doctor(&self, arguments: &[&str]) -> Output {
        self.command()
            .arg("doctor")
            .args(arguments)
            .output()
            .unwrap()
    }

    /// All checks.
    fn checks(&self) -> Vec<Value> {
        checks(&self.doctor(&["--json"]))
    }

    /// One of them.
    fn check(&self, name: &str) -> Value {
        checks(&self.doctor(&["--json", "--only", name])).remove(0)
    }

    #[track_caller]
    fn finds(&self, name: &str, state: &str, found: &str) {
        let check = self.check(name);
        assert_eq!(check["state"], state, "{check:#}");
        let text = check["found"].as_str().unwrap();
        assert!(text.contains(found), "{check:#}");
        let remedy = ["warn", "fail"].contains(&state);
        assert_eq!(check["remedy"].is_string(), remedy, "{check:#}");
    }
}

fn checks(output: &Output) -> Vec<Value> {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let checks = report["checks"].as_array().unwrap().clone();
    for state in ["ok", "warn", "fail", "skip"] {
        let count = checks
            .iter()
            .filter(|check| check["state"] == state)
            .count();
        assert_eq!(report[state], count, "{state}");
    }
    checks
}

fn names(checks: &[Value], state: &str) -> Vec<String> {
    let of_state = checks.iter().filter(|check| check["state"] == state);
    of_state
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect()
}

async fn run_sql(test: &TestStore, sql: &str) {
    let writer = test.store.database.writer();
    writer.execute_unprepared(sql).await.unwrap();
}

#[tokio::test]
async fn the_checklist_names_every_check() {
    let test = TestStore::create(Backend::Sqlite).await.unwrap();
    let checks = Operator::of(test.url()).checks();
    let names: Vec<&str> = checks
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    let guide = fs::read_to_string("../docs/security.md").unwrap();
    let sections = guide.split("\n## ").skip(1).flat_map(str::lines);
    let rows: Vec<Vec<&str>> = sections
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let listed: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(listed, names);
    for row in rows {
        assert!(
            row.len() == 3 && row.iter().all(|cell| !cell.is_empty()),
            "{row:?}"
        );
    }
}

#[rstest]
#[tokio::test]
async fn nothing_fails_in_a_good_installation(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let operator = Operator::of(test.url());
    if backend == Backend::Sqlite {
        let file = test.url().strip_prefix("sqlite:").unwrap();
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::set_permissions(format!("{file}{ending}"), Permissions::from_mode(0o600));
        }
    }
    operator
        .command()
        .args(["keys", "rotate"])
        .output()
        .unwrap();
    let admin = "INSERT INTO \"user\" (email, email_key, name, role, password_hash, created_at)
        VALUES ('a@example.org', 'a@example.org', 'A', 'admin', 'hash', '2026-06-01 12:00:00+00:00')";
    run_sql(&test, admin).await;
    let output = operator
        .command()
        .env("ALPHANODE_MODE", "production")
        .env("ALPHANODE_PUBLIC_URL", "https://cms.example.org")
        .env("ALPHANODE_SITE_URL", "https://example.org")
        .env("ALPHANODE_TRUSTED_PROXIES", "10.0.0.1")
        .args(["doctor", "--json"])
        .output()
        .unwrap();
    let checks = checks(&output);
    let mut failures = names(&checks, "fail");
    // The PostgreSQL of the tests keeps nothing safe, and says so.
    failures.retain(|name| backend == Backend::Sqlite || name != "durability");
    assert_eq!(failures, [""; 0], "{checks:#?}");
    // No process with workers has run here.
    let mut warnings = names(&checks, "warn");
    warnings.retain(|name| name != "disk");
    assert_eq!(warnings, ["workers"], "{checks:#?}");
    assert_eq!(output.status.success(), backend == Backend::Sqlite);
    let strict = operator.doctor(&["--strict", "--only", "workers"]);
    assert_eq!(strict.status.code(), Some(1));
    let table = operator.doctor(&["--only", "workers,indexes"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.starts_with("CHECK    STATE  FOUND\n"), "{table}");
    assert!(table.contains("workers  WARN   no process"), "{table}");
    assert!(
        table.contains("         -> start `alphanode worker`"),
        "{table}"
    );
    assert!(table.contains("indexes  OK"), "{table}");
    assert!(table.ends_with("0 failed, 1 to look at, 1 as they should be, 0 not made\n"));
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let operator = Operator::of("sqlite:nowhere.db");
    let checks = operator.checks();
    assert_eq!(names(&checks, "fail"), ["database"], "{checks:#?}");
    assert!(names(&checks, "skip").contains(&"indexes".to_owned()));
    assert!(!operator.folder.path().join("nowhere.db").exists());

    let broken = Operator::of("mysql://x");
    let output = broken.doctor(&["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let found = names(&crate::doctor::checks(&output), "fail");
    assert_eq!(found, ["settings", "database"]);
    broken.finds("settings", "fail", "begin it with sqlite: or postgres://");

    let complaint = operator.doctor(&["--only", "everything"]);
    assert_eq!(complaint.status.code(), Some(2));
}

#[tokio::test]
async fn settings_that_are_not_for_the_public_are_found() {
    let test = TestStore::create(Backend::Sqlite).await.unwrap();
    let operator = Operator::of(test.url());
    let finds = |variables: &[(&str, &str)], name: &str, state: &str, found: &str| {
        let mut command = operator.command();
        let output = command
            .envs(variables.iter().copied())
            .args(["doctor", "--json", "--only", name])
            .output()
            .unwrap();
        let check = checks(&output).remove(0);
        let text = check["found"].as_str().unwrap();
        assert!(check["state"] == state && text.contains(found), "{check:#}");
    };
    let production = ("ALPHANODE_MODE", "production");
    finds(&[], "mode", "warn", "development");
    finds(&[production], "mode", "ok", "production");
    finds(
        &[("ALPHANODE_MOOD", "x")],
        "settings",
        "warn",
        "ALPHANODE_MOOD",
    );
    finds(&[], "public-url", "ok", "127.0.0.1");
    finds(&[production], "public-url", "fail", "not set");
    let url = ("ALPHANODE_PUBLIC_URL", "http://cms.example.org");
    finds(&[production, url], "public-url", "fail", "not encrypted");
    finds(&[url], "public-url", "warn", "not encrypted");
    finds(&[production], "site-url", "fail", "leads nowhere");
    let url = ("ALPHANODE_PUBLIC_URL", "https://cms.example.org");
    finds(&[url], "proxies", "warn", "counts as one client");
    let everybody = ("ALPHANODE_TRUSTED_PROXIES", "0.0.0.0");
    finds(&[everybody], "proxies", "fail", "every address");
    finds(
        &[("ALPHANODE_READ_TIMEOUT_SECONDS", "90")],
        "limits",
        "warn",
        "more than 30",
    );
    finds(
        &[("ALPHANODE_READ_TIMEOUT_SECONDS", "20")],
        "limits",
        "warn",
        "a whole request",
    );
    let unlimited = ("ALPHANODE_RATE_LIMIT_POINTS_PER_MINUTE", "0");
    finds(&[unlimited], "limits", "warn", "is 0");
    let open = ("ALPHANODE_CORS_ORIGINS", "http://site.example.org");
    finds(&[production, open], "cors-origins", "warn", "http://site");
    finds(&[open], "cors-origins", "ok", "http://site");
    let network = ("ALPHANODE_WEBHOOK_ALLOWED_HOSTS", "10.0.0.0/8");
    finds(&[network], "webhook-hosts", "warn", "10.0.0.0/8");
    let host = (
        "ALPHANODE_WEBHOOK_ALLOWED_HOSTS",
        "site.internal,10.1.2.0/24",
    );
    finds(&[host], "webhook-hosts", "ok", "site.internal");
}

#[tokio::test]
async fn files_that_others_can_read_are_found() {
    let test = TestStore::create(Backend::Sqlite).await.unwrap();
    let operator = Operator::of(test.url());
    let file = test.url().strip_prefix("sqlite:").unwrap().to_owned();
    let allow = |path: &str, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    allow(&file, 0o644);
    operator.finds("database-file", "fail", "alphanode.db is 0644");
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::set_permissions(format!("{file}{ending}"), Permissions::from_mode(0o640));
    }
    operator.finds("database-file", "ok", "only its owner");

    operator.finds("keys-directory", "skip", "the first `alphanode serve`");
    operator.finds("signing-key", "skip", "none yet");
    operator
        .command()
        .args(["keys", "rotate"])
        .output()
        .unwrap();
    operator.finds("keys-directory", "ok", "for its owner alone");
    operator.finds("signing-key", "ok", "0 days old");
    let keys = operator.keys();
    let key = fs::read_dir(&keys).unwrap().next().unwrap().unwrap().path();
    allow(key.to_str().unwrap(), 0o640);
    operator.finds("keys-directory", "fail", "is 0640");
    fs::rename(&key, keys.join("20200101T000000.000000Z-abcdefgh.pk8")).unwrap();
    operator.finds("signing-key", "warn", "days old");

    operator.finds("settings-file", "skip", "there is no alphanode.toml");
    let settings = operator.folder.path().join("alphanode.toml");
    fs::write(&settings, "readers = 4\n").unwrap();
    let settings = settings.to_str().unwrap();
    allow(settings, 0o644);
    operator.finds("settings-file", "ok", "gives nothing away");
    allow(settings, 0o666);
    operator.finds("settings-file", "fail", "others may write");
    fs::write(settings, "database_url = 'postgres://a:secret@host/name'\n").unwrap();
    allow(settings, 0o644);
    operator.finds("settings-file", "fail", "holds the password");
    allow(settings, 0o600);
    operator.finds("settings-file", "ok", "gives nothing away");
    let output = operator.doctor(&[
        "--database-url",
        "postgres://a:secret@127.0.0.1:1/name",
        "--json",
        "--only",
        "settings-file",
    ]);
    let check = checks(&output).remove(0);
    assert_eq!(check["state"], "warn");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("secret"));
}

#[test]
fn a_new_file_is_for_its_owner_alone() {
    let operator = Operator::of("sqlite:data/new.db");
    let output = operator.command().args(["migrate", "up"]).output().unwrap();
    assert!(output.status.success());
    let file = operator.folder.path().join("data/new.db");
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    operator.finds("database-file", "ok", "only its owner");
    operator.finds(
        "disk",
        check_state(&operator, "disk").as_str(),
        "free; the database has",
    );
    operator.finds("wal", "ok", "write-ahead log");
}

/// Disks are as full as they are.
fn check_state(operator: &Operator<'_>, name: &str) -> String {
    operator.check(name)["state"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn a_database_that_is_not_as_it_should_be_is_found(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let operator = Operator::of(test.url());
    operator.finds(
        "database",
        "ok",
        if backend == Backend::Sqlite {
            "SQLite 3"
        } else {
            "PostgreSQL"
        },
    );
    operator.finds("indexes", "ok", "11 promised lists");
    run_sql(&test, "DROP INDEX post_content_by_tool").await;
    operator.finds("indexes", "fail", "newest of a tool");

    // What was written before the clock was set back.
    operator.finds("clock", "ok", "");
    run_sql(
        &test,
        "INSERT INTO audit_event (at, actor, action, subject, subject_id)
         VALUES ('2199-01-01 00:00:00+00:00', 'x', 'x', 'x', 0)",
    )
    .await;
    operator.finds("clock", "fail", "2199-01-01");

    if backend == Backend::Sqlite {
        operator.finds("statistics", "ok", "no samples");
    }
    let connection = test.database.connect().await;
    Migrator::down(&connection, Some(1)).await.unwrap();
    connection.close().await.unwrap();
    operator.finds("migrations", "fail", "1 are pending");
    assert_eq!(operator.doctor(&[]).status.code(), Some(1));
}

#[rstest]
#[tokio::test]
async fn people_tokens_and_endpoints_that_need_a_look_are_found(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let operator = Operator::of(test.url());
    operator.finds("admins", "fail", "0 can sign in");
    operator.finds("setup-link", "warn", "there are no users, and no link");
    // The real clock, for the doctor has it too.
    let store = alphanode::domain::transaction::Store::new(
        test.store.database.clone(),
        alphanode::foundation::clock::Clock::system(),
    );
    alphanode::domain::one_time_link::set_up(&store)
        .await
        .unwrap();
    operator.finds("setup-link", "warn", "is the first admin");

    let mut change = Transaction::begin(&store, Actor::CommandLine, Action::ManageUsers)
        .await
        .unwrap();
    let new = NewUser {
        email: "a@example.org".into(),
        name: "A".into(),
        role: Role::Admin,
    };
    let user = user::create(&mut change, new).await.unwrap();
    change.commit().await.unwrap();
    operator.finds("admins", "fail", "1 have not followed");
    operator.finds("setup-link", "ok", "there are users");

    operator.finds("endless-tokens", "ok", "");
    let mut change = Transaction::begin(&store, Actor::CommandLine, Action::ManageOwnTokens)
        .await
        .unwrap();
    let new = NewApiToken {
        user_id: user.id,
        name: "nightly".into(),
        scopes: vec![Scope::Import],
        expires_at: None,
    };
    api_token::create(&mut change, new).await.unwrap();
    change.commit().await.unwrap();
    operator.finds("endless-tokens", "warn", "(nightly)");
    operator.finds("unused-tokens", "ok", "");
    run_sql(
        &test,
        "UPDATE api_token SET created_at = '2026-01-01 00:00:00+00:00'",
    )
    .await;
    operator.finds("unused-tokens", "warn", "(nightly)");

    operator.finds("failing-webhooks", "ok", "");
    let mut change = Transaction::begin(&store, Actor::CommandLine, Action::ManageWebhooks)
        .await
        .unwrap();
    let new = NewEndpoint {
        url: "https://receiver.example/hook?secret=1".into(),
        ..NewEndpoint::default()
    };
    webhook::create(&mut change, new).await.unwrap();
    change.commit().await.unwrap();
    operator.finds("webhook-https", "ok", "");
    run_sql(
        &test,
        "UPDATE webhook_endpoint SET failing_since = '2026-06-01 00:00:00+00:00',
            url = 'http://receiver.example/hook?secret=1', created_at = '2025-01-01 00:00:00+00:00'",
    )
    .await;
    operator.finds(
        "failing-webhooks",
        "warn",
        "http://receiver.example/hook (since 2026-06-01",
    );
    operator.finds(
        "webhook-https",
        "warn",
        "receiver.example/hook (not encrypted)",
    );
    operator.finds("webhook-secrets", "warn", "days old");
    operator.finds("switched-off-webhooks", "ok", "");
    run_sql(
        &test,
        "UPDATE webhook_endpoint SET enabled = false, disabled_reason = 'it failed',
            disabled_at = '2026-06-02 00:00:00+00:00'",
    )
    .await;
    operator.finds("switched-off-webhooks", "warn", "it failed");
    operator.finds("webhook-https", "ok", "");
}

#[rstest]
#[tokio::test]
async fn work_that_is_not_done_is_found(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let operator = Operator::of(test.url());
    for name in ["dead-jobs", "overdue-jobs", "paused-jobs", "publications"] {
        operator.finds(name, "ok", "");
    }
    crate::queue::enqueue(&test, [crate::queue::named("a")]).await;
    run_sql(&test, "UPDATE job SET due_at = 1780000000000000").await;
    operator.finds("overdue-jobs", "fail", "since 2026-05-28");
    operator.finds("workers", "fail", "no worker holds any");
    let set_aside = operator
        .command()
        .args(["jobs", "pause", "similar_posts"])
        .output();
    assert!(set_aside.unwrap().status.success());
    operator.finds("paused-jobs", "warn", "similar_posts by command line");
    operator.finds("switched-off-cache-rules", "ok", "every rule is on");
    run_sql(
        &test,
        "UPDATE cache_rule SET enabled = FALSE, disabled_reason = 'old prices' WHERE name = 'search'",
    )
    .await;
    operator.finds("switched-off-cache-rules", "warn", "search: old prices");
    run_sql(
        &test,
        "UPDATE job SET status = 'dead', finished_at = 1780000000000000",
    )
    .await;
    operator.finds("dead-jobs", "warn", "1 are dead");
    let run = operator.command().args(["jobs", "schedules"]).output();
    assert!(run.unwrap().status.success());
    operator.finds("workers", "ok", "nothing that workers should do is late");
    run_sql(&test, "UPDATE schedule SET next_run_at = 1780000000000000").await;
    operator.finds("workers", "fail", "no process runs the schedules");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_asked_what_it_tells_strangers() {
    use std::io::BufRead;
    let test = TestStore::create(Backend::Sqlite).await.unwrap();
    let operator = Operator::of(test.url());
    let strangers = ["server", "headers", "introspection", "graphiql", "cors"];
    for name in strangers {
        operator.finds(name, "skip", "nothing answers");
    }
    let nobody = operator.doctor(&["--only", "server", "--url", "http://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(1));

    for (mode, states) in [
        ("production", ["ok"; 5]),
        ("development", ["ok", "ok", "warn", "warn", "ok"]),
    ] {
        let mut server = operator
            .command()
            .env("ALPHANODE_MODE", mode)
            .args(["serve", "--listen", "127.0.0.1:0", "--no-worker"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(server.stderr.take().unwrap()).lines();
        let api = lines.next().unwrap().unwrap();
        let url = api.split_whitespace().last().unwrap();
        let url = url.trim_end_matches("/graphql");
        let only = strangers.join(",");
        let output = operator.doctor(&["--json", "--url", url, "--only", &only]);
        let checks = checks(&output);
        let found: Vec<&str> = checks
            .iter()
            .map(|check| check["state"].as_str().unwrap())
            .collect();
        server.kill().unwrap();
        server.wait().unwrap();
        assert_eq!(found, states, "{checks:#?}");
    }
}
