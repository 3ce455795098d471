//! The program as a person at a terminal or a script meets it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use migration::{Migrator, MigratorTrait};
use rstest::rstest;

use crate::support::{Backend, TestDatabase, command};

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[rstest]
#[tokio::test]
async fn migrate_goes_up_and_down_and_says_where_it_stands(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::empty(backend).await else {
        return;
    };
    let migrate = |action: &[&str]| {
        let arguments = [&["--database-url", database.url(), "migrate"], action].concat();
        let output = run(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let all = Migrator::migrations();
    assert_eq!(migrate(&["status"]).matches("Pending").count(), all.len());
    assert_eq!(migrate(&["up"]).matches("applied").count(), all.len());
    assert_eq!(migrate(&["up"]), "the schema is the newest already\n");
    let last_but_one = all[all.len() - 2].name();
    let undone = migrate(&["down", "--steps", "2"]);
    assert!(
        undone.contains(&format!("undid {last_but_one}")),
        "{undone}"
    );
    assert_eq!(migrate(&["status"]).matches("Pending").count(), 2);

    // Content needs the newest schema; a SQLite file with one is not touched.
    let publish = run(&["--database-url", database.url(), "publish", "anything"]);
    assert!(!publish.status.success());
    let said = text(&publish.stderr);
    assert!(
        said.contains("2 migrations behind; run `alphanode migrate up`"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_used_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let settings = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = run(&["--config", file.to_str().unwrap(), "migrate", "status"]);
        assert!(!output.status.success());
        crate::command_line::text(&output.stderr)
    };
    assert!(settings("databse_url = 'x'").contains("`databse_url` is no setting; there are"));
    assert!(
        settings("database_url = 'mysql://x'").contains("begin it with sqlite: or postgres://")
    );
    assert!(settings("listen = 'localhost'").contains("give an address and a port"));
    assert!(settings("readers = 'many'").contains("readers"));
    let missing = run(&["--config", "/nowhere.toml", "migrate", "status"]);
    assert!(text(&missing.stderr).contains("nowhere.toml"));
}

#[rstest]
#[tokio::test]
async fn publishing_what_is_not_there_publishes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let output = run(&["--database-url", database.url(), "publish", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no post has the reference, source id or slug `nobody`"));
}

#[rstest]
#[tokio::test]
async fn serve_answers_until_it_is_told_to_stop(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let keys = tempfile::tempdir().unwrap();
    let mut server = command()
        .env("ALPHANODE_KEYS_DIRECTORY", keys.path().join("keys"))
        .args([
            "--database-url",
            database.url(),
            "serve",
            "--listen",
            "127.0.0.1:0",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stderr.take().unwrap()).lines();
    // The log goes there too, whenever a job has ended.
    let mut lines = lines.filter(|line| !line.as_ref().unwrap().contains("alphanode::queue"));
    let api = lines
        .next()
        .unwrap_or_else(|| panic!("{:?}", server.wait()))
        .unwrap();
    let address = api
        .split("http://")
        .nth(1)
        .unwrap()
        .trim_end_matches("/graphql")
        .to_owned();
    assert!(lines.next().unwrap().unwrap().contains("GraphiQL"));
    assert!(
        lines
            .next()
            .unwrap()
            .unwrap()
            .contains("/healthz and /readyz")
    );
    // Nobody may sign in yet: the first admin is made by a link.
    let set_up = lines.next().unwrap().unwrap();
    let link = set_up.split_whitespace().last().unwrap();
    let path = link.strip_prefix(&format!("http://{address}")).unwrap();
    assert_eq!(path.len(), "/link/".len() + 43, "{set_up}");
    assert!(lines.next().unwrap().unwrap().contains("good once"));
    assert_eq!(
        std::fs::read_dir(keys.path().join("keys")).unwrap().count(),
        1
    );

    let mut connection = TcpStream::connect(&address).unwrap();
    let body = r#"{"query":"query Count { posts { totalCount } }"}"#;
    let length = body.len();
    write!(
        connection,
        "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.ends_with(r#"{"data":{"posts":{"totalCount":0}}}"#),
        "{answer}"
    );
    let logged = lines.next().unwrap().unwrap();
    assert!(
        logged.contains("operation=\"Count\"") && logged.contains("statements=2"),
        "{logged}"
    );

    let stopped = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    assert!(server.wait().unwrap().success());
}

#[rstest]
#[tokio::test]
async fn users_and_tokens_are_managed_from_the_terminal(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let run = |arguments: &[&str]| run(&[&["--database-url", database.url()], arguments].concat());
    let said = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let create = [
        "user",
        "create",
        "ada@example.org",
        "--name",
        "Ada",
        "--role",
        "admin",
    ];
    assert!(said(&create).starts_with("http://127.0.0.1:8080/link/"));
    let again = run(&create);
    assert!(!again.status.success());
    assert!(text(&again.stderr).contains("email: somebody has this address already"));
    assert!(said(&["user", "reset-link", "ADA@example.org"]).contains("/link/"));
    assert_eq!(
        said(&["user", "list"]),
        "admin    invited  ada@example.org (Ada)\n"
    );

    let token = [
        "--user",
        "ada@example.org",
        "--name",
        "nightly",
        "--days",
        "30",
    ];
    let scopes = ["--scopes", "posts:write,admin"];
    let token = said(&[&["token", "create"][..], &token, &scopes].concat());
    assert!(token.starts_with("anp_"), "{token}");
    let listed = said(&["token", "list"]);
    assert!(
        listed.contains(&token[..10]) && !listed.contains(token.trim()),
        "{listed}"
    );
    assert!(listed.contains("good") && listed.contains("posts:write,admin (nightly)"));
    let number = listed.split_whitespace().next().unwrap();
    said(&["token", "revoke", number]);
    assert!(said(&["token", "list"]).contains("revoked"));
    let unknown = run(&[
        "token", "create", "--user", "x", "--name", "x", "--scopes", "all",
    ]);
    assert!(text(&unknown.stderr).contains("posts:read-drafts, posts:write"));

    assert_eq!(
        said(&["user", "disable", "ada@example.org"]),
        "disabled ada@example.org\n"
    );
    assert!(said(&["user", "list"]).contains("disabled"));
    let shut_out = run(&["user", "reset-link", "ada@example.org"]);
    assert!(text(&shut_out.stderr).contains("enable them first"));
}

#[test]
fn keys_are_rotated_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let keys = |action: &str, proxies: &str| {
        command()
            .env("ALPHANODE_KEYS_DIRECTORY", folder.path().join("keys"))
            .env("ALPHANODE_TRUSTED_PROXIES", proxies)
            .args(["keys", action])
            .output()
            .unwrap()
    };
    assert_eq!(text(&keys("list", "10.0.0.1").stdout), "");
    let added = text(&keys("rotate", "10.0.0.1,::1").stdout);
    let id = added.strip_prefix("added ").unwrap().trim();
    assert_eq!(
        text(&keys("list", "10.0.0.1").stdout),
        format!("{id} signs\n")
    );
    keys("rotate", "10.0.0.1");
    let listed = text(&keys("list", "10.0.0.1").stdout);
    assert!(
        listed.contains(&format!("{id} verifies until ")),
        "{listed}"
    );
    assert!(!keys("list", "anywhere").status.success());
}
