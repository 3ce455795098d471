//! Which of the two databases is in use, and how statements are written for it.

use std::fmt;

use sea_orm::sea_query::{
    PostgresQueryBuilder, QueryBuilder, SelectStatement, SqlWriter, SqliteQueryBuilder, Values,
};
use sea_orm::{DatabaseBackend, Statement, StatementBuilder, Value};

/// Which of the two databases is in use. They differ in search, in JSON and in locking; a file
/// that holds such a difference asks for it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The embedded database: one file, one writer.
    Sqlite,
    /// The server, for sites that outgrew one machine.
    Postgres,
}

impl Dialect {
    /// What SeaORM calls it.
    pub fn backend(self) -> DatabaseBackend {
        match self {
            Self::Sqlite => DatabaseBackend::Sqlite,
            Self::Postgres => DatabaseBackend::Postgres,
        }
    }

    /// Writes out a statement with its parameters.
    pub fn statement(self, statement: &impl StatementBuilder) -> Statement {
        self.backend().build(statement)
    }

    /// Writes out a query: its limits as numbers, everything else as parameters.
    pub fn build(self, query: &SelectStatement) -> Statement {
        let mut text = StatementText::default();
        let backend = match self {
            Self::Sqlite => {
                query.build_collect_any_into(&SqliteQueryBuilder, &mut text);
                DatabaseBackend::Sqlite
            }
            Self::Postgres => {
                query.build_collect_any_into(&PostgresQueryBuilder, &mut text);
                DatabaseBackend::Postgres
            }
        };
        Statement {
            sql: text.sql,
            values: Some(Values(text.values)),
            db_backend: backend,
        }
    }
}

impl From<DatabaseBackend> for Dialect {
    fn from(backend: DatabaseBackend) -> Self {
        match backend {
            DatabaseBackend::Sqlite => Self::Sqlite,
            _ => Self::Postgres,
        }
    }
}

/// A query while it is written out. A limit becomes a number, not a parameter, because neither
/// database keeps the plan of a statement whose limit it does not know: SQLite takes the limit into
/// account and prepares the statement again whenever it is bound; PostgreSQL takes it for a tenth of
/// the table, so that one plan for all values never seems good enough.
#[derive(Debug, Default)]
struct StatementText {
    sql: String,
    values: Vec<Value>,
}

impl SqlWriter for StatementText {
    fn push_param<T: QueryBuilder>(&mut self, value: Value, builder: &T) {
        match value {
            Value::BigUnsigned(Some(limit)) if self.sql.ends_with(" LIMIT ") => {
                self.sql.push_str(&limit.to_string());
            }
            value => {
                self.values.push(value);
                let (placeholder, numbered) = builder.placeholder();
                self.sql.push_str(placeholder);
                if numbered {
                    self.sql.push_str(&self.values.len().to_string());
                }
            }
        }
    }

    fn as_writer(&mut self) -> &mut dyn fmt::Write {
        self
    }
}

impl fmt::Write for StatementText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.sql.push_str(text);
        Ok(())
    }
}

impl fmt::Display for StatementText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sql)
    }
}
