//! Scenes for tests: a dialogue that says nothing of itself, with hand-made headers.

use crate::capture::segment::{Checksum, Flags};
use crate::capture::trace::{SegmentHeader, SynFacts, Trace};
use crate::capture::{Pair, Side};
use crate::cause::close_up::TextFacts;
use crate::cause::{CloseUp, Evidence, SecondSide, Sign, Vantage};
use crate::cite::{LogId, LogRef, Moment};
use crate::maillog::{Claim, ClaimKind, ClockIndex, Lost, Stamp};
use crate::net::{Leg, Role};
use crate::smtp::ending::{Context, ending};
use crate::smtp::script::{Script, moment};
use crate::smtp::{Ending, Session};
use crate::text::Text;
use crate::time::{LogTime, Span};

/// The initial sequence numbers of sender and appliance in scenes.
pub(crate) const ISN: (u32, u32) = (1_000, 500_000);
/// The sender's TTL as it arrives.
pub(crate) const TTL: u8 = 52;
/// The sender's usual window.
pub(crate) const WINDOW: u16 = 502;

/// One header, to be changed field by field.
pub(crate) fn sender(millis: i64) -> SegmentHeader {
    SegmentHeader {
        at: moment(0, Script::START.plus(Span::from_millis(millis))),
        by: Side::Originator,
        seq: ISN.0 + 1,
        ack: ISN.1 + 1,
        flags: Flags::ACK,
        window: WINDOW,
        payload: 0,
        ttl: TTL,
        traffic_class: 0,
        ip_id: Some(0),
        timestamps: None,
        sack: None,
        checksum: Checksum::Good,
        source_mac: Some([2, 0, 0, 0, 0, 1]),
    }
}

/// The same of the appliance.
pub(crate) fn appliance(millis: i64) -> SegmentHeader {
    SegmentHeader {
        by: Side::Responder,
        seq: ISN.1 + 1,
        ack: ISN.0 + 1,
        ttl: 64,
        window: 1_000,
        source_mac: Some([2, 0, 0, 0, 0, 9]),
        ..sender(millis)
    }
}

/// An RST of the sender, with ACK, exact.
pub(crate) fn reset(millis: i64) -> SegmentHeader {
    SegmentHeader { flags: Flags::RST.with(Flags::ACK), ..sender(millis) }
}

/// A connection under test.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) leg: Leg,
    pub(crate) session: Session,
    pub(crate) ending: Ending,
    pub(crate) claim: Claim,
    pub(crate) close_up: CloseUp,
    pub(crate) vantage: Vantage,
}

impl Scene {
    /// A scene of a dialogue; its round trip to the sender is 40 ms.
    pub(crate) fn of(script: &Script) -> Self {
        let mut session = script.session();
        session.flow.streams.originator.round_trip.handshake = Some(Span::from_millis(40));
        let context = Context { appliance: Role::Server, silence: Span::from_seconds(60), aborted_at: None };
        let ending = ending(&session, last_transaction(&session), &context);
        let time = LogTime::new(Some(2026), 11, 25, 12, 0, 0).unwrap();
        let line = LogRef { file: LogId(0), line: 1 };
        let claim = Claim {
            kind: ClaimKind::ReceivingAborted,
            connection: None,
            message: None,
            reason: Text::from("Receiving aborted"),
            at: Stamp { time, clock: ClockIndex(0), line },
            lost: Lost::Yes,
            code: None,
        };
        let close_up = CloseUp {
            session: session.clone(),
            trace: Box::new(Trace::default()),
            text: Pair { originator: TextFacts::default(), responder: TextFacts::default() },
        };
        Self { leg: Leg::Injection, session, ending, claim, close_up, vantage: Vantage::OnAppliance }
    }

    /// A sender that says EHLO, MAIL, RCPT and DATA, and then these headers: six ordinary segments
    /// of the sender with IP IDs 101 to 106, then `headers`, numbered from frame 20 on.
    pub(crate) fn with_headers(headers: impl IntoIterator<Item = SegmentHeader>) -> Self {
        let script = Script::new()
            .s("220 x\r\n")
            .c("EHLO a\r\n")
            .s("250 x\r\n")
            .c("MAIL FROM:<a@a>\r\n")
            .s("250 ok\r\n")
            .c("RCPT TO:<b@b>\r\n")
            .s("250 ok\r\n")
            .c("DATA\r\n")
            .s("354 go\r\n")
            .c("x\r\n")
            .rst(Role::Client);
        let mut scene = Self::of(&script);
        scene.ordinary();
        for (number, header) in headers.into_iter().enumerate() {
            scene.push(SegmentHeader {
                at: Moment {
                    frame: moment(20 + u32::try_from(number).unwrap(), header.at.time).frame,
                    ..header.at
                },
                ..header
            });
        }
        scene
    }

    /// Puts a header where the recorder would: behind the first close or before it.
    pub(crate) fn push(&mut self, header: SegmentHeader) {
        let trace = &mut self.close_up.trace;
        if trace.after_close.is_empty() && !header.flags.rst() && !header.flags.fin() {
            trace.recent.push_back(header);
        } else {
            trace.after_close.push(header);
        }
        if !header.flags.rst() && !header.flags.syn() {
            let habits = trace.habits.of_mut(header.by);
            match habits.ttls.iter_mut().find(|(ttl, _)| *ttl == header.ttl) {
                Some((_, count)) => *count += 1,
                None => habits.ttls.push((header.ttl, 1)),
            }
            if let (Some(id), Some(last)) = (header.ip_id, habits.last_ip_id) {
                match id.wrapping_sub(last) {
                    1..=8 => habits.ip_id_small_steps += 1,
                    _ => habits.ip_id_other_steps += 1,
                }
            }
            habits.last_ip_id = header.ip_id;
            habits.max_payload = habits.max_payload.max(header.payload);
        }
    }

    fn ordinary(&mut self) {
        let syn = |at, isn, ttl| SynFacts {
            at,
            isn,
            ttl,
            window: 64_240,
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamp: None,
            option_order: vec![2, 4, 8, 1, 3],
            repeats: 0,
        };
        self.close_up.trace.handshake = Pair {
            originator: Some(syn(moment(1, Script::START), ISN.0, TTL)),
            responder: Some(syn(moment(2, Script::START), ISN.1, 64)),
        };
        for step in 0..7u16 {
            let at = i64::from(step) * 10 - 1_000;
            self.push(SegmentHeader { ip_id: Some(100 + step), ..sender(at) });
        }
    }

    /// What signs are read from.
    pub(crate) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            leg: self.leg,
            session: &self.session,
            transaction: last_transaction(&self.session)
                .and_then(|index| self.session.dialog.transactions.get(index)),
            ending: &self.ending,
            close_up: Some(&self.close_up),
            vantage: self.vantage,
            second_side: SecondSide::NotGiven,
            claim: &self.claim,
            connection: None,
            message: None,
            timers: &[],
        }
    }

    /// The signs of one name that `read` finds.
    pub(crate) fn named(&self, read: fn(&Evidence<'_>, &mut Vec<Sign>), name: &str) -> Vec<Sign> {
        let mut found = Vec::new();
        read(&self.evidence(), &mut found);
        found.retain(|sign| sign.rule.name == name);
        found
    }
}

/// Cases are about one transaction: in scenes the last.
fn last_transaction(session: &Session) -> Option<usize> {
    session.dialog.transactions.len().checked_sub(1)
}
