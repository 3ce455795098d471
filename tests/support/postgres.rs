//! PostgreSQL: a database of its own on the server that `ALPHANODE_TEST_POSTGRES` names.

use std::{env, thread};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::runtime;

use super::{
    database::{connect, migrate},
    fingerprint,
};

const SERVER: &str = "ALPHANODE_TEST_POSTGRES";

/// Held while the template is made. Any number will do; no other program uses this server.
const TEMPLATE_LOCK: i64 = 0x616c_7068_616e_6f64;

pub struct PostgresDatabase {
    server: String,
    name: String,
    url: String,
}

impl PostgresDatabase {
    pub async fn migrated() -> Option<Self> {
        let server = server()?;
        let connection = connect(&server).await;
        let template = format!("alphanode_template_{}", fingerprint());
        if !exists(&connection, &template).await {
            make_template(&connection, &server, &template).await;
        }
        Some(Self::create(connection, server, &template).await)
    }

    pub async fn empty() -> Option<Self> {
        let server = server()?;
        let connection = connect(&server).await;
        Some(Self::create(connection, server, "template0").await)
    }

    async fn create(connection: DatabaseConnection, server: String, template: &str) -> Self {
        let name = format!("alphanode_test_{:032x}", rand::random::<u128>());
        // Copying files is several times faster than copying by way of the log, which is what
        // PostgreSQL 15 made the default; 14 copies files and does not know the word.
        let strategy = if version(&connection).await < 150_000 {
            ""
        } else {
            "STRATEGY file_copy"
        };
        run(
            &connection,
            &format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}"),
        )
        .await;
        connection.close().await.expect("a connection closes");
        Self {
            url: with_database(&server, &name),
            server,
            name,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PostgresDatabase {
    /// From a thread with a runtime of its own, since the test's may be ending. A test that has
    /// failed must not abort because its database could not be removed.
    fn drop(&mut self) {
        let (server, name) = (&self.server, &self.name);
        let removed = thread::scope(|scope| {
            scope
                .spawn(|| {
                    runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .expect("a runtime can be made")
                        .block_on(async {
                            let connection = connect(server).await;
                            // The program may still be connected.
                            run(
                                &connection,
                                &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                            )
                            .await;
                            let _ = connection.close().await;
                        });
                })
                .join()
        });
        if removed.is_err() {
            eprintln!("the database {name} is left behind");
        }
    }
}

fn server() -> Option<String> {
    let server = env::var(SERVER).ok().filter(|url| !url.is_empty());
    if server.is_none() {
        let how = format!(
            "{SERVER} names no PostgreSQL server: `make test` starts one, as does \
             `scripts/with-postgres COMMAND`"
        );
        assert!(env::var_os("CI").is_none(), "{how}");
        eprintln!("*** SKIPPED: {how} ***");
    }
    server
}

/// Makes the migrated database that tests copy. The first test that wants it does, the others
/// wait; it takes its name when it is whole. Those of older test binaries go.
async fn make_template(connection: &DatabaseConnection, server: &str, template: &str) {
    run(
        connection,
        &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"),
    )
    .await;
    if !exists(connection, template).await {
        for older in templates(connection).await {
            run(
                connection,
                &format!("DROP DATABASE IF EXISTS {older} WITH (FORCE)"),
            )
            .await;
        }
        let unfinished = format!("{template}_unfinished");
        run(
            connection,
            &format!("CREATE DATABASE {unfinished} TEMPLATE template0"),
        )
        .await;
        migrate(&with_database(server, &unfinished)).await;
        run(
            connection,
            &format!("ALTER DATABASE {unfinished} RENAME TO {template}"),
        )
        .await;
    }
    run(
        connection,
        &format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})"),
    )
    .await;
}

async fn run(connection: &DatabaseConnection, sql: &str) {
    connection
        .execute_unprepared(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn version(connection: &DatabaseConnection) -> i32 {
    connection
        .query_one_raw(Statement::from_string(
            DbBackend::Postgres,
            "SELECT current_setting('server_version_num')::integer AS version",
        ))
        .await
        .expect("the server tells its version")
        .expect("the server has a version")
        .try_get("", "version")
        .expect("a version is a number")
}

async fn exists(connection: &DatabaseConnection, name: &str) -> bool {
    connection
        .query_one_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT datname FROM pg_database WHERE datname = $1",
            [name.into()],
        ))
        .await
        .expect("databases can be listed")
        .is_some()
}

async fn templates(connection: &DatabaseConnection) -> Vec<String> {
    connection
        .query_all_raw(Statement::from_string(
            DbBackend::Postgres,
            r"SELECT datname::text FROM pg_database WHERE datname LIKE 'alphanode\_template\_%'",
        ))
        .await
        .expect("databases can be listed")
        .iter()
        .map(|row| row.try_get("", "datname").expect("a database has a name"))
        .collect()
}

/// The same server, another database: the path of the URL is its name.
fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = match server.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..]
        .find('/')
        .map_or(address.len(), |at| authority + at);
    format!("{}/{name}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::with_database;

    #[rstest]
    #[case("postgres://u:p@h:1/old", "postgres://u:p@h:1/new")]
    #[case("postgres://h", "postgres://h/new")]
    #[case(
        "postgres://h/old?host=/tmp/a&sslmode=disable",
        "postgres://h/new?host=/tmp/a&sslmode=disable"
    )]
    fn the_path_of_the_url_is_the_database(#[case] server: &str, #[case] expected: &str) {
        assert_eq!(with_database(server, "new"), expected);
    }
}
