//! What stays without a counterpart. Where both sides lack something, times that fit prove little: the
//! true flow of one connection and the true connection of another may be the ones that are missing.
//!
//! Where only one side lacks something, its missing one has a rival in the other side's whole account,
//! and the margin tells.

use std::net::IpAddr;

use ahash::AHashMap;

use crate::join::clock::Clocks;
use crate::maillog::{Connection, MailLog};
use crate::net::{Leg, canonical};
use crate::smtp::Session;
use crate::time::{Span, Timestamp};

/// How near in time a leftover must be to cast doubt on a pair.
const NEAR: Span = Span::from_seconds(900);

/// What stays over, by leg and far address.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Connections of the log, while the captures ran, in the order of time.
    logged: AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
    /// Flows, while the log was written, in the order of time.
    wire: AHashMap<(Leg, IpAddr), Vec<Timestamp>>,
}

impl Leftovers {
    /// Gathers the connections that `lack_flow`, and the flows that `lack_connection`, by index.
    pub(super) fn of(
        log: &MailLog,
        sessions: &[Session],
        clocks: &Clocks,
        lack_flow: impl Fn(usize) -> bool,
        lack_connection: impl Fn(usize) -> bool,
    ) -> Self {
        let mut this = Self::default();
        let begun = |connection: &Connection| clocks.instant(&connection.first);
        let logged = log.connections.iter().filter(|connection| connection.leg == Leg::Injection);
        let logged = span(logged.filter_map(begun).map(|at| (at, at)));
        let wire = span(sessions.iter().map(|session| (session.flow.first.time, session.flow.last.time)));
        for (index, connection) in log.connections.iter().enumerate() {
            if let (Some(remote), Some(at)) = (connection.remote, begun(connection))
                && lack_flow(index)
                && within(at, wire)
            {
                this.logged.entry((connection.leg, canonical(remote))).or_default().push(at);
            }
        }
        for (index, session) in sessions.iter().enumerate() {
            let at = session.flow.first.time;
            // Who was never greeted may have got no ICID.
            if session.dialog.greeting.is_some() && lack_connection(index) && within(at, logged) {
                let far = [
                    (Leg::Injection, canonical(session.client().ip)),
                    (Leg::Delivery, canonical(session.server().ip)),
                ];
                for key in far {
                    this.wire.entry(key).or_default().push(at);
                }
            }
        }
        for times in this.logged.values_mut().chain(this.wire.values_mut()) {
            times.sort_unstable();
        }
        this
    }

    /// Whether both sides lack something of this address around `at`.
    pub(super) fn on_both_sides(&self, leg: Leg, logged: IpAddr, wire: IpAddr, at: Timestamp) -> bool {
        near(self.logged.get(&(leg, canonical(logged))), at)
            && near(self.wire.get(&(leg, canonical(wire))), at)
    }
}

fn span(times: impl Iterator<Item = (Timestamp, Timestamp)>) -> Option<(Timestamp, Timestamp)> {
    times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

fn within(at: Timestamp, span: Option<(Timestamp, Timestamp)>) -> bool {
    span.is_some_and(|(from, to)| (from..=to).contains(&at))
}

fn near(times: Option<&Vec<Timestamp>>, at: Timestamp) -> bool {
    times.is_some_and(|times| {
        let from = times.partition_point(|&time| time < at.minus(NEAR));
        times.get(from).is_some_and(|&time| time <= at.plus(NEAR))
    })
}
