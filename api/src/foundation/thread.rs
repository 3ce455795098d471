//! Work on threads of its own.

use sea_orm::DbErr;
use tokio::task::JoinHandle;

/// What a thread came to; a panic there goes on here.
///
/// # Errors
///
/// When the program ends before the thread has begun.
pub async fn joined<T>(thread: JoinHandle<T>) -> Result<T, DbErr> {
    thread.await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => DbErr::Custom("the program is being stopped".into()),
    })
}
