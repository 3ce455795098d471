//! The contest of writing: a post is saved with another text and the new revision published, by
//! alphanode and by hand-written SQL in turns, on a copy of the database.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use sea_orm::{ConnectionTrait, DatabaseConnection, FromQueryResult, JsonValue, Statement};
use tokio::task::JoinSet;

use crate::client::{Connection, Round};
use crate::contest::{Contestant, Figures};
use crate::load::{Database, connect, succeed};
use crate::process::{Meter, Server, alphanode};
use crate::writer::{Draft, Writer};
use crate::{Arguments, Result, say};

/// What the figures call it.
pub const NAME: &str = "write";

/// Posts that are written by turns, spread over the database.
const POSTS: u64 = 1_000;

/// Editors at work at the same time, each on posts of their own.
const EDITORS: usize = 4;

/// The tables that a save and its publication write, the column that names the revision, and the
/// columns that tell one revision from the next.
const ROWS: [(&str, &str, &[&str]); 9] = [
    (
        "revision",
        "id",
        &["id", "number", "version", "content_hash", "saved_at"],
    ),
    (
        "revision_transition",
        "revision_id",
        &["id", "revision_id", "actor", "at"],
    ),
    ("post_content", "id", &["id", "updated_at"]),
    ("post_content_body", "content_id", &["content_id"]),
    ("post_content_tool", "content_id", &["content_id"]),
    ("post_content_stack", "content_id", &["content_id"]),
    ("post_content_entity", "content_id", &["content_id"]),
    ("post_search", "content_id", &["content_id", "document"]),
    (
        "publication",
        "content_id",
        &["id", "content_id", "published_from", "published_until"],
    ),
];

/// What saving and publishing gave for either contestant; a request is the two of them.
pub async fn measure(
    database: &Database,
    arguments: &Arguments,
) -> Result<BTreeMap<Contestant, Figures>> {
    say("copying the database");
    let copy = database.copy().await?;
    let figures = contest(&copy, arguments).await;
    copy.remove().await?;
    figures
}

async fn contest(
    database: &Database,
    arguments: &Arguments,
) -> Result<BTreeMap<Contestant, Figures>> {
    let headers = format!("authorization: Bearer {}\r\n", credential(database)?);
    let connection = connect(&database.url).await?;
    let user = number(&connection, r#"SELECT MAX(id) FROM "user""#).await?;
    let mut drafts = drafts(&connection, arguments).await?;
    let writer = |contestant, server| Writer {
        contestant,
        server: Arc::new(server),
        user,
        headers: headers.clone(),
    };
    let log = database.log("sql-write", &arguments.folder);
    let writers = [
        writer(
            Contestant::Sql,
            Server::baseline("sql", &database.url, &log)?,
        ),
        writer(
            Contestant::Alphanode,
            Server::alphanode(database, &arguments.folder)?,
        ),
    ];
    if let Some(draft) = drafts.first_mut() {
        say("comparing what they write");
        compare(&connection, &writers, draft).await?;
    }
    connection.close().await?;

    let size = drafts.len().div_ceil(EDITORS).max(1);
    let mut parts: Vec<Vec<Draft>> = Vec::new();
    while !drafts.is_empty() {
        parts.push(drafts.split_off(drafts.len().saturating_sub(size)));
    }
    let mut rounds: BTreeMap<Contestant, Vec<Round>> = BTreeMap::new();
    // The first round warms up and does not count.
    for number in 0..=arguments.rounds {
        say(&match number {
            0 => "warming up writes".to_owned(),
            _ => format!("round {number} of {} of writes", arguments.rounds),
        });
        for writer in &writers {
            let duration = Duration::from_secs_f64(arguments.seconds);
            let measured;
            (measured, parts) = round(writer, parts, duration).await?;
            if number > 0 {
                rounds.entry(writer.contestant).or_default().push(measured);
            }
        }
    }
    let mut figures = BTreeMap::new();
    for writer in &writers {
        let rounds = rounds.remove(&writer.contestant).unwrap_or_default();
        let memory = writer.server.memory()?;
        figures.insert(writer.contestant, Figures::of(&rounds, memory));
    }
    Ok(figures)
}

/// An API token that may write, be shown what it wrote, and publish; made as an operator makes one.
pub fn credential(database: &Database) -> Result<String> {
    let run = |arguments: &[&str]| {
        let mut command = alphanode()?;
        command
            .args(arguments)
            .args(["--database-url", &database.url]);
        succeed(command.stdout(Stdio::piped()))
    };
    let editor = "bench@example.org";
    run(&[
        "user", "create", editor, "--name", "Bench", "--role", "editor",
    ])?;
    let scopes = ["--scopes", "posts:read-drafts,posts:write,posts:publish"];
    let token = ["token", "create", "--user", editor, "--name", "bench"];
    let token = run(&[token.as_slice(), &scopes].concat())?;
    Ok(token.trim().to_owned())
}

async fn number(connection: &DatabaseConnection, sql: &str) -> Result<i64> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await?;
    Ok(row.ok_or("no row")?.try_get_by_index(0)?)
}

