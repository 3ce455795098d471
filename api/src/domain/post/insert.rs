//! Inserting many rows. They are turned into statements on another thread while the database is
//! busy with earlier ones; an import would wait a long time for it otherwise.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseBackend, DbErr, EntityName, EntityTrait, IdenStatic,
    Iterable, Statement,
};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::domain::error::Result;
use crate::domain::transaction::Transaction;
use crate::foundation::database::PARAMETERS;
use crate::foundation::thread::joined;

/// Statements that wait for the database.
const AHEAD: usize = 4;

/// Takes the rows of one table after the other.
pub(super) struct Inserter {
    backend: DatabaseBackend,
    statements: mpsc::Sender<Statement>,
}

/// Inserts the rows that `rows` hands to an [`Inserter`].
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    rows: impl FnOnce(&Inserter) -> Result<()> + Send + 'static,
) -> Result<()> {
    let (sender, mut statements) = mpsc::channel(AHEAD);
    let inserter = Inserter {
        backend: transaction.connection().get_database_backend(),
        statements: sender,
    };
    let thread = spawn_blocking(move || rows(&inserter));
    while let Some(statement) = statements.recv().await {
        transaction.connection().execute_raw(statement).await?;
    }
    joined(thread).await?
}

impl Inserter {
    /// Inserts the rows of one table, all of which set the same columns.
    pub(super) fn rows<A: ActiveModelTrait>(&self, rows: Vec<A>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let columns: Vec<<A::Entity as EntityTrait>::Column> =
            <A::Entity as EntityTrait>::Column::iter()
                .filter(|column| first.get(*column).is_set())
                .collect();
        // As many to a statement as both databases take: SQLite's full-text index writes itself out
        // after each.
        let most = PARAMETERS / columns.len();
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let size = rows.len().min(most);
            let mut values = Vec::with_capacity(size * columns.len());
            for mut row in rows.by_ref().take(size) {
                for column in &columns {
                    let value = row.take(*column).into_value();
                    let missing = || DbErr::AttrNotSet(column.as_str().to_owned());
                    values.push(value.ok_or_else(missing)?);
                }
            }
            let sql = self.sql(A::Entity::default().table_name(), &columns, size);
            let statement = Statement::from_sql_and_values(self.backend, sql, values);
            // Nobody takes it when an earlier one has failed.
            if self.statements.blocking_send(statement).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn sql(&self, table: &str, columns: &[impl IdenStatic], rows: usize) -> String {
        let names: Vec<String> = columns
            .iter()
            .map(|column| format!("\"{}\"", column.as_str()))
            .collect();
        let mut number = 0;
        let mut parameter = || {
            number += 1;
            match self.backend {
                DatabaseBackend::Sqlite => "?".to_owned(),
                _ => format!("${number}"),
            }
        };
        let row = |_| {
            let parameters: Vec<String> = columns.iter().map(|_| parameter()).collect();
            format!("({})", parameters.join(", "))
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!(
            "INSERT INTO \"{table}\" ({}) VALUES {}",
            names.join(", "),
            rows.join(", ")
        )
    }
}
