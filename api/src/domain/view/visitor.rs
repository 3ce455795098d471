//! Who looked at a post: known for a second, then a hash that is of use for a day.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use chrono::NaiveDate;
use entity::view_salt::{ActiveModel, Column, Entity};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::domain::error::{Error, Result};
use crate::domain::transaction::Transaction;
use crate::foundation::secret::random_secret;

/// The longest name of a program that tells two visitors apart, in characters.
const USER_AGENT_LENGTH: usize = 300;

/// Parts of the names by which programs that no person looks through call themselves.
const ROBOTS: [&str; 6] = ["bot", "crawl", "spider", "slurp", "headless", "lighthouse"];

/// Who looked, as far as a request tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Visitor {
    address: IpAddr,
    user_agent: String,
}

impl Visitor {
    /// Whoever sent a request from this address with a program that calls itself so.
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.unwrap_or_default();
        Self {
            address: address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
            user_agent: user_agent.chars().take(USER_AGENT_LENGTH).collect(),
        }
    }

    /// Whether the program says of itself that no person looks through it.
    pub fn is_robot(&self) -> bool {
        let name = self.user_agent.to_ascii_lowercase();
        // A maker of phones has the word in its name.
        let name = name.replace("cubot", "");
        ROBOTS.iter().any(|robot| name.contains(robot))
    }

    /// What is kept of them: the same for the same visitor, post and salt, and of no use without
    /// the salt. Two posts that one visitor looked at have nothing in common.
    pub(super) fn hash(&self, salt: &Salt, post_id: i64) -> i64 {
        let address = match self.address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let mut context = hmac::Context::with_key(&salt.key);
        context.update(&post_id.to_be_bytes());
        context.update(&address.octets());
        context.update(self.user_agent.as_bytes());
        let tag = context.sign();
        let mut short = [0; 8];
        short.copy_from_slice(&tag.as_ref()[..8]);
        i64::from_be_bytes(short)
    }
}

/// What the visitors of a day are hashed with.
pub(super) struct Salt {
    pub(super) day: NaiveDate,
    key: Key,
}

impl Salt {
    /// The salt of a day, which all nodes share; whoever comes first makes it.
    pub(super) async fn of(transaction: &Transaction<'_>, day: NaiveDate) -> Result<Self> {
        let connection = transaction.connection();
        let new = ActiveModel {
            day: Set(day),
            salt: Set(random_secret()?),
        };
        Entity::insert(new)
            .on_conflict(OnConflict::column(Column::Day).do_nothing().to_owned())
            .exec_without_returning(connection)
            .await?;
        let salt = Entity::find_by_id(day).one(connection).await?;
        let salt = salt.ok_or_else(|| Error::Internal(format!("{day} has no salt")))?;
        Ok(Self {
            day,
            key: Key::new(HMAC_SHA256, salt.salt.as_bytes()),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    fn salt(text: &str) -> Salt {
        Salt {
            day: NaiveDate::MIN,
            key: Key::new(HMAC_SHA256, text.as_bytes()),
        }
    }

    #[test]
    fn a_hash_depends_on_address_program_post_and_salt_and_on_nothing_else() {
        let visitor = |address: &str, agent| Visitor::new(Some(address.parse().unwrap()), agent);
        let one = visitor("192.0.2.1", Some("Firefox"));
        let hash = one.hash(&salt("a"), 1);
        assert_eq!(one.clone().hash(&salt("a"), 1), hash);
        assert_eq!(
            visitor("::ffff:192.0.2.1", Some("Firefox")).hash(&salt("a"), 1),
            hash
        );
        assert_ne!(one.hash(&salt("b"), 1), hash);
        assert_ne!(one.hash(&salt("a"), 2), hash);
        assert_ne!(
            visitor("192.0.2.2", Some("Firefox")).hash(&salt("a"), 1),
            hash
        );
        assert_ne!(visitor("192.0.2.1", None).hash(&salt("a"), 1), hash);
    }

    #[test]
    fn robots_say_so() {
        let is_robot = |agent| Visitor::new(None, Some(agent)).is_robot();
        assert!(is_robot(
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        ));
        assert!(is_robot("Mozilla/5.0 HeadlessChrome/126.0"));
        assert!(!is_robot("Mozilla/5.0 (X11; Linux) Firefox/140.0"));
        assert!(!is_robot("Mozilla/5.0 (Linux; Android 12; CUBOT_X30)"));
        assert!(!is_robot(""));
    }
}
