//! The messages that went out over a DCID, as the lines of their reception tell them.
//!
//! A delivery's lines name the MID alone; sender, recipients and Message-ID stand with the lines that
//! took the message in, maybe days before, maybe in no log that was given.

use ahash::AHashMap;

use crate::maillog::delivery::Attempt;
use crate::maillog::{MailLog, Message, SerialIndex};
use crate::net::Leg;

/// Gives every delivery connection its messages: one for each attempt, at the same place, with the
/// envelope where the log holds it. A message that the appliance made itself (a bounce, a split) has none.
pub fn attach(log: &mut MailLog) {
    let mut received: AHashMap<(Option<SerialIndex>, u64), &Message> = AHashMap::new();
    let incoming = log.connections.iter().filter(|connection| connection.leg == Leg::Injection);
    for message in incoming.flat_map(|connection| &connection.messages).chain(&log.orphans) {
        received.insert((message.serial, message.mid), message);
    }
    let made: Vec<(usize, Vec<Message>)> = log
        .connections
        .iter()
        .enumerate()
        .filter_map(|(index, connection)| {
            let delivery = connection.delivery.as_ref().filter(|_| connection.leg == Leg::Delivery)?;
            let of = |attempt: &Attempt| {
                let source = received.get(&(connection.serial, attempt.mid)).copied();
                outgoing(attempt, source, connection.serial, connection.first)
            };
            Some((index, delivery.attempts.iter().map(of).collect()))
        })
        .collect();
    for (index, messages) in made {
        if let Some(connection) = log.connections.get_mut(index) {
            connection.messages = messages;
        }
    }
}

fn outgoing(
    attempt: &Attempt,
    source: Option<&Message>,
    serial: Option<SerialIndex>,
    of_connection: crate::maillog::Stamp,
) -> Message {
    let outcome = attempt.outcome.as_ref().map(|(_, at)| *at);
    let response = attempt.response.as_ref().map(|(_, at)| *at);
    let first = attempt.started.or(response).or(outcome).unwrap_or(of_connection);
    // The counter may have begun anew: a message that came later is another one.
    let source = source.filter(|source| source.first.time <= first.time);
    Message {
        mid: attempt.mid,
        serial,
        icid: None,
        started: attempt.started,
        mail_from: source.and_then(|source| source.mail_from.clone()),
        rcpt_to: source.map(|source| source.rcpt_to.clone()).unwrap_or_default(),
        rejected: Vec::new(),
        message_id: source.and_then(|source| source.message_id.clone()),
        subject: None,
        ready: None,
        aborted: None,
        finished: None,
        response: attempt.response.as_ref().map(|(words, _)| Box::new(words.clone())),
        first,
        last: outcome.or(response).unwrap_or(first),
        lines: [attempt.started, response, outcome].into_iter().flatten().map(|at| at.line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::attach;
    use crate::maillog::tests::read_text;

    #[test]
    fn a_delivery_has_the_envelope_of_its_reception() {
        let mut log = read_text(
            "\
Mon Mar  9 10:00:00 2026 Info: New SMTP ICID 3 interface In (192.0.2.25) address 198.51.100.7 reverse dns host unknown verified no
Mon Mar  9 10:00:00 2026 Info: Start MID 7 ICID 3
Mon Mar  9 10:00:00 2026 Info: MID 7 ICID 3 From: <anna@example.net>
Mon Mar  9 10:00:00 2026 Info: MID 7 ICID 3 RID 0 To: <bert@example.com>
Mon Mar  9 10:00:00 2026 Info: MID 7 ready 512 bytes from <anna@example.net>
Mon Mar  9 10:00:01 2026 Info: New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9 port 25
Mon Mar  9 10:00:01 2026 Info: Delivery start DCID 8 MID 7 to RID [0]
Mon Mar  9 10:00:02 2026 Info: MID 7 RID [0] Response '2.0.0 Ok: queued as X'
Mon Mar  9 10:00:02 2026 Info: Message done DCID 8 MID 7 to RID [0]
Mon Mar  9 10:00:03 2026 Info: Delivery start DCID 8 MID 9 to RID [0]
",
        );
        attach(&mut log);
        let [seven, nine] = log.connections[1].messages.as_slice() else { panic!("{log:?}") };
        assert_eq!(seven.mail_from.as_ref().unwrap().0, "anna@example.net".into());
        assert_eq!(seven.rcpt_to[0].0, "bert@example.com".into());
        assert_eq!(seven.response.as_deref(), Some(&"2.0.0 Ok: queued as X".into()));
        assert_eq!(seven.lines.len(), 3);
        assert_eq!((nine.mid, &nine.mail_from, nine.rcpt_to.len()), (9, &None, 0));
    }
}