/// The posts that are written.
pub async fn drafts(connection: &DatabaseConnection, arguments: &Arguments) -> Result<Vec<Draft>> {
    let sql = format!(
        "SELECT p.id AS post, p.head_content AS head, c.slug, b.markdown, b.html, s.body AS text,
            c.word_count AS words, 0 AS saves
         FROM post p
         JOIN post_content c ON c.id = p.head_content
         JOIN post_content_body b ON b.content_id = c.id
         JOIN post_search s ON s.content_id = c.id
         WHERE p.id % {} = 0 AND p.live_content = p.head_content AND NOT c.needs_human_review
         ORDER BY p.id LIMIT {POSTS}",
        (arguments.posts / POSTS).max(1),
    );
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let drafts = Draft::find_by_statement(statement).all(connection).await?;
    match drafts.len() {
        0 => Err("there are no posts to write".into()),
        _ => Ok(drafts),
    }
}

/// Everybody writes for a while; answers the posts as they are then.
async fn round(
    writer: &Writer,
    parts: Vec<Vec<Draft>>,
    duration: Duration,
) -> Result<(Round, Vec<Vec<Draft>>)> {
    let mut editors = JoinSet::new();
    let meter = Meter::start(&writer.server)?;
    let started = Instant::now();
    for mut drafts in parts {
        let writer = writer.clone();
        editors.spawn(async move {
            let mut connection = Connection::open(writer.server.address).await?;
            let mut latencies = Histogram::<u64>::new_with_max(60_000_000, 3)?;
            let mut turn = 0;
            while started.elapsed() < duration {
                let draft = &mut drafts[turn];
                turn += 1;
                let asked = Instant::now();
                draft.saves += 1;
                writer.write(&mut connection, draft).await?;
                latencies.saturating_record(asked.elapsed().as_micros() as u64);
                if turn == drafts.len() {
                    turn = 0;
                }
            }
            // The next round goes on where this one stopped.
            drafts.rotate_left(turn);
            crate::Result::Ok((latencies, drafts))
        });
    }
    let mut latencies = Histogram::<u64>::new_with_max(60_000_000, 3)?;
    let mut parts = Vec::new();
    while let Some(ended) = editors.join_next().await {
        let (of_editor, drafts) = ended??;
        latencies.add(of_editor)?;
        parts.push(drafts);
    }
    let round = Round {
        per_second: latencies.len() as f64 / started.elapsed().as_secs_f64(),
        hits: 0.0,
        spent: meter.read(latencies.len())?,
        latencies,
    };
    Ok((round, parts))
}

/// Both write the same text of a post, and leave the same rows behind.
async fn compare(
    connection: &DatabaseConnection,
    writers: &[Writer; 2],
    draft: &mut Draft,
) -> Result<()> {
    draft.saves += 1;
    let mut written: Vec<Vec<JsonValue>> = Vec::new();
    // alphanode first: it would see that the other text is the same.
    for writer in writers.iter().rev() {
        let mut client = writer.server.first_connection().await?;
        writer.write(&mut client, draft).await?;
        let mut rows = Vec::new();
        for (table, key, differ) in ROWS {
            let sql = format!(
                "SELECT * FROM {table} WHERE {key} = {} ORDER BY 1, 2",
                draft.head
            );
            rows.extend(read(connection, &sql, differ).await?);
        }
        let sql = format!(
            "SELECT action, subject, subject_id, user_id, api_token_id FROM audit_event
             WHERE subject = 'post' AND subject_id = {} ORDER BY id DESC LIMIT 2",
            draft.post
        );
        rows.extend(read(connection, &sql, &[]).await?);
        written.push(rows);
    }
    if written[0] == written[1] {
        return Ok(());
    }
    let differing = written[0]
        .iter()
        .zip(&written[1])
        .find(|(ours, theirs)| ours != theirs);
    Err(format!("not the same rows: {differing:?}").into())
}

/// Rows without the columns that differ.
async fn read(
    connection: &DatabaseConnection,
    sql: &str,
    differ: &[&str],
) -> Result<Vec<JsonValue>> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let mut rows = JsonValue::find_by_statement(statement)
        .all(connection)
        .await?;
    for row in &mut rows {
        if let Some(row) = row.as_object_mut() {
            row.retain(|column, _| !differ.contains(&column.as_str()));
        }
    }
    Ok(rows)
}
