//! Where this server may send requests of its own: to public addresses, and to what the operator
//! allowed by name. Whoever can save a URL must not reach the database, the machine's metadata
//! service or anything else that only this server can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// What is allowed beside public addresses over HTTPS. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Destinations(Arc<Allowed>);

#[derive(Debug, Default)]
struct Allowed {
    /// Host names, in lower case, without a dot at the end.
    names: Vec<String>,
    networks: Vec<IpNet>,
}

impl Destinations {
    /// Reads the names, addresses and networks (`10.0.0.0/8`) that are allowed beside the public's.
    ///
    /// # Errors
    ///
    /// What is wrong with the first item that is none of these.
    pub fn read(items: &[String]) -> Result<Self, String> {
        let mut allowed = Allowed::default();
        let items = items.iter().map(|item| item.trim());
        for item in items.filter(|item| !item.is_empty()) {
            let literal = item.trim_start_matches('[').trim_end_matches(']');
            if let Ok(network) = literal.parse::<IpNet>() {
                allowed.networks.push(network.trunc());
            } else if let Ok(address) = literal.parse::<IpAddr>() {
                allowed.networks.push(address.to_canonical().into());
            } else if let Ok(Host::Domain(name)) = Host::parse(item) {
                allowed.names.push(without_last_dot(&name).to_owned());
            } else {
                return Err(format!(
                    "`{item}` is no host name, no address and no network; give e.g. \
                     `receiver.internal`, `127.0.0.1` or `10.0.0.0/8`"
                ));
            }
        }
        Ok(Self(Arc::new(allowed)))
    }

    /// Reads a URL that requests may go to, as far as that can be said before its name is resolved.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and how to put it right.
    pub fn read_url(&self, text: &str) -> Result<Url, String> {
        let url = Url::parse(text)
            .map_err(|_| "is no absolute URL; give e.g. https://example.org/hook".to_owned())?;
        if !["https", "http"].contains(&url.scheme()) {
            return Err("must begin with https://".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "holds a user name or a password; leave them out, requests are signed".into(),
            );
        }
        let Some(host) = url.host() else {
            return Err("names no host".into());
        };
        let allowed = match host {
            Host::Domain(name) => self.names(name),
            Host::Ipv4(address) => self.check_literal(address.into())?,
            Host::Ipv6(address) => self.check_literal(address.into())?,
        };
        if url.scheme() == "http" && !allowed {
            return Err(
                "is not encrypted; begin it with https://, or have the operator allow the host by \
                 `webhook_allowed_hosts`"
                    .into(),
            );
        }
        Ok(url)
    }

    /// Whether a request to `host` may be sent to `address`, which its name leads to.
    pub fn allow(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.names(host) || self.holds(address)
    }

    /// Whether the host is allowed by its name.
    fn names(&self, host: &str) -> bool {
        let host = without_last_dot(host);
        let mut names = self.0.names.iter();
        names.any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether the address is in a network that is allowed.
    fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut networks = self.0.networks.iter();
        networks.any(|network| network.contains(&address))
    }

    /// Whether an address that stands in a URL was allowed by the operator.
    fn check_literal(&self, address: IpAddr) -> Result<bool, String> {
        let allowed = self.holds(address);
        if allowed || is_public(address) {
            Ok(allowed)
        } else {
            Err(not_public(address))
        }
    }
}

/// Why nothing is sent to an address.
pub fn not_public(address: IpAddr) -> String {
    format!(
        "leads to {address}, which is no public address; the operator may allow it by \
         `webhook_allowed_hosts`"
    )
}

fn without_last_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(segments: [u16; 3], length: u8) -> Ipv6Net {
    let [a, b, c] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// What of IPv4 is not the public internet, by the registry of special-purpose addresses.
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),       // this network
    v4(10, 0, 0, 0, 8),      // private
    v4(100, 64, 0, 0, 10),   // shared by carriers
    v4(127, 0, 0, 0, 8),     // this machine
    v4(169, 254, 0, 0, 16),  // this link, and the metadata services of clouds
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 31, 196, 0, 24), // AS112
    v4(192, 52, 193, 0, 24), // multicast relays
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private
    v4(198, 18, 0, 0, 15),   // benchmarks
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 3),     // multicast, reserved, broadcast
];

/// All of IPv6 that is routed publicly.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What of that is special: some of it stands for addresses of IPv4, which may be any.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0], 23),         // protocol assignments, Teredo
    v6([0x2001, 0x0db8, 0], 32),    // documentation
    v6([0x2002, 0, 0], 16),         // 6to4
    v6([0x2620, 0x4f, 0x8000], 48), // AS112
    v6([0x3fff, 0, 0], 20),         // documentation
];

/// Whether an address is one of the public internet. An IPv4 address that is written as one of IPv6
/// is judged as what it is.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address)
                && !SPECIAL_V6.iter().any(|network| network.contains(&address))
        }
    }
}
