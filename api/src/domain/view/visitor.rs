//! Who looked at a post: known for a second, then a hash that is of use for a day.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use chrono::NaiveDate;
use entity::view_salt::{ActiveModel, Column, Entity};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use sha2::{Digest, Sha256};

use crate::domain::error::{Error, Result};
use crate::domain::transaction::Transaction;
use crate::foundation::secret::random_secret;

/// The longest name of a program that tells two visitors apart, in characters.
const USER_AGENT_LENGTH: usize = 300;

/// So many visitors of one network count for a post and day at most: anybody can call their program
/// by another name each time, and with IPv6 come from another address as well.
const PLACES: u8 = 64;

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
        let address = address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        Self {
            address: address.to_canonical(),
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

    /// What one customer of a network has: an IPv4 address, or the /64 that IPv6 gives everybody.
    pub(super) fn network(&self) -> Network {
        Network(match self.address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64),
        })
    }

    /// What is kept of them: the same for the same visitor, post and salt, and of no use without
    /// the salt. Two posts that one visitor looked at have nothing in common, and neither have two
    /// visitors of one network. A network has [`PLACES`] of them for a post and day.
    pub(super) fn hash(&self, salt: &Salt, post_id: i64) -> i64 {
        let mut context = hmac::Context::with_key(&salt.key);
        context.update(&post_id.to_be_bytes());
        context.update(&self.network().0.octets());
        context.update(&[self.place(post_id)]);
        let tag = context.sign();
        let mut short = [0; 8];
        short.copy_from_slice(&tag.as_ref()[..8]);
        i64::from_be_bytes(short)
    }

    /// Which of the places of their network they take for a post. Two who take the same one count
    /// once, on another post they most likely count twice.
    fn place(&self, post_id: i64) -> u8 {
        let digest = Sha256::new()
            .chain_update(post_id.to_be_bytes())
            .chain_update(self.address.to_string())
            .chain_update([0])
            .chain_update(&self.user_agent)
            .finalize();
        digest[0] % PLACES
    }
}

/// Where visitors come from who may all be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Network(Ipv6Addr);

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
    use std::collections::HashSet;

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
    fn a_network_has_so_many_places_whatever_its_visitors_call_themselves() {
        let salt = salt("a");
        let hashes = |visitors: &[Visitor]| {
            let hashes = visitors.iter().map(|visitor| visitor.hash(&salt, 1));
            hashes.collect::<HashSet<_>>().len()
        };
        let address = "192.0.2.1".parse().ok();
        let named: Vec<_> = (0..2_000)
            .map(|number| Visitor::new(address, Some(&number.to_string())))
            .collect();
        assert_eq!(hashes(&named), usize::from(PLACES));
        assert!(hashes(&named[..10]) >= 8, "few of few count as one");
        let neighbours: Vec<_> = (0..2_000)
            .map(|number| format!("2001:db8:1:2::{number:x}").parse().ok())
            .map(|address| Visitor::new(address, None))
            .collect();
        assert_eq!(hashes(&neighbours), usize::from(PLACES));
        let network = |address: &str| Visitor::new(address.parse().ok(), None).network();
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
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
