//! A site with visitors and editors: nine of ten requests read, by a Zipf choice among a thousand
//! documents with their variables, and one of ten saves a post and publishes it. After each
//! publication the post is read, and must show what was published.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use memchr::memmem;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::Connection;
use crate::contest::Contestant;
use crate::load::{Database, SEED, connect};
use crate::operation::{Question, graphql};
use crate::process::{Meter, Server, Spent};
use crate::writer::{Draft, Writer};
use crate::writing::{credential, drafts};
use crate::{Arguments, Result, say};

/// Documents with their variables.
const QUESTIONS: usize = 1_000;

/// How likely a visitor writes next.
const WRITES: f64 = 0.1;

/// A list as a page of the site shows it, of whatever it is asked for.
const LIST: &str = "query List($filter: PostFilter, $order: PostOrder, $first: Int!) {
    posts(filter: $filter, orderBy: $order, first: $first) { nodes {
        title slug summary publishedAt readingMinutes difficulty
        score { quality freshness depth clarity }
        entities { name type }
        tools { name slug }
    } } }";

/// A site under load: a server on a database of its own, and what it is asked.
pub struct Site {
    pub server: Arc<Server>,
    writer: Writer,
    reads: Arc<[Read]>,
    zipf: Arc<Zipf>,
    /// What editors write, each of them their own.
    parts: Vec<Vec<Draft>>,
}

/// A request that reads.
struct Read {
    request: Vec<u8>,
    is_list: bool,
}

/// What a time of it gave.
#[derive(Clone, Debug, Serialize)]
pub struct Traffic {
    /// A save, its publication and the check are three of them.
    pub requests_per_second: f64,
    /// Answers from the cache, of all reads.
    pub hits: f64,
    /// The same of reads of one post, and of lists.
    pub hits_of_posts: f64,
    pub hits_of_lists: f64,
    pub read_p50_ms: f64,
    pub read_p99_ms: f64,
    /// Of a save and its publication.
    pub write_p50_ms: f64,
    pub write_p99_ms: f64,
    /// Publications, each of which was seen by the read that followed.
    pub publications: u64,
    #[serde(flatten)]
    pub spent: Spent,
    pub memory: u64,
}

pub async fn measure(database: &Database, arguments: &Arguments) -> Result<Traffic> {
    say("copying the database for mixed load");
    let copy = database.copy().await?;
    let traffic = run(&copy, arguments).await;
    copy.remove().await?;
    traffic
}

async fn run(database: &Database, arguments: &Arguments) -> Result<Traffic> {
    let mut site = Site::open(database, arguments).await?;
    let duration = Duration::from_secs_f64(arguments.seconds);
    say("warming up mixed load");
    site.visit(duration, None).await?;
    say("mixed load");
    let rounds = u32::try_from(arguments.rounds)?;
    site.visit(duration * rounds, None).await
}

impl Site {
    /// Starts the server on a database that may be written to.
    pub async fn open(database: &Database, arguments: &Arguments) -> Result<Self> {
        let headers = format!("authorization: Bearer {}\r\n", credential(database)?);
        let connection = connect(&database.url).await?;
        let mut drafts = drafts(&connection, arguments).await?;
        let reads = reads(&connection, &drafts).await?;
        connection.close().await?;
        let server = Arc::new(Server::alphanode(database, &arguments.folder)?);
        drop(server.first_connection().await?);
        let size = drafts.len().div_ceil(arguments.connections).max(1);
        let mut parts: Vec<Vec<Draft>> = Vec::new();
        while !drafts.is_empty() {
            parts.push(drafts.split_off(drafts.len().saturating_sub(size)));
        }
        Ok(Self {
            writer: Writer {
                contestant: Contestant::Alphanode,
                server: Arc::clone(&server),
                user: 0,
                headers,
            },
            server,
            zipf: Arc::new(Zipf::new(reads.len())),
            reads: reads.into(),
            parts,
        })
    }

