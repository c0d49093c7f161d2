//! What signs are read from: one case's connection with all that is known of it.

use crate::capture::segment::SeqNumber;
use crate::capture::{Side, StreamFacts, Trace};
use crate::cause::{CloseUp, Vantage, headers};
use crate::maillog::{Claim, Connection, Message};
use crate::net::{Leg, Role};
use crate::smtp::{Ending, EndingKind, Session, Transaction};
use crate::verdict::timers::Fit;

/// One case's connection. Roles come from the leg: the appliance is the server of an injection and
/// the client of a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Which way the mail went.
    pub leg: Leg,
    /// The connection.
    pub session: &'a Session,
    /// The transaction in it, where the case is about one that was found.
    pub transaction: Option<&'a Transaction>,
    /// How it ended.
    pub ending: &'a Ending,
    /// Its second reading; `None` where the capture could be read only once.
    pub close_up: Option<&'a CloseUp>,
    /// Where the capture was taken.
    pub vantage: Vantage,
    /// What there is of the sender's side of the firewall.
    pub second_side: SecondSide,
    /// What the log claims.
    pub claim: &'a Claim,
    /// The log's connection.
    pub connection: Option<&'a Connection>,
    /// The log's message.
    pub message: Option<&'a Message>,
    /// Timers of the appliance that fit.
    pub timers: &'a [Fit],
}

/// The capture of the sender's side, taken at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondSide {
    /// There is none.
    NotGiven,
    /// There is one, in which this connection was not found.
    Lacking,
    /// There is one, and it shows this connection.
    Shown,
}

impl<'a> Evidence<'a> {
    /// The side of the flow that is the sender.
    pub const fn sender(&self) -> Side {
        side(self.leg.appliance().other())
    }

    /// The side of the flow that is the appliance.
    pub const fn appliance(&self) -> Side {
        side(self.leg.appliance())
    }

    /// The facts of the sender's stream.
    pub fn sender_stream(&self) -> &'a StreamFacts {
        self.session.flow.streams.of(self.sender())
    }

    /// The facts of the appliance's stream.
    pub fn appliance_stream(&self) -> &'a StreamFacts {
        self.session.flow.streams.of(self.appliance())
    }

    /// Octets that the sender is proven to have sent and that never came: what its own numbers, in any
    /// segment that did come, are ahead of the octets in the file (RFC 9293 section 3.4). Resets and
    /// segments with another TTL than the flow's usual one prove nothing, for anybody may forge them.
    /// `None` where the capture was read only once.
    pub fn lost_in_path(&self) -> Option<i64> {
        let trace = self.trace()?;
        let acks = headers::all(trace).filter(|header| header.by == self.appliance());
        let acknowledged = headers::highest_ack(acks)?;
        let ttls = &trace.habits.of(self.sender()).ttls;
        let usual = ttls.iter().max_by_key(|(_, count)| *count).map(|(ttl, _)| *ttl);
        let genuine: Vec<_> = headers::all(trace)
            .filter(|header| header.by == self.sender() && !header.flags.rst() && !header.flags.syn())
            .filter(|header| usual.is_none_or(|usual| usual == header.ttl))
            .collect();
        // Places beyond what was acknowledged.
        let mut came: Vec<(i64, i64)> = genuine
            .iter()
            .filter(|header| header.payload > 0)
            .map(|header| {
                let from = SeqNumber(header.seq).beyond(acknowledged);
                (from.max(0), from.saturating_add(header.payload.into()))
            })
            .filter(|(from, to)| to > from)
            .collect();
        came.sort_unstable();
        let reached = genuine.iter().map(|header| {
            let payload = SeqNumber(header.seq).plus(header.payload);
            payload.beyond(acknowledged)
        });
        let reached = reached.max()?.max(0);
        let (mut held, mut until) = (0, 0);
        for (from, to) in came {
            let from = from.max(until);
            held += (to - from).max(0);
            until = until.max(to);
        }
        // A FIN takes a number of its own.
        let fin = genuine.iter().any(|header| header.flags.fin() && header.behind().beyond(acknowledged) > 0);
        let beyond_fin = genuine.iter().any(|header| {
            !header.flags.fin()
                && header.payload == 0
                && SeqNumber(header.seq).beyond(acknowledged) == reached
        });
        Some((reached - held - i64::from(fin && beyond_fin)).max(0))
    }

    /// Whether the end came by a stall, whoever closed after it.
    pub fn ends_by_silence(&self) -> bool {
        matches!(
            self.ending.kind,
            EndingKind::Silence | EndingKind::ApplianceClosed | EndingKind::ApplianceStalled
        )
    }

    /// Whether the sender owed the next word and fell silent before the end. An appliance may close with no such
    /// silence before it.
    pub fn sender_stalled(&self) -> bool {
        let sender = self.leg.appliance().other();
        self.ends_by_silence() && self.ending.stall.is_some_and(|stall| stall.on == sender)
    }

    /// The headers, where the connection was read a second time.
    pub fn trace(&self) -> Option<&'a Trace> {
        self.close_up.map(|close_up| &*close_up.trace)
    }
}

/// A session's originator is the client.
pub const fn side(role: Role) -> Side {
    match role {
        Role::Client => Side::Originator,
        Role::Server => Side::Responder,
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::segment::Flags;
    use crate::capture::trace::SegmentHeader;
    use crate::cause::testing::{ISN, Scene, TTL, appliance, sender};

    fn lost(headers: impl IntoIterator<Item = SegmentHeader>) -> Option<i64> {
        let mut scene = Scene::with_headers([]);
        for header in headers {
            scene.push(header);
        }
        scene.evidence().lost_in_path()
    }

    #[test]
    fn numbers_ahead_of_the_octets_prove_a_loss() {
        let at = |seq, payload, millis| SegmentHeader { seq: ISN.0 + 1 + seq, payload, ..sender(millis) };
        let ours = appliance(1);
        assert_eq!(lost([ours, at(0, 0, 5)]), Some(0));
        assert_eq!(lost([ours, at(0, 100, 5)]), Some(0), "in the file, and not yet acknowledged");
        assert_eq!(lost([ours, at(100, 0, 5)]), Some(100));
        // A hole of 1448 with 61 octets behind it, and a later acknowledgment.
        assert_eq!(lost([ours, at(1448, 61, 5), at(1509, 0, 900)]), Some(1448));
        assert_eq!(lost([ours, SegmentHeader { ttl: TTL + 1, ..at(100, 0, 5) }]), Some(0), "forged");
        let fin = SegmentHeader { flags: Flags::FIN.with(Flags::ACK), ..at(0, 0, 5) };
        assert_eq!(lost([ours, fin, at(1, 0, 50)]), Some(0), "a FIN is no octet");
    }
}
