//! What is known about an end before it gets a name: who closed, who was quiet, whose move it was.

use crate::capture::{CloseKind, Loss, Side};
use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::ending::goodbye::Goodbye;
use crate::smtp::ending::{Context, Form, Stall, Turn, Why, dark, goodbye, words};
use crate::smtp::reply::ReplyCode;
use crate::smtp::session::{Owed, ReplySeen, Session, Stage};
use crate::time::{Span, Timestamp};

/// Time that TCP itself takes before it sends again what was not acknowledged (RFC 6298 section
/// 2.1), and more than a round trip takes: within it nothing is late yet.
pub(super) const ROUND_TRIP: Span = Span::from_seconds(1);

/// The segment size where the handshake did not tell one (RFC 9293 section 3.7.1).
const DEFAULT_MSS: u32 = 536;

/// Who ended the connection first, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signal {
    pub(super) by: Role,
    pub(super) form: Form,
    pub(super) at: Moment,
    pub(super) why: Why,
    pub(super) code: Option<ReplyCode>,
    /// The other end was closing at the same time without knowing of this.
    pub(super) crossed: bool,
}

/// The facts of one session's end.
pub(super) struct Facts<'a> {
    pub(super) session: &'a Session,
    pub(super) context: &'a Context,
    pub(super) signal: Option<Signal>,
    pub(super) owed: Option<Owed>,
    pub(super) turn: Option<Turn>,
    pub(super) waited: Option<Span>,
    pub(super) stall: Option<Stall>,
    /// The last word of the dialogue; a leave-taking that nobody asked for is none.
    last_word: Option<Moment>,
    /// The alert of TLS by which an end closed first.
    pub(super) goodbye: Option<Goodbye>,
    /// The server left after an encrypted word that nobody had asked for.
    pub(super) left_unasked: bool,
    /// See [`super::Ending::covered`].
    pub(super) covered: bool,
    /// The file lacks octets at the very end of a stream that the other end had.
    pub(super) gap_at_end: bool,
    /// The appliance's close answers a FIN of the sender that the file lacks.
    pub(super) answers_lost_fin: bool,
}

pub(super) const fn role(side: Side) -> Role {
    match side {
        Side::Originator => Role::Client,
        Side::Responder => Role::Server,
    }
}

pub(super) const fn side(role: Role) -> Side {
    match role {
        Role::Client => Side::Originator,
        Role::Server => Side::Responder,
    }
}

impl<'a> Facts<'a> {
    pub(super) fn of(session: &'a Session, context: &'a Context) -> Self {
        let mut signal = first_signal(session);
        let mut owed = session.dialog.owed;
        let mut last_word = session.dialog.last_word;
        let goodbye = goodbye::first(session);
        if let Some(goodbye) = goodbye {
            let (by, at, crossed) = (goodbye.by, goodbye.at, goodbye.crossed);
            signal = Some(Signal { by, form: Form::TlsAlert, at, why: Why::Unknown, code: None, crossed });
            owed = goodbye.owed;
            last_word = goodbye.last_word;
        }
        let leave = dark::unasked_leave(session, goodbye);
        if let Some(leave) = leave {
            let reply = Signal {
                by: Role::Server,
                form: Form::Reply,
                at: leave.at,
                why: Why::Unknown,
                code: None,
                crossed: false,
            };
            signal = Some(reply);
            owed = Some(Owed { by: Role::Client, since: leave.last_word, delivered: leave.delivered });
            last_word = Some(leave.last_word);
        }
        let end = signal.map_or(session.flow.watched_until, |signal| signal.at.time);
        // What was said behind a reset, on its way when it came, was no wait.
        let waited = owed.map(|owed| end.since(owed.since.time).max(Span::ZERO));
        let turn = owed.map(|owed| turn(session, context, owed, waited.unwrap_or(Span::ZERO)));
        let covered = session.flow.closes.effective.is_some()
            || context.aborted_at.is_some_and(|aborted| session.flow.watched_until >= aborted);
        let mut facts = Self {
            session,
            context,
            signal,
            owed,
            turn,
            waited,
            stall: None,
            last_word,
            goodbye,
            left_unasked: leave.is_some(),
            covered,
            gap_at_end: false,
            answers_lost_fin: false,
        };
        facts.answers_lost_fin = facts.signal.is_some_and(|signal| facts.answers_lost_fin(signal));
        facts.gap_at_end = session.dialog.lost_in_gap || facts.sender_gap_at_end();
        facts.stall = facts.find_stall(end);
        facts
    }

    pub(super) fn sender(&self) -> Role {
        self.context.appliance.other()
    }

    /// Who kept the other waiting: the appliance also where its window was closed or its word had
    /// not arrived.
    fn stalled(&self) -> Option<Role> {
        let owed = self.owed?;
        match self.turn? {
            Turn::Of(role) => Some(role),
            // An appliance that delivers said its word; nothing came back.
            Turn::Path if self.context.appliance == Role::Client => Some(Role::Server),
            // The word that did not arrive was that of the other end.
            Turn::Path if owed.by == self.sender() => Some(self.context.appliance),
            Turn::Path => Some(owed.by),
        }
    }

    /// Quiet from the last word of the dialogue to the first sign of the end. What TCP does in the
    /// meantime does not break it.
    fn find_stall(&self, end: Timestamp) -> Option<Stall> {
        let on = self.stalled()?;
        let since = self.last_word.unwrap_or(self.session.flow.first);
        let lasted = end.since(since.time);
        (lasted >= self.context.silence).then(|| Stall {
            on,
            since,
            lasted,
            tcp_alive: self.is_tcp_alive(on, since.time, end),
        })
    }

