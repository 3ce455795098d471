//! `alphanode explain` shows the statements behind a query, and their plans.

use std::io::Write;
use std::process::{Output, Stdio};

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, TestServer, command};

fn explain(server: &TestServer, arguments: &[&str], input: &str) -> Output {
    let mut explain = command()
        .env("ALPHANODE_KEYS_DIRECTORY", server.keys_directory())
        .args(["--database-url", server.test.url(), "explain"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = explain.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    explain.wait_with_output().unwrap()
}

fn explained(server: &TestServer, arguments: &[&str], input: &str) -> Value {
    let output = explain(server, &[arguments, &["--json"]].concat(), input);
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {error}"))
}

const LIST: &str = "query List($first: Int) {
    posts(first: $first) { totalCount nodes { slug tools { name posts(first: 2) { nodes { title } } } } }
}";

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_is_shown_as_it_is_run(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(40).await;
    let answer = server.ask(LIST, json!({ "first": 5 })).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), LIST).unwrap();
    let path = file.path().to_str().unwrap();
    let shown = explained(&server, &[path, "--variables", r#"{"first": 5}"#], "");
    let statements = shown["statements"].as_array().unwrap();
    assert_eq!(
        statements.len(),
        usize::try_from(answer.statements()).unwrap()
    );
    let mut tags: Vec<&str> = answer.headers["surrogate-key"]
        .to_str()
        .unwrap()
        .split(' ')
        .collect();
    let mut shown_tags: Vec<&str> = shown["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag.as_str().unwrap())
        .collect();
    tags.sort_unstable();
    shown_tags.sort_unstable();
    assert_eq!(tags, shown_tags);
    assert_eq!(shown["errors"], json!([]));
    assert!(shown["complexity"].as_i64().unwrap() > 10, "{shown:#}");
    for statement in statements {
        assert!(
            statement["sql"].as_str().unwrap().contains("SELECT"),
            "{statement:#}"
        );
        assert!(
            !statement["plan"].as_array().unwrap().is_empty(),
            "{statement:#}"
        );
        assert!(
            statement["milliseconds"].as_f64().unwrap() > 0.0,
            "{statement:#}"
        );
    }
    let list = statements.iter().find(|one| one["rows"] == 6).unwrap();
    if backend == Backend::Sqlite {
        assert_eq!(list["concerns"], json!([]), "{list:#}");
    }

    // As text, from what comes in, and with variables that are absent.
    let output = explain(&server, &["-"], LIST);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.starts_with("1. ") && text.contains(" parameters\n   "),
        "{text}"
    );
    assert!(
        text.contains(" statements, ") && text.contains("; complexity "),
        "{text}"
    );
    assert!(
        text.contains("\nmade from ") && text.contains("list:post"),
        "{text}"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gets_slower_with_every_post_is_marked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(20).await;
    let query = "{ posts(first: 5, orderBy: {field: WORD_COUNT}) { nodes { slug } } }";
    let shown = explained(&server, &[query], "");
    let concerns = shown["statements"][0]["concerns"].as_array().unwrap();
    assert!(!concerns.is_empty(), "{shown:#}");
    let text = explain(&server, &[query], "");
    assert!(String::from_utf8_lossy(&text.stdout).contains("   ! "));

    let measured = explain(&server, &[query, "--analyze"], "");
    match backend {
        Backend::Postgres => {
            let text = String::from_utf8_lossy(&measured.stdout).into_owned();
            assert!(text.contains("; were "), "{text}");
        }
        Backend::Sqlite => {
            assert_eq!(measured.status.code(), Some(1));
            let complaint = String::from_utf8_lossy(&measured.stderr).into_owned();
            assert!(
                complaint.contains("SQLite does not measure plans"),
                "{complaint}"
            );
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_queries_are_run(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let complains = |arguments: &[&str], code: i32, about: &str| {
        let output = explain(&server, arguments, "");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{complaint}");
        assert!(complaint.contains(about), "{complaint}");
    };
    complains(
        &["mutation { signOut { userErrors { code } } }"],
        1,
        "only queries",
    );
    complains(&["subscription { postChanged { id } }"], 1, "only queries");
    complains(&["nowhere.graphql"], 1, "nowhere.graphql: ");
    complains(&["{ posts"], 1, "");
    complains(
        &["{ posts { nodes { id } } }", "--variables", "[]"],
        2,
        "give a JSON object",
    );
    complains(
        &["{ posts { nodes { id } } }", "--perspective", "all"],
        2,
        "is no perspective",
    );
    let deep = "{ posts { nodes { ".repeat(30);
    complains(&[&deep], 1, "nested");

    // What is refused when it runs is said, with what was asked until then.
    let output = explain(&server, &["{ jobs { nodes { id } } }"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("error: "));
    let drafts = explained(
        &server,
        &["{ posts { totalCount } }", "--perspective", "draft"],
        "",
    );
    assert_eq!(drafts["errors"], json!([]));
    assert!(!drafts["statements"].as_array().unwrap().is_empty());
}
