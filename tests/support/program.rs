//! The program itself, for tests that run it as a process.

use std::path::PathBuf;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

/// Where it is: it is built beside the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("alphanode");
    assert!(program.exists(), "cargo build makes {}", program.display());
    program
}

/// The one number that a statement reads past the program.
pub async fn number(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
