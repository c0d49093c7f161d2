//! What an encrypted flow still says of the messages on it: how long they were and when they ended.
//!
//! A message in the dark is a long speech of the client. Its length is known to the octet with most
//! cipher suites; the log tells the size of every message that the appliance took, and when.

use crate::join::clock::Clocks;
use crate::join::evidence::{Found, fits_size, time_cost};
use crate::maillog::{Connection, Message};
use crate::smtp::Session;
use crate::smtp::tls::Speech;

/// What a message is worth that fits a speech by size and time, and what one costs that fits none.
const FITS: f64 = 1.5;
const FITS_NONE: f64 = 3.0;
/// All messages of a connection together are worth no more than this, and cost no more.
const MOST: f64 = 6.0;
/// Only a message of so many octets must show as a long speech: the appliance adds to shorter ones
/// more than they may have been.
const MUST_SHOW: u64 = 8192;

/// Weighs all accepted messages, in their order; `whole`: the file holds all of the flow.
pub(super) fn weigh(
    connection: &Connection,
    session: &Session,
    clocks: &Clocks,
    whole: bool,
    found: &mut Found<'_>,
) {
    let Some(encryption) = &session.dialog.encryption else { return };
    let mut speeches = encryption.long_speeches.iter();
    let (mut fitting, mut without) = (0u32, 0u32);
    for message in &connection.messages {
        let Some((size, _)) = message.ready else { continue };
        let mut ahead = speeches.clone();
        if ahead.any(|speech| fits(message, size, speech, clocks)) {
            speeches = ahead;
            fitting += 1;
        } else if size >= MUST_SHOW && whole && encryption.long_speeches_dropped == 0 {
            without += 1;
        }
    }
    if fitting == 0 && without == 0 {
        return;
    }
    let weight = f64::from(fitting) * FITS - f64::from(without) * FITS_NONE;
    found("encrypted_sizes", weight.clamp(-MOST, MOST), &|| {
        let fit = format!("{fitting} accepted messages fit what the client sent encrypted, by size and time");
        if without == 0 { fit } else { format!("{fit}; {without} fit nothing of it") }
    });
}

fn fits(message: &Message, size: u64, speech: &Speech, clocks: &Clocks) -> bool {
    let by_size = fits_size(size, speech.text.least) || fits_size(size, speech.text.most);
    let stamped = message.ready.as_ref().and_then(|(_, stamp)| clocks.instant(stamp));
    by_size && stamped.is_none_or(|stamped| time_cost(stamped.since(speech.last.time).seconds()) == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CloseKind;
    use crate::join::clock::Clocks;
    use crate::join::testing::{connection, log, moment, session, stamp};
    use crate::net::Role;
    use crate::smtp::tls::{Encryption, EncryptionStart, TextLength};

    fn speech(octets: u64, at: f64) -> Speech {
        Speech {
            by: Role::Client,
            records: 1,
            text: TextLength { least: octets, most: octets },
            first: moment(at - 0.2, 1),
            last: moment(at, 2),
        }
    }

    fn weight(speeches: Vec<Speech>, sizes_logged: &[(u64, f64)]) -> Option<f64> {
        let mut wire = session(40_000, 0.0, 30.0, "a@example.net", "b@example.com", CloseKind::Fin);
        wire.dialog.transactions.clear();
        wire.dialog.encryption = Some(Box::new(Encryption {
            long_speeches: speeches,
            ..Encryption::begun(EncryptionStart::StartTls, moment(0.1, 1))
        }));
        let mut logged = connection(7, 0.0, 30.0, "a@example.net", "b@example.com");
        let template = logged.messages[0].clone();
        logged.messages = sizes_logged
            .iter()
            .map(|&(size, at)| Message { ready: Some((size, stamp(at, 9))), ..template.clone() })
            .collect();
        let log = log(vec![logged]);
        let clocks = Clocks::read(&log, &[], None);
        let mut weight = None;
        weigh(&log.connections[0], &wire, &clocks, true, &mut |_, found, _| weight = Some(found));
        weight
    }

    #[test]
    fn messages_fit_by_size_and_time_in_their_order() {
        let two = || vec![speech(20_000, 5.0), speech(60_000, 9.0)];
        assert_eq!(weight(two(), &[(20_500, 5.0), (60_400, 9.0)]), Some(3.0));
        assert_eq!(weight(two(), &[(60_400, 9.0)]), Some(1.5));
        assert_eq!(weight(two(), &[(60_400, 9.0), (20_500, 9.0)]), Some(1.5 - 3.0), "not in this order");
        assert_eq!(weight(two(), &[(20_500, 25.0)]), Some(-3.0), "not at this time");
        assert_eq!(weight(vec![], &[(900, 5.0)]), None, "too short to show");
        assert_eq!(weight(vec![], &[(20_000, 5.0), (20_000, 6.0), (20_000, 7.0)]), Some(-6.0));
    }
}
