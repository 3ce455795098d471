//! What is kept, asked for over and over: alphanode's response cache against axum, which answers
//! the same from memory and looks nothing up but a path.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::baseline::{Kept, WHOLE};
use crate::client::{Call, Connection, Round};
use crate::contest::{Figures, questions};
use crate::load::Database;
use crate::operation::{Operation, Question};
use crate::process::Server;
use crate::{Arguments, Result, say};

/// How something that is kept is asked for, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Of axum: the body from memory.
    Bytes,
    /// Of axum: the body from memory with all headers of alphanode's answer.
    BytesWithHeaders,
    /// Of axum: that it has not changed, with the same headers.
    BytesNotModified,
    /// Of alphanode: a document sent by POST.
    Post,
    /// Of alphanode: a document named by its hash, by GET.
    Get,
    /// Of alphanode: the same with the ETag of the answer, which has not changed.
    NotModified,
}

impl Way {
    const ALL: [Self; 6] = [
        Self::Bytes,
        Self::BytesWithHeaders,
        Self::BytesNotModified,
        Self::Post,
        Self::Get,
        Self::NotModified,
    ];

    /// Those that are asked of alphanode.
    pub const ALPHANODE: [Self; 3] = [Self::Post, Self::Get, Self::NotModified];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "axum: bytes from memory",
            Self::BytesWithHeaders => "axum: with the headers",
            Self::BytesNotModified => "axum: 304",
            Self::Post => "alphanode: POST",
            Self::Get => "alphanode: GET by hash",
            Self::NotModified => "alphanode: 304",
        }
    }

    /// What it is held against.
    pub fn against(self) -> Self {
        match self {
            Self::NotModified => Self::BytesNotModified,
            _ => Self::Bytes,
        }
    }

    fn is_alphanode(self) -> bool {
        Self::ALPHANODE.contains(&self)
    }
}

/// The figures of each operation.
#[derive(Clone, Debug, Serialize)]
pub struct Cached {
    pub operations: BTreeMap<&'static str, BTreeMap<Way, Figures>>,
}

impl Cached {
    /// Requests a second of `of`, as a part of those of `against`.
    pub fn ratio(&self, operation: &str, of: Way, against: Way) -> f64 {
        let figures = &self.operations[operation];
        figures[&of].per_second / figures[&against].per_second
    }
}

/// So much of what is asked for is answered from the cache, at least: what is kept grows old while
/// it is measured, and is worked out again once.
const HITS: f64 = 0.99;

/// What to ask, by way and operation.
type Calls = BTreeMap<(Way, usize), Vec<Call>>;

pub async fn measure(database: &Database, arguments: &Arguments) -> Result<Cached> {
    let questions = questions(database).await?;
    let alphanode = Server::alphanode(database, &arguments.folder)?;
    say(&format!("keeping {} answers", questions.len()));
    let (calls, kept) = keep(&alphanode, &questions).await?;
    let axum = Server::bytes("kept", &kept, database, arguments)?;
    drop(axum.first_connection().await?);

    let mut rounds: BTreeMap<(usize, Way), Vec<Round>> = BTreeMap::new();
    let calls: BTreeMap<_, _> = calls
        .into_iter()
        .map(|(key, calls)| (key, calls.into()))
        .collect();
    // The first round warms up and does not count.
    for number in 0..=arguments.rounds {
        say(&match number {
            0 => "warming up what is kept".to_owned(),
            _ => format!("round {number} of {} of what is kept", arguments.rounds),
        });
        for operation in Operation::ALL {
            for way in Way::ALL {
                let server = if way.is_alphanode() {
                    &alphanode
                } else {
                    &axum
                };
                let calls = &calls[&(way, operation as usize)];
                let measured = server.round(calls, arguments).await;
                let measured = measured
                    .map_err(|error| format!("{}, {}: {error}", operation.name(), way.name()))?;
                if way.is_alphanode() && measured.hits < HITS {
                    return Err(format!(
                        "{}, {}: {:.0} of 100 answers are from the cache",
                        operation.name(),
                        way.name(),
                        100.0 * measured.hits
                    )
                    .into());
                }
                if number > 0 {
                    let key = (operation as usize, way);
                    rounds.entry(key).or_default().push(measured);
                }
            }
        }
    }
    let mut operations: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for ((operation, way), rounds) in rounds {
        let server = if way.is_alphanode() {
            &alphanode
        } else {
            &axum
        };
        let figures = Figures::of(&rounds, server.memory()?);
        let name = Operation::ALL[operation].name();
        operations.entry(name).or_default().insert(way, figures);
    }
    Ok(Cached { operations })
}

/// Asks for everything until it is kept: what to ask from then on, and the answers by their paths.
async fn keep(
    alphanode: &Server,
    questions: &[Question],
) -> Result<(Calls, BTreeMap<String, Kept>)> {
    let mut connection = alphanode.first_connection().await?;
    let (mut calls, mut kept) = (Calls::new(), BTreeMap::new());
    for question in questions {
        let mut note = |way, request, status, length| {
            let key = (way, question.operation as usize);
            calls.entry(key).or_default().push(Call {
                request,
                status,
                length,
            });
        };
        let post = question.graphql();
        connection.ask(&post).await?;
        let length = hit(&mut connection, &post, 200).await?.0;
        note(Way::Post, post, 200, length);

        connection.ask(&question.register()).await?;
        let get = question.by_hash("");
        connection.ask(&get).await?;
        let (length, tag, answer) = hit(&mut connection, &get, 200).await?;
        kept.insert(question.path.clone(), answer);
        note(Way::Get, get, 200, length);

        let tag = tag.ok_or("an answer that is kept has no ETag")?;
        let header = format!("if-none-match: {tag}\r\n");
        let again = question.by_hash(&header);
        hit(&mut connection, &again, 304).await?;
        note(Way::NotModified, again, 304, 0);

        note(Way::Bytes, question.plain("", ""), 200, length);
        let with_headers = question.plain(WHOLE, "");
        note(Way::BytesWithHeaders, with_headers, 200, length);
        let again = question.plain(WHOLE, &header);
        note(Way::BytesNotModified, again, 304, 0);
    }
    Ok((calls, kept))
}

/// Asks for something until it comes from the cache: its length, its ETag and the whole answer. A server
/// that has just started relies on its cache once it hears of changes.
async fn hit(
    connection: &mut Connection,
    request: &[u8],
    status: u16,
) -> Result<(usize, Option<String>, Kept)> {
    const TRIES: u32 = 100;
    let mut last = String::new();
    for _ in 0..TRIES {
        let answer = connection.answer(request).await?;
        if answer.status == status && answer.is_hit() {
            let tag = answer.header("etag").map(str::to_owned);
            return Ok((answer.body.len(), tag, Kept::whole(&answer)?));
        }
        last = String::from_utf8_lossy(answer.head).into_owned();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("not {status} from the cache: {last}").into())
}
