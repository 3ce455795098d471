//! Files on their way into the database, for a run that workers carry out.

use entity::{import_chunk, import_file, import_run};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter,
};
use serde_json::json;

use super::control::job;
use super::run::{ImportRun, NOUN, NewRun, lock, row_of, signed};
use super::stored::{drop_files, forget};
use super::{Format, Manner, RunStatus};
use crate::domain::actor::Caller;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, Result};
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::cache_tag::CacheTag;

/// Bytes of a piece, which is a row: enough to make few of them, few enough to hold in memory.
pub const CHUNK_BYTES: usize = 512 * 1024;

/// The longest name of a file, in bytes.
const NAME_BYTES: usize = 1_000;

/// The most files of one run.
const MOST_FILES: u64 = 100_000;

/// The most uploads that wait for a worker, or are imported or uploaded.
const MOST_UNDER_WAY: u64 = 20;

/// What is to be done with the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewUpload {
    /// What they are read as.
    pub format: Format,
    /// How documents are taken in.
    pub manner: Manner,
    /// Whether only the report is written.
    pub dry_run: bool,
}

/// An upload under way: one file after the other, each from its beginning to its end. It is held in
/// memory a piece at a time. One that is not [finished](Self::finish) should be
/// [discarded](Self::discard); what a process that died leaves behind is purged.
#[derive(Debug)]
pub struct Uploader {
    store: Store,
    caller: Caller,
    run_id: i64,
    /// The name of the first file.
    first: String,
    files: u64,
    /// Pieces of the last file that are written.
    chunks: u64,
    /// Bytes of the last file.
    file_bytes: u64,
    total_bytes: u64,
    piece: Vec<u8>,
}

impl Uploader {
    /// Begins an upload.
    ///
    /// # Errors
    ///
    /// When the caller may not import; [`Error::Refused`] when too many uploads are under way; those
    /// of the database.
    pub async fn begin(store: &Store, caller: Caller, upload: NewUpload) -> Result<Self> {
        let transaction = Transaction::begin(store, caller.clone(), Action::ManageImports).await?;
        if under_way(&transaction).await? >= MOST_UNDER_WAY {
            let message = format!(
                "{MOST_UNDER_WAY} uploads are under way; send this one when some are imported, or \
                 cancel those that nobody needs"
            );
            return Err(Problem::conflict("files", message).into());
        }
        let run = NewRun {
            source: String::new(),
            format: upload.format.as_str().to_owned(),
            manner: upload.manner,
            dry_run: upload.dry_run,
            total_bytes: None,
        };
        let row = import_run::ActiveModel {
            stored: Set(true),
            ..row_of(&transaction, &run, RunStatus::Uploading)
        };
        let run_id = row.insert(transaction.connection()).await?.id;
        transaction.commit().await?;
        Ok(Self {
            store: store.clone(),
            caller,
            run_id,
            first: String::new(),
            files: 0,
            chunks: 0,
            file_bytes: 0,
            total_bytes: 0,
            piece: Vec::new(),
        })
    }

