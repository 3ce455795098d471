//! The contest: the three servers on one database, asked the same by turns.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use sea_orm::{ConnectionTrait, Statement};
use serde::Serialize;
use serde_json::Value;

use crate::baseline::Kept;
use crate::client::{self, Call, Connection};
use crate::load::{Database, SEED, connect};
use crate::operation::{Operation, Question, SLUGS};
use crate::process::{Server, Spent};
use crate::start::median;
use crate::{Arguments, Result, say};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contestant {
    /// (a) The same bytes from memory.
    Bytes,
    /// (b) Hand-written SQL.
    Sql,
    /// (c) The program, asked to answer without its cache.
    Alphanode,
}

impl Contestant {
    const ALL: [Self; 3] = [Self::Bytes, Self::Sql, Self::Alphanode];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes from memory",
            Self::Sql => "hand-written SQL",
            Self::Alphanode => "alphanode",
        }
    }
}

/// The medians of a contestant's rounds of an operation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    #[serde(flatten)]
    pub spent: Spent,
    /// After the last of them.
    pub memory: u64,
}

impl Figures {
    /// The medians of some rounds.
    pub fn of(rounds: &[client::Round], memory: u64) -> Self {
        let middle =
            |value: &dyn Fn(&client::Round) -> f64| median(rounds.iter().map(value).collect());
        let quantile = |at| {
            middle(&|round: &client::Round| round.latencies.value_at_quantile(at) as f64 / 1_000.0)
        };
        Self {
            per_second: middle(&|round: &client::Round| round.per_second),
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            spent: Spent {
                server_us: middle(&|round| round.spent.server_us),
                generator: middle(&|round| round.spent.generator),
            },
            memory,
        }
    }
}

/// What the contest on one database gave.
#[derive(Clone, Debug, Serialize)]
pub struct Contest {
    pub operations: BTreeMap<&'static str, BTreeMap<Contestant, Figures>>,
}

impl Contest {
    /// Requests a second of `of`, as a part of those of `against`.
    pub fn ratio(&self, operation: &str, of: Contestant, against: Contestant) -> Option<f64> {
        let figures = self.operations.get(operation)?;
        Some(figures.get(&of)?.per_second / figures.get(&against)?.per_second)
    }
}

pub async fn measure(database: &Database, arguments: &Arguments) -> Result<Contest> {
    let questions = questions(database).await?;
    let alphanode = Server::alphanode(database, &arguments.folder)?;
    let sql_log = database.log("sql", &arguments.folder);
    let sql = Server::baseline("sql", &database.url, &sql_log)?;
    say(&format!("comparing {} answers", questions.len()));
    let (ours, ours_bytes) = ask(&alphanode, &questions, Question::uncached).await?;
    let (theirs, theirs_bytes) = ask(&sql, &questions, |question| question.plain("", "")).await?;
    for (question, (ours, theirs)) in questions.iter().zip(ours_bytes.iter().zip(&theirs_bytes)) {
        compare(question, ours, theirs)?;
    }

    let kept = questions.iter().zip(&ours_bytes);
    let kept = kept.map(|(question, body)| (question.path.clone(), Kept::body(body.clone())));
    let bytes = Server::bytes("bytes", &kept.collect(), database, arguments)?;
    let (memory, _) = ask(&bytes, &questions, |question| question.plain("", "")).await?;
    drop((ours_bytes, theirs_bytes));

    let servers = [(bytes, memory), (sql, theirs), (alphanode, ours)];
    let mut rounds: BTreeMap<(usize, Contestant), Vec<client::Round>> = BTreeMap::new();
    let mut memory: BTreeMap<(usize, Contestant), u64> = BTreeMap::new();
    // The first round warms up and does not count.
    for round in 0..=arguments.rounds {
        say(&match round {
            0 => "warming up".to_owned(),
            _ => format!("round {round} of {}", arguments.rounds),
        });
        for (number, operation) in Operation::ALL.into_iter().enumerate() {
            for (contestant, (server, calls)) in Contestant::ALL.into_iter().zip(&servers) {
                let measured = server.round(&calls[number], arguments).await;
                let measured = measured.map_err(|error| {
                    format!("{}, {}: {error}", operation.name(), contestant.name())
                })?;
                if measured.hits > 0.0 {
                    return Err("the cache answers who asks for no answer of it".into());
                }
                if round > 0 {
                    let key = (number, contestant);
                    rounds.entry(key).or_default().push(measured);
                    memory.insert(key, server.memory()?);
                }
            }
        }
    }
    let mut operations: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for ((number, contestant), rounds) in rounds {
        let figures = Figures::of(&rounds, memory[&(number, contestant)]);
        let operation = Operation::ALL[number].name();
        operations
            .entry(operation)
            .or_default()
            .insert(contestant, figures);
    }
    Ok(Contest { operations })
}

/// Everything that is asked: the newest, a thousand slugs, and a tool that is common.
pub async fn questions(database: &Database) -> Result<Vec<Question>> {
    let connection = connect(&database.url).await?;
    let backend = connection.get_database_backend();
    let texts = async |sql: &str| -> Result<Vec<String>> {
        let rows = connection
            .query_all_raw(Statement::from_string(backend, sql))
            .await?;
        let texts = rows.iter().map(|row| row.try_get_by_index(0));
        Ok(texts.collect::<std::result::Result<_, _>>()?)
    };
    let slugs =
        texts("SELECT slug FROM post_content WHERE published_at IS NOT NULL ORDER BY slug").await?;
    let tools = texts(
        "SELECT t.slug FROM tool t JOIN post_content_tool j ON j.tool_id = t.id
         WHERE j.published_at IS NOT NULL GROUP BY t.slug ORDER BY COUNT(*) DESC, t.slug LIMIT 3",
    )
    .await?;
    connection.close().await?;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut questions = vec![Question::newest()];
    questions.extend(
        slugs
            .sample(&mut random, SLUGS)
            .map(|slug| Question::one(slug)),
    );
    questions.extend(tools.last().map(|tool| Question::filter(tool)));
    Ok(questions)
}

/// Asks everything once: what to ask for each operation, and the answers.
async fn ask(
    server: &Server,
    questions: &[Question],
    request: impl Fn(&Question) -> Vec<u8>,
) -> Result<([Arc<[Call]>; 3], Vec<String>)> {
    if let Some(first) = questions.first() {
        server.first_answer(&request(first)).await?;
    }
    let mut connection = Connection::open(server.address).await?;
    let mut calls = [Vec::new(), Vec::new(), Vec::new()];
    let mut answers = Vec::new();
    for question in questions {
        let request = request(question);
        let answer = String::from_utf8(connection.ask(&request).await?.to_vec())?;
        calls[question.operation as usize].push(Call {
            request,
            status: 200,
            length: answer.len(),
        });
        answers.push(answer);
    }
    Ok((calls.map(Arc::from), answers))
}

/// Both say the same, and not nothing.
fn compare(question: &Question, ours: &str, theirs: &str) -> Result<()> {
    let ours: Value = serde_json::from_str(ours)?;
    let theirs: Value = serde_json::from_str(theirs)
        .map_err(|error| format!("{}: {error}: {theirs}", question.path))?;
    let found = match question.operation {
        Operation::One => ours["data"]["post"].is_object(),
        _ => ours["data"]["posts"]["nodes"]
            .as_array()
            .is_some_and(|nodes| !nodes.is_empty()),
    };
    if !found || ours != theirs {
        return Err(format!(
            "{}: the answers differ\nalphanode: {ours}\n\nhand-written SQL: {theirs}",
            question.path
        )
        .into());
    }
    Ok(())
}