    /// Whether `by` sent any segment in the quiet; what it sent at once was still for the last word.
    fn is_tcp_alive(&self, by: Role, since: Timestamp, end: Timestamp) -> bool {
        let quiet_from = since.plus(ROUND_TRIP);
        let flow = &self.session.flow;
        match &flow.trace {
            Some(trace) => {
                trace.recent.iter().chain(&trace.after_close).any(|header| {
                    header.by == side(by) && header.at.time > quiet_from && header.at.time < end
                })
            }
            None => {
                flow.streams.of(side(by)).last.is_some_and(|last| last.time > quiet_from && last.time < end)
            }
        }
    }

    /// The first close that was captured acknowledges a FIN that was not: that came first.
    fn answers_lost_fin(&self, signal: Signal) -> bool {
        let flow = &self.session.flow;
        let sender = flow.streams.of(side(self.sender()));
        matches!(signal.form, Form::Fin | Form::Rst)
            && signal.by == self.context.appliance
            && sender.lost_fin
            && flow
                .closes
                .effective
                .is_some_and(|close| close.acknowledged.is_some_and(|acknowledged| acknowledged > sender.end))
    }

    /// The sender's last octets reached the appliance but not the file.
    fn sender_gap_at_end(&self) -> bool {
        let stream = self.session.flow.streams.of(side(self.sender()));
        stream.gaps.last().is_some_and(|gap| {
            gap.loss == Loss::Capture && gap.offset.saturating_add(gap.length) >= stream.end
        })
    }
}

/// The first reply, FIN or RST that ended the connection. A 421 that the closing end knew of comes
/// before its close, one that it did not know of crossed it.
fn first_signal(session: &Session) -> Option<Signal> {
    let closes = &session.flow.closes;
    let close = closes.effective.map(|close| {
        let by = role(close.by);
        let form = if close.kind == CloseKind::Fin { Form::Fin } else { Form::Rst };
        let crossed = closes.all.iter().any(|other| {
            other.by != close.by
                && close.at.precedes(other.at)
                && other.at.time.since(close.at.time) < ROUND_TRIP
                && match (close.kind, other.acknowledged) {
                    // An acknowledgment of a FIN is one octet beyond the stream.
                    (CloseKind::Fin, Some(acknowledged)) => acknowledged <= close.offset,
                    (CloseKind::Fin, None) => false,
                    (CloseKind::Rst, _) => other.kind == CloseKind::Fin,
                }
        });
        (close, Signal { by, form, at: close.at, why: Why::Unknown, code: None, crossed })
    });
    let announced = closing_reply(session).or_else(|| refusing_greeting(session));
    let reply = announced.map(|reply| Signal {
        by: Role::Server,
        form: Form::Reply,
        at: reply.at,
        why: words::why(reply),
        code: Some(reply.code),
        crossed: false,
    });
    match (reply, close) {
        (None, None) => None,
        (Some(reply), None) => Some(reply),
        (None, Some((_, close))) => Some(close),
        (Some(reply), Some((_, close))) if close.by == Role::Server => {
            Some(if close.at.precedes(reply.at) { close } else { reply })
        }
        (Some(reply), Some((facts, close))) => {
            let end = announced.map_or(0, |reply| reply.end_offset);
            let knew =
                facts.acknowledged.map_or(!close.at.precedes(reply.at), |acknowledged| acknowledged >= end);
            if knew {
                return Some(reply);
            }
            let crossed = reply.at.time.since(close.at.time).abs() < ROUND_TRIP;
            let first = if close.at.precedes(reply.at) { close } else { reply };
            Some(Signal { crossed, ..first })
        }
    }
}

/// The server's announcement that it closes.
pub(super) fn closing_reply(session: &Session) -> Option<&ReplySeen> {
    let dialog = &session.dialog;
    // A server that goes on talking did not close after all.
    let went_on = |reply: &ReplySeen| {
        dialog.last_reply.as_ref().is_some_and(|last| {
            reply.at.precedes(last.at) && !matches!(last.code, ReplyCode::CLOSING | ReplyCode::NOT_AVAILABLE)
        })
    };
    let unasked = dialog.unsolicited.as_ref().filter(|reply| words::closes(reply) && !went_on(reply));
    let answer = dialog.last_reply.as_ref().filter(|reply| reply.code == ReplyCode::NOT_AVAILABLE);
    unasked.or(answer)
}

/// A greeting that turns the client away (RFC 5321 section 3.1), with nothing said since.
fn refusing_greeting(session: &Session) -> Option<&ReplySeen> {
    let dialog = &session.dialog;
    dialog
        .greeting
        .as_ref()
        .filter(|greeting| greeting.code.is_negative() && dialog.last_reply.as_ref() == Some(greeting))
}

fn turn(session: &Session, context: &Context, owed: Owed, waited: Span) -> Turn {
    if !owed.delivered && waited >= ROUND_TRIP {
        return Turn::Path;
    }
    let in_body = matches!(session.dialog.stage, Stage::Data | Stage::Body);
    if in_body && owed.by == Role::Client && is_window_closed(session) {
        return Turn::Of(Role::Server);
    }
    // The appliance goes on sending a body that nobody acknowledges: it said its word.
    let body = &session.flow.streams.originator;
    if in_body
        && owed.by == Role::Client
        && context.appliance == Role::Client
        && body.acknowledged < body.end
        && waited >= ROUND_TRIP
    {
        return Turn::Path;
    }
    Turn::Of(owed.by)
}

/// The server's window has no room for a segment, so the client may have to wait (RFC 9293 section
/// 3.8.6.2.1).
pub(super) fn is_window_closed(session: &Session) -> bool {
    let streams = &session.flow.streams;
    let segment = streams.responder.mss.map_or(DEFAULT_MSS, u32::from);
    let responder = &streams.responder;
    responder.last.is_some() && !responder.window_may_be_larger && responder.window < segment
}
