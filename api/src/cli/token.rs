//! `alphanode token`: API tokens, from the machine itself.

use std::io::Write;
use std::process::ExitCode;

use chrono::TimeDelta;
use clap::Subcommand;

use super::{Failure, open_store};
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::domain::api_token::{self, NewApiToken};
use crate::domain::page::{PAGE_LIMIT, PageRequest};
use crate::domain::permission::{Action as Permission, Scope};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::Transaction;
use crate::domain::user;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token that acts for a user, and print it, this once
    Create {
        /// The address of the user it acts for
        #[arg(long)]
        user: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, e.g. posts:write,posts:publish
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<Scope>,
        /// Days until it stops being good; not by itself when absent
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// List all tokens, without their secrets
    List,
    /// Revoke a token, at once
    Revoke {
        /// Its number, as `list` prints it
        id: i64,
    },
}

fn scope(word: &str) -> Result<Scope, String> {
    let words = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::from_word(word).ok_or_else(|| format!("give some of {words}"))
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<ExitCode, Failure> {
    let store = open_store(config).await?;
    let begin = || Transaction::begin(&store, Actor::CommandLine, Permission::ManageOwnTokens);
    let mut out = std::io::stdout();
    match arguments.action {
        Action::Create {
            user,
            name,
            scopes,
            days,
        } => {
            let mut transaction = begin().await?;
            let user = user::find_by_email(&transaction, &user).await?;
            let expires_at = days.map(|days| transaction.now() + TimeDelta::days(days.into()));
            let new = NewApiToken {
                user_id: user.id,
                name,
                scopes,
                expires_at,
            };
            let (_, token) = api_token::create(&mut transaction, new).await?;
            transaction.commit().await?;
            writeln!(out, "{token}")?;
        }
        Action::Revoke { id } => {
            let mut transaction = begin().await?;
            api_token::revoke(&mut transaction, id, None).await?;
            transaction.commit().await?;
            writeln!(out, "revoked {id}")?;
        }
        Action::List => {
            let reader = Reader::new(store.database.clone(), Perspective::Published);
            let mut request = PageRequest::first(PAGE_LIMIT);
            loop {
                let page = api_token::list(&reader, None, &request).await?;
                for (cursor, token) in page.rows {
                    let state = match token.revoked_at {
                        Some(_) => "revoked",
                        None if token.expires_at.is_some_and(|at| at <= store.clock.now()) => {
                            "expired"
                        }
                        None => "good",
                    };
                    let scopes: Vec<&str> =
                        token.scopes.iter().map(|scope| scope.as_str()).collect();
                    writeln!(
                        out,
                        "{:4} {state:8} {}… user {} {} ({})",
                        token.id,
                        token.start,
                        token.user_id,
                        scopes.join(","),
                        token.name
                    )?;
                    request.cursor = Some(cursor.encode());
                }
                if !page.has_next {
                    break;
                }
            }
        }
    }
    store.database.close().await?;
    Ok(ExitCode::SUCCESS)
}
