//! `alphanode user`: users, from the machine itself.

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Failure, open_store};
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::domain::one_time_link::{self, NewLink};
use crate::domain::page::{PAGE_LIMIT, PageRequest};
use crate::domain::permission::{Action as Permission, Role};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::Transaction;
use crate::domain::user::{self, NewUser, UserChange};
use crate::graphql::context::Links;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a user, and print the link by which they choose a password
    Create {
        /// The address they sign in with
        email: String,
        /// What others see
        #[arg(long)]
        name: String,
        /// What they are trusted with: viewer, author, editor or admin
        #[arg(long, default_value = "author", value_parser = role)]
        role: Role,
    },
    /// List all users
    List,
    /// Shut a user out, at once
    Disable {
        /// The address they sign in with
        email: String,
    },
    /// Print a link by which a user chooses another password
    ResetLink {
        /// The address they sign in with
        email: String,
    },
}

fn role(word: &str) -> Result<Role, String> {
    let words = Role::ALL.map(Role::as_str).join(", ");
    Role::from_word(word).ok_or_else(|| format!("give one of {words}"))
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<ExitCode, Failure> {
    let store = open_store(config).await?;
    let begin = || Transaction::begin(&store, Actor::CommandLine, Permission::ManageUsers);
    match arguments.action {
        Action::Create { email, name, role } => {
            let mut transaction = begin().await?;
            let new = NewUser { email, name, role };
            let link = one_time_link::invite(&mut transaction, new).await?;
            transaction.commit().await?;
            print_link(config, &link)?;
        }
        Action::ResetLink { email } => {
            let mut transaction = begin().await?;
            let user = user::find_by_email(&transaction, &email).await?;
            let link = one_time_link::reset(&mut transaction, user.id).await?;
            transaction.commit().await?;
            print_link(config, &link)?;
        }
        Action::Disable { email } => {
            let mut transaction = begin().await?;
            let user = user::find_by_email(&transaction, &email).await?;
            let change = UserChange {
                disabled: Some(true),
                ..UserChange::default()
            };
            user::update(&mut transaction, user.id, change).await?;
            transaction.commit().await?;
            writeln!(std::io::stdout(), "disabled {}", user.email)?;
        }
        Action::List => {
            let reader = Reader::new(store.database.clone(), Perspective::Published);
            let mut request = PageRequest::first(PAGE_LIMIT);
            loop {
                let page = user::list(&reader, &request).await?;
                for (cursor, user) in page.rows {
                    let state = match (user.disabled_at, user.has_password) {
                        (Some(_), _) => "disabled",
                        (None, true) => "active",
                        (None, false) => "invited",
                    };
                    let role = user.role.as_str();
                    let mut out = std::io::stdout();
                    writeln!(out, "{role:8} {state:8} {} ({})", user.email, user.name)?;
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

fn print_link(config: &Config, link: &NewLink) -> std::io::Result<()> {
    let links = Links {
        base: config.public_url(),
    };
    let expiry = link.expires_at.format("%Y-%m-%d %H:%M UTC");
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{}\ngood once, until {expiry}",
        links.one_time(&link.token)
    )
}