    /// Everybody reads and writes for a while. Where `lifetimes` is given, each connection ends after so
    /// many requests and another one begins.
    pub async fn visit(
        &mut self,
        duration: Duration,
        lifetimes: Option<Range<u32>>,
    ) -> Result<Traffic> {
        let mut visitors = JoinSet::new();
        let meter = Meter::start(&self.server)?;
        let started = Instant::now();
        for (number, drafts) in std::mem::take(&mut self.parts).into_iter().enumerate() {
            let visitor = Visitor {
                connection: Connection::open(self.server.address).await?,
                writer: self.writer.clone(),
                reads: Arc::clone(&self.reads),
                zipf: Arc::clone(&self.zipf),
                drafts,
                random: ChaCha8Rng::seed_from_u64(SEED + number as u64),
                tally: Tally::new()?,
            };
            visitors.spawn(visitor.stay(started + duration, lifetimes.clone()));
        }
        let mut tally = Tally::new()?;
        while let Some(ended) = visitors.join_next().await {
            let visitor = ended??;
            tally.add(&visitor.tally)?;
            self.parts.push(visitor.drafts);
        }
        let elapsed = started.elapsed().as_secs_f64();
        let milliseconds =
            |histogram: &Histogram<u64>, at| histogram.value_at_quantile(at) as f64 / 1_000.0;
        let requests = tally.requests();
        Ok(Traffic {
            requests_per_second: requests as f64 / elapsed,
            hits: share(tally.hits.iter().sum(), tally.asked.iter().sum()),
            hits_of_posts: share(tally.hits[0], tally.asked[0]),
            hits_of_lists: share(tally.hits[1], tally.asked[1]),
            read_p50_ms: milliseconds(&tally.reads, 0.5),
            read_p99_ms: milliseconds(&tally.reads, 0.99),
            write_p50_ms: milliseconds(&tally.writes, 0.5),
            write_p99_ms: milliseconds(&tally.writes, 0.99),
            publications: tally.writes.len(),
            spent: meter.read(requests)?,
            memory: self.server.memory()?,
        })
    }
}

fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

/// What somebody did and how long it took.
struct Tally {
    reads: Histogram<u64>,
    writes: Histogram<u64>,
    /// Reads of posts, and of lists; and how many of each came from the cache.
    asked: [u64; 2],
    hits: [u64; 2],
}

impl Tally {
    fn new() -> Result<Self> {
        Ok(Self {
            reads: Histogram::new_with_max(60_000_000, 3)?,
            writes: Histogram::new_with_max(60_000_000, 3)?,
            asked: [0; 2],
            hits: [0; 2],
        })
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.reads.add(&other.reads)?;
        self.writes.add(&other.writes)?;
        for kind in 0..2 {
            self.asked[kind] += other.asked[kind];
            self.hits[kind] += other.hits[kind];
        }
        Ok(())
    }

    /// A write is two, and its check another one.
    fn requests(&self) -> u64 {
        self.reads.len() + 3 * self.writes.len()
    }
}

/// Somebody who reads and writes.
struct Visitor {
    connection: Connection,
    writer: Writer,
    reads: Arc<[Read]>,
    zipf: Arc<Zipf>,
    drafts: Vec<Draft>,
    random: ChaCha8Rng,
    tally: Tally,
}

impl Visitor {
    async fn stay(mut self, until: Instant, lifetimes: Option<Range<u32>>) -> Result<Self> {
        let life = |random: &mut ChaCha8Rng| {
            let lifetimes = lifetimes.clone();
            lifetimes.map_or(u32::MAX, |range| random.random_range(range))
        };
        let mut left = life(&mut self.random);
        while Instant::now() < until {
            if left == 0 {
                self.connection = Connection::open(self.writer.server.address).await?;
                left = life(&mut self.random);
            }
            left -= 1;
            if self.random.random_bool(WRITES) {
                self.write().await?;
            } else {
                self.read().await?;
            }
        }
        Ok(self)
    }

    async fn read(&mut self) -> Result<()> {
        let read = &self.reads[self.zipf.choose(&mut self.random)];
        let asked = Instant::now();
        let answer = self.connection.answer(&read.request).await?;
        let took = asked.elapsed();
        if answer.status != 200 || memmem::find(answer.body, b"\"errors\"").is_some() {
            let said = String::from_utf8_lossy(answer.body);
            return Err(format!("a read was answered {}: {said:.300}", answer.status).into());
        }
        let kind = usize::from(read.is_list);
        self.tally.asked[kind] += 1;
        self.tally.hits[kind] += u64::from(answer.is_hit());
        self.tally.reads.saturating_record(took.as_micros() as u64);
        Ok(())
    }

