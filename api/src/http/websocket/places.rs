//! How many connections there may be: altogether, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections that there may be altogether.
const ALTOGETHER: usize = 2_000;

/// Connections from one address: an office behind one, each of its people with several tabs.
const OF_ADDRESS: usize = 100;

/// The bits of an IPv6 address that tell one client from another; the rest each chooses for itself.
const CLIENT_BITS: u32 = 64;

/// The places for connections.
#[derive(Clone, Debug)]
pub(super) struct Places {
    altogether: usize,
    of_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    altogether: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Altogether,
    OfAddress,
}

/// A place of a connection, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    address: Option<IpAddr>,
    taken: Arc<Mutex<Taken>>,
}

impl Default for Places {
    fn default() -> Self {
        Self::new(ALTOGETHER, OF_ADDRESS)
    }
}

impl Places {
    fn new(altogether: usize, of_address: usize) -> Self {
        Self {
            altogether,
            of_address,
            taken: Arc::default(),
        }
    }

    /// Takes a place for a client; one whose address is not known is counted among all only.
    pub(super) fn take(&self, address: Option<IpAddr>) -> Result<Place, Full> {
        let address = address.map(client);
        let mut taken = lock(&self.taken);
        if taken.altogether >= self.altogether {
            return Err(Full::Altogether);
        }
        if let Some(address) = address {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= self.of_address {
                return Err(Full::OfAddress);
            }
            *of_address += 1;
        }
        taken.altogether += 1;
        let taken = Arc::clone(&self.taken);
        Ok(Place { address, taken })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.altogether -= 1;
        let Some(address) = self.address else { return };
        if let Some(of_address) = taken.by_address.get_mut(&address) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of an address one client has to itself.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = address.to_bits() >> CLIENT_BITS << CLIENT_BITS;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn no_address_takes_all_places_and_places_come_back() {
        let places = Places::new(3, 2);
        let near = address("192.0.2.1");
        let first = places.take(near).unwrap();
        let _second = places.take(near).unwrap();
        assert_eq!(places.take(near).unwrap_err(), Full::OfAddress);
        let third = places.take(address("192.0.2.2")).unwrap();
        assert_eq!(places.take(None).unwrap_err(), Full::Altogether);
        drop(third);
        drop(first);
        let _first = places.take(near).unwrap();
        let _nobody = places.take(None).unwrap();
        assert_eq!(places.take(None).unwrap_err(), Full::Altogether);
    }

    #[test]
    fn nothing_is_kept_of_an_address_that_has_gone() {
        let places = Places::new(2, 1);
        drop(places.take(address("192.0.2.1")).unwrap());
        assert!(lock(&places.taken).by_address.is_empty());
    }

    #[test]
    fn a_client_has_one_network_of_addresses() {
        let places = Places::new(9, 1);
        let _one = places.take(address("2001:db8::1")).unwrap();
        let same = places.take(address("2001:db8::ffff:2"));
        assert_eq!(same.unwrap_err(), Full::OfAddress);
        places.take(address("2001:db8:0:1::1")).unwrap();
    }
}
