//! `alphanode publish`: makes the newest revision of posts live.

use std::io::Write;
use std::process::ExitCode;

use super::{Failure, open_store, say};
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::domain::permission::Action;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::post::{self, PostField, PostFilter, Test, TextField};
use crate::domain::transaction::Transaction;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// References, source ids or slugs of the posts
    #[arg(required = true, value_name = "REFERENCE")]
    posts: Vec<String>,
}

/// All of them or none: one transaction.
pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let store = open_store(config).await?;
    let mut transaction =
        Transaction::begin(&store, Actor::CommandLine, Action::PublishPost).await?;
    let mut published = Vec::new();
    for name in &arguments.posts {
        let reader = Reader::new(store.database.clone(), Perspective::Draft);
        let named = [TextField::Reference, TextField::SourceId, TextField::Slug]
            .map(|field| PostFilter::Text(field, Test::Equal(name.clone())));
        let selection = [PostField::Slug, PostField::Title].into_iter().collect();
        let mut found = post::find(&reader, PostFilter::Any(named.to_vec()), selection).await?;
        let Some(found_post) = found.pop() else {
            say(&format!(
                "alphanode: no post has the reference, source id or slug `{name}`; nothing was published"
            ));
            return Ok(ExitCode::FAILURE);
        };
        if !found.is_empty() {
            say(&format!(
                "alphanode: `{name}` names more than one post; use its reference"
            ));
            return Ok(ExitCode::FAILURE);
        }
        post::publish(&mut transaction, found_post.id, found_post.content_id).await?;
        published.push(found_post);
    }
    transaction.commit().await?;
    let mut out = std::io::stdout();
    for found in published {
        writeln!(
            out,
            "published {} ({})",
            post::path(&found.slug),
            found.title
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