    /// Begins the next file. Its name says what it is read as, and for Markdown its address; it may be
    /// a path.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when the name can't be one, or there are too many files; those of the
    /// database.
    pub async fn start_file(&mut self, name: &str) -> Result<()> {
        self.end_file().await?;
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            let message = format!(
                "a file has no name that can be used; give 1 to {NAME_BYTES} bytes without control \
                 characters"
            );
            return Err(Problem::invalid("name", message).into());
        }
        if self.files == MOST_FILES {
            let message = format!("{MOST_FILES} files are the most; upload the others separately");
            return Err(Problem::invalid("files", message).into());
        }
        if self.files == 0 {
            self.first = name.to_owned();
        }
        let transaction = self.go_on().await?;
        let row = import_file::ActiveModel {
            import_run_id: Set(self.run_id),
            number: Set(signed(self.files)),
            name: Set(name.to_owned()),
            bytes: Set(0),
        };
        import_file::Entity::insert(row)
            .exec_without_returning(transaction.connection())
            .await?;
        transaction.commit().await?;
        self.files += 1;
        self.chunks = 0;
        self.file_bytes = 0;
        Ok(())
    }

    /// Adds to the file that was begun last.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.file_bytes += bytes.len() as u64;
        self.total_bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - self.piece.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == CHUNK_BYTES {
                self.write_piece().await?;
            }
        }
        Ok(())
    }

    /// Ends the upload: the run waits for a worker from now on.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when there is nothing in it; those of the database.
    pub async fn finish(mut self) -> Result<ImportRun> {
        let finished = self.try_to_finish().await;
        if finished.is_err() {
            self.discard().await;
        }
        finished
    }

    /// [Ends](Self::finish) the upload for whoever asks by now.
    ///
    /// # Errors
    ///
    /// When the caller may not import; those of [`Self::finish`].
    pub async fn finish_as(mut self, caller: Caller) -> Result<ImportRun> {
        self.caller = caller;
        self.finish().await
    }

    async fn try_to_finish(&mut self) -> Result<ImportRun> {
        self.end_file().await?;
        if self.total_bytes == 0 {
            let message = "the upload is empty; send the content of a file";
            return Err(Problem::invalid("files", message).into());
        }
        let source = match self.files {
            1 => self.first.clone(),
            files => format!("{} and {} more", self.first, files - 1),
        };
        let mut transaction = self.go_on().await?;
        import_run::Entity::update_many()
            .col_expr(
                import_run::Column::Status,
                Expr::value(RunStatus::Waiting.as_str()),
            )
            .col_expr(import_run::Column::Source, Expr::value(source.as_str()))
            .col_expr(
                import_run::Column::TotalBytes,
                Expr::value(signed(self.total_bytes)),
            )
            .filter(import_run::Column::Id.eq(self.run_id))
            .exec(transaction.connection())
            .await?;
        let run = lock(&transaction, self.run_id)
            .await?
            .ok_or_else(broken_off)?;
        transaction.enqueue(job(self.run_id));
        transaction.record(AuditEvent {
            action: "start",
            subject: NOUN,
            subject_id: self.run_id,
            before: None,
            after: Some(json!({
                "source": source,
                "files": self.files,
                "bytes": self.total_bytes,
                "format": run.format,
                "publish": run.manner.publish,
                "overwrite": run.manner.overwrite,
                "dryRun": run.dry_run,
            })),
        });
        transaction.touch(CacheTag::List(NOUN));
        transaction.commit().await?;
        Ok(run)
    }

    /// Throws away what was uploaded so far. When that fails, it is purged later.
    pub async fn discard(self) {
        let discarded = async {
            drop_files(&self.store, self.run_id).await?;
            forget(&self.store, self.run_id).await
        };
        if let Err(error) = discarded.await {
            tracing::warn!(run = self.run_id, %error, "an upload is thrown away later");
        }
    }

    async fn end_file(&mut self) -> Result<()> {
        if !self.piece.is_empty() {
            self.write_piece().await?;
        }
        if self.files == 0 {
            return Ok(());
        }
        let transaction = self.go_on().await?;
        import_file::Entity::update_many()
            .col_expr(
                import_file::Column::Bytes,
                Expr::value(signed(self.file_bytes)),
            )
            .filter(import_file::Column::ImportRunId.eq(self.run_id))
            .filter(import_file::Column::Number.eq(signed(self.files - 1)))
            .exec(transaction.connection())
            .await?;
        transaction.commit().await
    }

    async fn write_piece(&mut self) -> Result<()> {
        let content = std::mem::take(&mut self.piece);
        let transaction = self.go_on().await?;
        let row = import_chunk::ActiveModel {
            import_run_id: Set(self.run_id),
            file: Set(signed(self.files.saturating_sub(1))),
            number: Set(signed(self.chunks)),
            content: Set(content),
            ..Default::default()
        };
        import_chunk::Entity::insert(row)
            .exec_without_returning(transaction.connection())
            .await?;
        transaction.commit().await?;
        self.chunks += 1;
        Ok(())
    }

    /// A transaction of an upload that goes on, so that it is not taken for one that was broken off.
    async fn go_on(&self) -> Result<Transaction<'_>> {
        let transaction =
            Transaction::begin(&self.store, self.caller.clone(), Action::ManageImports).await?;
        let going = import_run::Entity::update_many()
            .col_expr(
                import_run::Column::TouchedAt,
                Expr::value(transaction.now()),
            )
            .filter(import_run::Column::Id.eq(self.run_id))
            .filter(import_run::Column::Status.eq(RunStatus::Uploading.as_str()))
            .exec(transaction.connection())
            .await?;
        match going.rows_affected {
            0 => Err(broken_off()),
            _ => Ok(transaction),
        }
    }
}

/// How many uploads have not come to their end.
async fn under_way(transaction: &Transaction<'_>) -> Result<u64> {
    let statuses = [RunStatus::Uploading, RunStatus::Waiting, RunStatus::Running];
    let count = import_run::Entity::find()
        .filter(import_run::Column::Stored.eq(true))
        .filter(import_run::Column::Status.is_in(statuses.map(RunStatus::as_str)))
        .count(transaction.connection())
        .await?;
    Ok(count)
}

fn broken_off() -> Error {
    Error::BadArgument("the upload took too long between two pieces and was purged".into())
}
