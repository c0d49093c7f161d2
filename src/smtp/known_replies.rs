//! What each server's fixed replies look like, heard in sessions in clear and put beside encrypted
//! ones of the same server: the answer to QUIT is told from the go-ahead to DATA by its length.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::net::canonical;
use crate::smtp::session::Session;
use crate::smtp::tls::KnownReplies;

/// Servers remembered.
const MAX_SERVERS: usize = 4096;

/// Lengths remembered of each reply of one server; a reply that has more is not fixed.
const MAX_LENGTHS: usize = 4;

/// See the module.
#[derive(Debug, Default)]
pub struct Phrasebook {
    servers: AHashMap<IpAddr, KnownReplies>,
}

impl Phrasebook {
    /// Listens to a finished session.
    pub fn hear(&mut self, session: &Session) {
        let (closing, go_ahead) = (session.dialog.closing_length, session.dialog.go_ahead_length);
        if closing.is_none() && go_ahead.is_none() {
            return;
        }
        let server = canonical(session.server().ip);
        if self.servers.len() >= MAX_SERVERS && !self.servers.contains_key(&server) {
            return;
        }
        let known = self.servers.entry(server).or_default();
        for (lengths, length) in [(&mut known.closing, closing), (&mut known.go_ahead, go_ahead)] {
            if let Some(length) = length
                && !lengths.contains(&length)
                && lengths.len() <= MAX_LENGTHS
            {
                lengths.push(length);
            }
        }
    }

    /// Puts what is known of its server beside an encrypted session.
    pub fn teach(&self, session: &mut Session) {
        let server = canonical(session.server().ip);
        if let Some(encryption) = &mut session.dialog.encryption
            && let Some(known) = self.servers.get(&server)
        {
            let fixed = |lengths: &[u16]| {
                if lengths.len() <= MAX_LENGTHS { lengths.to_vec() } else { Vec::new() }
            };
            encryption.known_replies =
                KnownReplies { closing: fixed(&known.closing), go_ahead: fixed(&known.go_ahead) };
        }
    }
}
