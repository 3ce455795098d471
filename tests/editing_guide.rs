//! The examples of docs/editing.md run against a real server, and leave behind what they say.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use alphanode::domain::actor::Actor;
use alphanode::domain::one_time_link;
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::transaction::Transaction;
use alphanode::domain::user::NewUser;
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::support::socket::listen;
use crate::support::{Backend, TestServer};

const EMAIL: &str = "ada@example.org";

/// With what a shell or JSON might stumble over.
const PASSWORD: &str = r#"it's "a long" $walk \ in rain"#;

/// What the examples say last.
const LAST_WORDS: &str = "rolled it back: everything is as it was before\n";

#[derive(Clone, Copy, Debug)]
enum Example {
    Shell,
    TypeScript,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples")
}

/// Whether what the examples run with is there.
fn can_run() -> bool {
    let installed = examples().join("editing/node_modules/.package-lock.json");
    let ready = installed.exists();
    if !ready {
        let how = "the packages of docs/examples/editing are missing: `make test` installs them, \
                   as does `scripts/ensure-examples`";
        assert!(env::var_os("CI").is_none(), "{how}");
        eprintln!("*** SKIPPED: {how} ***");
    }
    ready
}

/// A copy of the TypeScript example beside the schema as the program has it, so that nothing that
/// was generated before is of any help, and tests are not in each other's way.
fn copy_of_project() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::write(
        root.path().join("schema.graphql"),
        alphanode::graphql::definition(),
    )
    .unwrap();
    let (from, to) = (examples().join("editing"), project(&root));
    fs::create_dir_all(to.join("src")).unwrap();
    for folder in ["", "src"] {
        for entry in fs::read_dir(from.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if entry.file_type().unwrap().is_file() && name != "generated.ts" {
                fs::copy(entry.path(), to.join(folder).join(name)).unwrap();
            }
        }
    }
    let packages = from.canonicalize().unwrap().join("node_modules");
    symlink(packages, to.join("node_modules")).unwrap();
    root
}

fn project(root: &TempDir) -> PathBuf {
    root.path().join("docs/examples/editing")
}

/// Runs a command to its end, while the server goes on answering; it must succeed.
async fn run(mut command: Command) -> String {
    let name = format!("{command:?}");
    let Output {
        status,
        stdout,
        stderr,
    } = spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let stdout = String::from_utf8(stdout).unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{name}: {status}\n{stdout}\n{stderr}");
    stdout
}

fn npm(arguments: &[&str], directory: PathBuf) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(directory);
    npm
}

/// An editor who came in by an invitation; answers a token of theirs.
async fn invite_editor(server: &TestServer) -> String {
    let store = &server.test.store;
    let mut change = Transaction::begin(store, Actor::CommandLine, Action::ManageUsers)
        .await
        .unwrap();
    let new = NewUser {
        email: EMAIL.into(),
        name: "Ada".into(),
        role: Role::Editor,
    };
    let link = one_time_link::invite(&mut change, new).await.unwrap();
    change.commit().await.unwrap();
    let follow = "mutation($input: FollowLinkInput!) { followLink(input: $input) { accessToken } }";
    let input = json!({
        "token": link.token,
        "password": PASSWORD,
        "refreshTokenIn": "PAYLOAD",
    });
    let answer = server.data(follow, json!({ "input": input })).await;
    answer["followLink"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The titles of all posts as a perspective shows them.
async fn titles(server: &TestServer, token: &str, perspective: &str) -> Value {
    let headers = [
        ("authorization", &*format!("Bearer {token}")),
        ("x-alphanode-perspective", perspective),
    ];
    let document = "{ posts(orderBy: { field: TITLE, direction: ASC }) { nodes { title } } }";
    let answer = server.ask_with(&headers, document, json!({})).await;
    let posts = answer.data()["posts"]["nodes"].as_array().unwrap().iter();
    posts.map(|post| post["title"].clone()).collect()
}

#[rstest]
#[tokio::test]
async fn the_examples_do_what_the_guide_says(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(Example::Shell, Example::TypeScript)] example: Example,
) {
    if !can_run() {
        return;
    }
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let token = invite_editor(&server).await;
    let address = listen(&server).await;
    let copy = match example {
        Example::Shell => None,
        Example::TypeScript => {
            let copy = copy_of_project();
            run(npm(&["run", "generate"], project(&copy))).await;
            run(npm(&["run", "check"], project(&copy))).await;
            Some(copy)
        }
    };
    let walk = |keep: &str| {
        let mut command = match &copy {
            None => Command::new(examples().join("editing.sh")),
            Some(copy) => npm(&["start"], project(copy)),
        };
        command
            .env("ALPHANODE_URL", format!("http://{address}"))
            .env("EMAIL", EMAIL)
            .env("PASSWORD", PASSWORD)
            .env("KEEP", keep);
        run(command)
    };

    let said = walk("yes").await;
    assert!(said.contains("signed in as Ada (EDITOR)"), "{said}");
    assert!(said.ends_with(LAST_WORDS), "{said}");
    let public = json!(["Retrying jobs with backoff"]);
    let drafts = json!(["Naming jobs", "Retrying jobs without regret"]);
    assert_eq!(titles(&server, &token, "published").await, public);
    assert_eq!(titles(&server, &token, "draft").await, drafts);
    let document = "{ releases { nodes { status items { postTitle restored } } } }";
    let releases = server.ask_as(&token, document, json!({})).await;
    assert_eq!(
        releases.data()["releases"]["nodes"],
        json!([{
            "status": "ROLLED_BACK",
            "items": [
                { "postTitle": "Retrying jobs without regret", "restored": true },
                { "postTitle": "Naming jobs", "restored": true },
            ],
        }])
    );

    // Once more, without a trace.
    let said = walk("no").await;
    assert!(said.ends_with(LAST_WORDS), "{said}");
    assert_eq!(titles(&server, &token, "published").await, public);
    assert_eq!(titles(&server, &token, "draft").await, drafts);
    assert_eq!(titles(&server, &token, "trash").await, json!([]));
}

#[test]
fn the_conventions_name_every_limit_and_every_code() {
    use alphanode::graphql::limits;
    let page = fs::read_to_string(examples().join("../api-conventions.md")).unwrap();
    let rows = [
        (
            format!("{} KiB", limits::DOCUMENT_BYTES / 1024),
            "DOCUMENT_TOO_LONG",
        ),
        (limits::DEPTH.to_string(), "DEPTH_LIMIT"),
        (thousands(limits::FIELDS), "FIELD_LIMIT"),
        (limits::ROOT_FIELDS.to_string(), "ROOT_FIELD_LIMIT"),
        (limits::ALIASES.to_string(), "ALIAS_LIMIT"),
        (limits::DIRECTIVES.to_string(), "DIRECTIVE_LIMIT"),
        (thousands(limits::COMPLEXITY as u64), "COMPLEXITY_LIMIT"),
    ];
    for (limit, code) in rows {
        let row = format!("| {limit} | `{code}` |");
        assert!(page.contains(&row), "docs/api-conventions.md lacks {row}");
    }
    let definition = alphanode::graphql::definition();
    let codes = definition.split_once("enum UserErrorCode {").unwrap().1;
    let is_code = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_uppercase());
    let codes = codes.split_once('}').unwrap().0.lines().map(str::trim);
    for code in codes.filter(|line| is_code(line) && !line.contains(' ')) {
        let row = format!("| `{code}` |");
        assert!(page.contains(&row), "docs/api-conventions.md lacks {row}");
    }
}

fn thousands(number: u64) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}
