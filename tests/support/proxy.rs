//! Stands between the program and PostgreSQL, and cuts the lines when a test says so.

use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A way to a PostgreSQL server that can be cut.
pub struct Proxy {
    url: String,
    whole: watch::Sender<bool>,
    _lines: AbortOnDropHandle<()>,
}

impl Proxy {
    /// One to the database that `url` names.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = PgConnectOptions::from_str(url).unwrap();
        let (whole, watched) = watch::channel(true);
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
            whole,
            _lines: AbortOnDropHandle::new(lines),
        }
    }

    /// The database by this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cuts all lines; new ones are cut at once.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Lets new lines through again.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

/// Carries what client and server say until the lines are cut.
async fn line(mut client: TcpStream, server: PgConnectOptions, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow_and_update() {
        return;
    }
    let carried = async {
        match server.get_socket() {
            Some(folder) => {
                let socket = folder.join(format!(".s.PGSQL.{}", server.get_port()));
                let mut server = UnixStream::connect(socket).await?;
                copy_bidirectional(&mut client, &mut server).await
            }
            None => {
                let address = (server.get_host(), server.get_port());
                let mut server = TcpStream::connect(address).await?;
                copy_bidirectional(&mut client, &mut server).await
            }
        }
    };
    tokio::select! {
        // Whatever ends it, the other side learns by its line being closed.
        _ = carried => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}
