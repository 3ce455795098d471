//! Several nodes with caches show what was published, all of them, soon, and nothing else.
//!
//! Writers publish numbered revisions through the nodes and past them; readers on all nodes write
//! down what they see and when. Meanwhile nodes are killed, and one has its lines to the database
//! cut. [`history`] then says whether there is an order of events in which all of it is right.

mod history;
mod readers;
mod writers;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alphanode::domain::post::{Content, PreparedPost, RevisionStatus, SavedPost};
use rstest::rstest;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::history::{Bounds, History, Origin, Publication};
use self::readers::{Reader, is_kept};
use self::writers::Writer;
use super::Scale;
use super::client::Client;
use super::fleet::{Node, free_address};
use super::publications::prepare;
use crate::support::{Backend, Proxy, TestDatabase, note};

/// Registers that are written and read.
const POSTS: usize = 4;

/// Each has posts of its own.
const WRITERS: usize = 2;

const READERS_OF_A_NODE: usize = 2;

/// A node is back, with its cache in use, within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// As docs/caching.md says.
fn bounds(backend: Backend) -> Bounds {
    let other_node = Duration::from_secs(2);
    Bounds {
        same_node: Duration::ZERO,
        other_node,
        outside: match backend {
            Backend::Sqlite => Duration::from_millis(200),
            Backend::Postgres => other_node,
        },
    }
}

/// What everybody in a run knows.
struct Run {
    started: Instant,
    database_url: String,
    nodes: Vec<SocketAddr>,
    token: String,
    posts: Vec<SavedPost>,
    history: Mutex<History>,
    stop: CancellationToken,
}

impl Run {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Posts that show number 2.
fn posts() -> Vec<Arc<PreparedPost>> {
    let post = |number| {
        let content = Content {
            slug: Some(writers::slug(number)),
            title: writers::title(2),
            ..Content::default()
        };
        Arc::new(PreparedPost::new(note(content, RevisionStatus::Published)).unwrap())
    };
    (0..POSTS).map(post).collect()
}

/// The nodes, and what happens to them.
struct Trouble {
    run: Arc<Run>,
    nodes: Vec<Node>,
    /// Through which the last node reaches the database.
    proxy: Option<Proxy>,
    kills: usize,
    /// From when until when the last node must not answer from its cache.
    cuts: Vec<(Duration, Duration)>,
    _keys: TempDir,
}

impl Trouble {
    /// Waits until a node answers from its cache.
    async fn recovery(&self, node: usize) {
        let client = Client::anonymous(self.run.nodes[node]);
        let started = Instant::now();
        while !is_kept(&client).await {
            assert!(
                started.elapsed() < PATIENCE,
                "node {node} makes no use of its cache"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Every node is killed, and the lines of the last are cut in all ways, one after the other.
    async fn strike(&mut self, bound: Duration) {
        for node in 0..self.nodes.len() {
            sleep(Duration::from_millis(700)).await;
            self.nodes[node].kill_and_start_again();
            self.kills += 1;
            self.recovery(node).await;
        }
        for way in [Proxy::silence_listeners, Proxy::cut_listeners, Proxy::cut] {
            let Some(proxy) = &self.proxy else {
                return;
            };
            sleep(Duration::from_millis(700)).await;
            way(proxy);
            sleep(bound).await;
            let from = self.run.now();
            sleep(Duration::from_secs(1)).await;
            self.cuts.push((from, self.run.now()));
            proxy.mend();
            self.recovery(self.nodes.len() - 1).await;
        }
    }
}

async fn start(backend: Backend, database: &TestDatabase) -> Trouble {
    let (posts, token) = prepare(database, posts()).await;
    let keys = tempfile::tempdir().unwrap();
    let proxy = match backend {
        Backend::Sqlite => None,
        Backend::Postgres => Some(Proxy::to(database.url()).await),
    };
    let mut ways = vec![database.url()];
    if let Some(proxy) = &proxy {
        ways.extend([database.url(), proxy.url()]);
    }
    let addresses: Vec<SocketAddr> = ways.iter().map(|_| free_address()).collect();
    let nodes = addresses.iter().zip(ways).map(|(address, url)| {
        let listen = address.to_string();
        Node::start(
            &["serve", "--listen", &listen],
            url,
            &keys.path().join("keys"),
        )
    });
    let nodes: Vec<Node> = nodes.collect();
    let publications = (0..POSTS).map(|post| Publication {
        post,
        number: 2,
        origin: Origin::Outside,
        asked: Duration::ZERO,
        answered: Duration::ZERO,
    });
    let history = History {
        publications: publications.collect(),
        sightings: Vec::new(),
    };
    let run = Run {
        started: Instant::now(),
        database_url: database.url().to_owned(),
        nodes: addresses,
        token,
        posts,
        history: Mutex::new(history),
        stop: CancellationToken::new(),
    };
    Trouble {
        run: Arc::new(run),
        nodes,
        proxy,
        kills: 0,
        cuts: Vec::new(),
        _keys: keys,
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_node_shows_what_is_old_or_not_published(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let bounds = bounds(backend);
    let mut trouble = start(backend, &database).await;
    let run = Arc::clone(&trouble.run);
    let mut people = JoinSet::new();
    for number in 0..WRITERS {
        people.spawn(Writer::new(&run, number, WRITERS).write());
    }
    for node in 0..run.nodes.len() {
        trouble.recovery(node).await;
        for number in 0..READERS_OF_A_NODE {
            people.spawn(Reader::new(&run, node, number).read());
        }
    }
    loop {
        trouble.strike(bounds.other_node).await;
        if run.now() >= Scale::of_this_run().watch {
            break;
        }
    }
    run.stop.cancel();
    while let Some(ended) = people.join_next().await {
        ended.unwrap();
    }

    let history = std::mem::take(&mut *run.history.lock().unwrap());
    let kept = history.sightings.iter().filter(|seen| seen.kept).count();
    eprintln!(
        "{backend:?}: {:?}, {} kills, {} cuts, {} publications, {} sightings, {kept} of them from a \
         cache; the longest lag was {:?}",
        run.now(),
        trouble.kills,
        trouble.cuts.len(),
        history.publications.len(),
        history.sightings.len(),
        history.longest_lag(),
    );
    let faults = history.faults(&bounds);
    let first: Vec<&String> = faults.iter().take(10).collect();
    assert!(faults.is_empty(), "{} faults: {first:#?}", faults.len());
    let last = run.nodes.len() - 1;
    let mut answers = 0;
    for (from, until) in &trouble.cuts {
        let seen = history
            .sightings
            .iter()
            .filter(|seen| seen.node == last && seen.asked >= *from && seen.answered <= *until);
        for seen in seen {
            assert!(
                !seen.kept,
                "from the cache of a node that is cut off: {seen:?}"
            );
            answers += 1;
        }
    }
    assert!(
        trouble.cuts.is_empty() || answers > 0,
        "a node that can't hear the others goes on without its cache"
    );
}