    /// Saves and publishes a post, and reads it.
    async fn write(&mut self) -> Result<()> {
        let chosen = self.random.random_range(0..self.drafts.len());
        let draft = &mut self.drafts[chosen];
        let asked = Instant::now();
        draft.saves += 1;
        self.writer.write(&mut self.connection, draft).await?;
        let took = asked.elapsed();
        let shown = Question::one(&draft.slug).graphql();
        let shown = self.connection.ask(&shown).await?;
        if memmem::find(shown, draft.paragraph().as_bytes()).is_none() {
            let shown = String::from_utf8_lossy(shown);
            return Err(format!(
                "the read after its publication does not show the {}. save of {}: {shown}",
                draft.saves, draft.slug
            )
            .into());
        }
        self.tally.writes.saturating_record(took.as_micros() as u64);
        Ok(())
    }
}

/// A choice among so many that takes the first twice as often as the second, and so on.
struct Zipf {
    /// The sum of the weights up to each.
    sums: Vec<f64>,
}

impl Zipf {
    fn new(among: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=among).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self {
            sums: sums.collect(),
        }
    }

    fn choose(&self, random: &mut ChaCha8Rng) -> usize {
        let all = self.sums.last().copied().unwrap_or_default();
        let point = random.random_range(0.0..all);
        self.sums.partition_point(|sum| *sum <= point)
    }
}

/// What visitors ask, the most popular first: the home page, then posts that are written meanwhile and
/// lists of all kinds in no order.
async fn reads(connection: &DatabaseConnection, drafts: &[Draft]) -> Result<Vec<Read>> {
    let list = |filter: Value, order: &str, first: usize| {
        let order = json!({ "field": order });
        let variables = json!({ "filter": filter, "order": order, "first": first });
        Read {
            request: graphql(LIST, &variables),
            is_list: true,
        }
    };
    let mut lists = Vec::new();
    for (relation, table) in [("tools", "tool"), ("stack", "stack")] {
        for slug in texts(connection, table, "slug", 100).await? {
            let filter = json!({ relation: { "some": { "slug": { "eq": slug[0] } } } });
            lists.push(list(filter, "PUBLISHED_AT", 20));
        }
    }
    for name in texts(connection, "named_entity", "slug, kind", 100).await? {
        let same = json!({ "slug": { "eq": name[0] }, "type": { "eq": name[1] } });
        lists.push(list(
            json!({ "entities": { "some": same } }),
            "PUBLISHED_AT",
            20,
        ));
    }
    for difficulty in ["BEGINNER", "INTERMEDIATE", "ADVANCED"] {
        let filter = json!({ "difficulty": { "eq": difficulty } });
        lists.push(list(filter, "PUBLISHED_AT", 20));
    }
    for order in ["UPDATED_AT", "TITLE", "VIEW_COUNT", "QUALITY"] {
        lists.push(list(json!(null), order, 20));
    }
    let home = list(json!(null), "PUBLISHED_AT", 20);
    let posts = drafts.iter().take(QUESTIONS - 1 - lists.len());
    let posts = posts.map(|draft| Read {
        request: Question::one(&draft.slug).graphql(),
        is_list: false,
    });
    let mut others: Vec<Read> = posts.chain(lists).collect();
    others.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    Ok(std::iter::once(home).chain(others).collect())
}

/// Some texts of the first words of a table.
async fn texts(
    connection: &DatabaseConnection,
    table: &str,
    columns: &str,
    count: usize,
) -> Result<Vec<Vec<String>>> {
    let columns_of_a_row = columns.split(',').count();
    let sql = format!("SELECT {columns} FROM {table} ORDER BY id LIMIT {count}");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    let texts = rows.iter().map(|row| {
        let columns = 0..columns_of_a_row;
        columns
            .map(|column| Ok(row.try_get_by_index(column)?))
            .collect()
    });
    texts.collect()
}
