//! How much there may be of something at once: altogether, and for whoever asks from one address.
//! Connections are counted so, and the bytes of bodies that have not come to their end.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rate_limit::Client;

/// The places for connections.
#[derive(Clone, Debug)]
pub(in crate::http) struct Places {
    altogether: usize,
    of_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    altogether: usize,
    by_client: HashMap<Client, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Full {
    Altogether,
    OfAddress,
}

/// A place of a connection, which is free again when this is dropped.
#[derive(Debug)]
pub(in crate::http) struct Place {
    client: Client,
    count: usize,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// So many places altogether, and for whoever asks from one address.
    pub(in crate::http) fn new(altogether: usize, of_address: usize) -> Self {
        Self {
            altogether,
            of_address,
            taken: Arc::default(),
        }
    }

    /// Takes a place for whoever asks from an address.
    pub(in crate::http) fn take(&self, client: Client) -> Result<Place, Full> {
        self.take_many(client, 1)
    }

    /// Takes so many places, or none.
    pub(in crate::http) fn take_many(&self, client: Client, count: usize) -> Result<Place, Full> {
        let mut taken = lock(&self.taken);
        if taken.altogether + count > self.altogether {
            return Err(Full::Altogether);
        }
        let of_client = taken.by_client.get(&client).copied().unwrap_or_default();
        if of_client + count > self.of_address {
            return Err(Full::OfAddress);
        }
        taken.by_client.insert(client, of_client + count);
        taken.altogether += count;
        let taken = Arc::clone(&self.taken);
        Ok(Place {
            client,
            count,
            taken,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.altogether -= self.count;
        if let Entry::Occupied(mut of_client) = taken.by_client.entry(self.client) {
            *of_client.get_mut() -= self.count;
            if *of_client.get() == 0 {
                of_client.remove();
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    fn at(address: &str) -> Client {
        Client::at(Some(address.parse().unwrap()))
    }

    #[test]
    fn no_address_takes_all_places_and_places_come_back() {
        let places = Places::new(3, 2);
        let near = at("192.0.2.1");
        let first = places.take(near).unwrap();
        let _second = places.take(near).unwrap();
        assert_eq!(places.take(near).unwrap_err(), Full::OfAddress);
        let third = places.take(at("192.0.2.2")).unwrap();
        let far = at("2001:db8::1");
        assert_eq!(places.take(far).unwrap_err(), Full::Altogether);
        drop(third);
        drop(first);
        let _first = places.take(near).unwrap();
        let _far = places.take(far).unwrap();
        assert_eq!(places.take(far).unwrap_err(), Full::Altogether);
    }

    #[test]
    fn nothing_is_kept_of_an_address_that_has_gone() {
        let places = Places::new(2, 1);
        drop(places.take(at("192.0.2.1")).unwrap());
        assert!(lock(&places.taken).by_client.is_empty());
    }
}
