//! Where the state of a release is read from: a request that asks what would happen, or the change
//! that makes it happen. Both see it through the same statements.

use sea_orm::sea_query::SelectStatement;
use sea_orm::{ConnectionTrait, QueryResult};

use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::transaction::Transaction;

#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Request(&'a Reader),
    Change(&'a Transaction<'a>),
}

impl Source<'_> {
    pub(super) async fn rows(self, select: &SelectStatement) -> Result<Vec<QueryResult>> {
        match self {
            Self::Request(reader) => reader.rows(select).await,
            Self::Change(transaction) => Ok(transaction.connection().query_all(select).await?),
        }
    }
}
