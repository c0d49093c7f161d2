//! Addresses that many hosts share: a pool behind a translation, or a balancer.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};

use crate::net::canonical;
use crate::smtp::Session;
use crate::text::Text;

/// HELO names from which on one address is taken for a pool behind one door.
const MANY_NAMES: usize = 4;
/// Names counted of one address.
const MAX_NAMES: usize = 1000;

/// The addresses that greet with many names, and with how many.
pub(super) fn pools(sessions: &[Session]) -> AHashMap<IpAddr, usize> {
    let mut names: AHashMap<IpAddr, AHashSet<&Text>> = AHashMap::new();
    for session in sessions {
        if let Some(helo) = &session.dialog.helo {
            let of_address = names.entry(canonical(session.client().ip)).or_default();
            if of_address.len() < MAX_NAMES {
                of_address.insert(helo);
            }
        }
    }
    names.into_iter().map(|(ip, names)| (ip, names.len())).filter(|(_, names)| *names >= MANY_NAMES).collect()
}
