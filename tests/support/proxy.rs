//! Stands between the program and PostgreSQL, and cuts the lines when a test says so.

use std::io;
use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A way to a PostgreSQL server that can be cut.
pub struct Proxy {
    url: String,
    state: watch::Sender<State>,
    _lines: AbortOnDropHandle<()>,
}

/// What happens to lines, those that are there and those to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    Cut,
    /// Lines on which somebody listens for notifications are cut.
    ListenersCut,
    /// They stay open and carry nothing, as when a router on the way has lost its memory.
    ListenersSilent,
}

/// What happens to what is said on a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Carried,
    Lost,
    Closed,
}

impl State {
    fn of_a_line(self, listens: bool) -> Fate {
        match self {
            Self::Cut => Fate::Closed,
            Self::ListenersCut if listens => Fate::Closed,
            Self::ListenersSilent if listens => Fate::Lost,
            _ => Fate::Carried,
        }
    }
}

impl Proxy {
    /// One to the database that `url` names.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = PgConnectOptions::from_str(url).unwrap();
        let (state, watched) = watch::channel(State::Whole);
        let lines = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(line(client, server.clone(), watched.clone()));
            }
        });
        let after = url.split_once("://").unwrap().1;
        let (user, place) = after.split_once('@').unwrap();
        let name = place.split('?').next().unwrap().rsplit('/').next().unwrap();
        Self {
            url: format!("postgres://{user}@127.0.0.1:{port}/{name}?sslmode=disable"),
            state,
            _lines: AbortOnDropHandle::new(lines),
        }
    }

    /// The database by this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cuts all lines; new ones are cut at once.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Cuts the lines on which somebody listens, and new ones as soon as somebody does.
    pub fn cut_listeners(&self) {
        self.state.send_replace(State::ListenersCut);
    }

    /// Lets nothing through on lines on which somebody listens, and does not close them.
    pub fn silence_listeners(&self) {
        self.state.send_replace(State::ListenersSilent);
    }

    /// Lets everything through again. Lines that have lost something are closed.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

/// Connects a line, and carries what is said on it.
async fn line(client: TcpStream, server: PgConnectOptions, state: watch::Receiver<State>) {
    if *state.borrow() == State::Cut {
        return;
    }
    let carried = async {
        match server.get_socket() {
            Some(folder) => {
                let socket = folder.join(format!(".s.PGSQL.{}", server.get_port()));
                carry(client, UnixStream::connect(socket).await?, state).await
            }
            None => {
                let address = (server.get_host(), server.get_port());
                carry(client, TcpStream::connect(address).await?, state).await
            }
        }
    };
    // Whatever ends it, both sides learn by their line being closed.
    let _: io::Result<()> = carried.await;
}

/// Carries what client and server say until either is done or the line is cut.
async fn carry(
    client: TcpStream,
    server: impl AsyncRead + AsyncWrite,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut question, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut listens, mut lost) = (false, false);
    loop {
        tokio::select! {
            read = from_client.read(&mut question) => {
                let said = &question[..read?];
                listens |= said.windows(6).any(|bytes| bytes == b"LISTEN");
                let fate = state.borrow().of_a_line(listens);
                match fate {
                    _ if said.is_empty() => return Ok(()),
                    Fate::Carried => to_server.write_all(said).await?,
                    Fate::Lost => lost = true,
                    Fate::Closed => return Ok(()),
                }
            }
            read = from_server.read(&mut answer) => {
                let said = &answer[..read?];
                let fate = state.borrow().of_a_line(listens);
                match fate {
                    _ if said.is_empty() => return Ok(()),
                    Fate::Carried => to_client.write_all(said).await?,
                    Fate::Lost => lost = true,
                    Fate::Closed => return Ok(()),
                }
            }
            changed = state.changed() => {
                let fate = state.borrow_and_update().of_a_line(listens);
                if changed.is_err() || fate == Fate::Closed || (lost && fate == Fate::Carried) {
                    return Ok(());
                }
            }
        }
    }
}
