//! Sets of made connections for the tests of patterns.

use std::collections::BTreeMap;

use crate::cause::Evidence;
use crate::cause::patterns::{Found, Member, Set};
use crate::cause::signs::Sign;
use crate::cause::testing::Scene;
use crate::maillog::MailLog;
use crate::net::Endpoint;
use crate::smtp::Session;
use crate::time::Span;

/// Connections in the order of time; some are cases.
#[derive(Debug, Default)]
pub(super) struct Made {
    scenes: Vec<(Scene, bool, Vec<Sign>)>,
    /// What the log says; the case at a place has the connection and message that `logged` names.
    pub(super) log: MailLog,
    pub(super) logged: BTreeMap<usize, (usize, usize)>,
}

impl Made {
    /// Adds a connection from `ip`, an hour after the last one.
    pub(super) fn add(&mut self, ip: &str, scene: Scene, is_case: bool) -> &mut Self {
        self.add_after(3_600, ip, scene, is_case)
    }

    /// The same, `seconds` after the last one began.
    pub(super) fn add_after(&mut self, seconds: i64, ip: &str, mut scene: Scene, is_case: bool) -> &mut Self {
        let before = self.scenes.last().map(|(scene, ..)| scene.session.flow.first.time);
        let flow = &mut scene.session.flow;
        flow.endpoints.originator = Endpoint::new(ip.parse().unwrap(), 40_000);
        if let Some(before) = before {
            let shift = before.plus(Span::from_seconds(seconds)).since(flow.first.time);
            flow.first.time = flow.first.time.plus(shift);
            flow.last.time = flow.last.time.plus(shift);
        }
        self.scenes.push((scene, is_case, Vec::new()));
        self
    }

    /// Gives the last connection a sign of its own.
    pub(super) fn signed(&mut self, sign: Sign) -> &mut Self {
        self.scenes.last_mut().unwrap().2.push(sign);
        self
    }

    fn evidence<'a>(&'a self, place: usize, scene: &'a Scene) -> Evidence<'a> {
        let logged = self.logged.get(&place);
        let connection = logged.and_then(|(connection, _)| self.log.connections.get(*connection));
        let message = logged.and_then(|(_, message)| connection?.messages.get(*message));
        Evidence { connection, message, ..scene.evidence() }
    }

    /// What `read` finds.
    pub(super) fn found(&self, read: fn(&Set<'_>, &mut Found)) -> Found {
        let sessions: Vec<Session> = self.scenes.iter().map(|(scene, ..)| scene.session.clone()).collect();
        let members: Vec<Member<'_>> = self
            .scenes
            .iter()
            .enumerate()
            .filter(|(_, (_, is_case, _))| *is_case)
            .map(|(place, (scene, _, signs))| Member {
                case: place,
                session: place,
                transaction: scene.session.dialog.transactions.len().checked_sub(1),
                is_abort: true,
                evidence: self.evidence(place, scene),
                signs,
            })
            .collect();
        let mut found = Found::default();
        read(&Set { sessions: &sessions, members: &members, log: &self.log }, &mut found);
        found
    }
}
