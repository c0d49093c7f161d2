//! Who waited for whom, added up over a session.

use crate::cite::Moment;
use crate::net::Role;
use crate::smtp::ending::{Ending, Turn};
use crate::smtp::exchanges::{Exchange, Word};
use crate::smtp::session::{Session, Stage};
use crate::time::Span;

/// The waits of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// The client's for the server's replies, the greeting among them.
    pub client: Waited,
    /// The server's for the client's next command or body.
    pub server: Waited,
    /// Time in which bodies were sent; nobody's wait.
    pub bodies: Span,
    /// The sums are not the whole: commands are missing from the file or beyond those kept, replies
    /// were never seen, or the dialogue is encrypted.
    pub partial: bool,
}

/// What one end waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waited {
    /// In all.
    pub total: Span,
    /// The longest at a time; the first of several.
    pub longest: Option<Wait>,
}

/// One wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// How long.
    pub lasted: Span,
    /// Where the dialogue stood.
    pub stage: Stage,
    /// The last word before it; for the greeting the connection's first segment.
    pub since: Moment,
}

impl Waits {
    /// The waits of `session`, whose [`exchanges`](super::exchanges) these are. What was still owed
    /// when it ended, as `ending` says, counts too.
    pub fn of(session: &Session, exchanges: &[Exchange<'_>], ending: &Ending) -> Self {
        let dialog = &session.dialog;
        let mut waits = Self {
            partial: dialog.commands_dropped > 0 || !dialog.gaps.is_empty() || dialog.encryption.is_some(),
            ..Self::default()
        };
        let mut last_reply: Option<Moment> = None;
        for exchange in exchanges.iter().filter(|exchange| exchange.word != Word::Nothing) {
            if let (Some(sent), Some(lasted)) = (exchange.sent, exchange.server_took) {
                let since = last_reply.map_or(sent, |reply| reply.max(sent));
                waits.client.add(Wait { lasted, stage: exchange.stage, since });
            }
            last_reply = last_reply.max(exchange.reply.map(|(_, at)| at));
            if let (Some(since), Some(lasted)) = (last_reply, exchange.client_took) {
                waits.server.add(Wait { lasted, stage: exchange.stage_after, since });
            }
            waits.bodies = plus(waits.bodies, exchange.body_took.unwrap_or_default());
            waits.partial |= exchange.reply.is_none() && exchange.word != Word::Unfinished;
        }
        waits.add_last(session, last_reply, ending);
        waits
    }

    /// The wait that the end of the session ended.
    fn add_last(&mut self, session: &Session, last_reply: Option<Moment>, ending: &Ending) {
        let (Some(owed), Some(waited), Some(Turn::Of(role))) =
            (session.dialog.owed, ending.waited, ending.turn)
        else {
            return;
        };
        let since = last_reply.map_or(owed.since, |reply| reply.max(owed.since));
        let lasted = owed.since.time.plus(waited).since(since.time);
        if lasted < Span::ZERO {
            return;
        }
        let wait = Wait { lasted, stage: session.dialog.stage, since };
        match role {
            Role::Client => self.server.add(wait),
            Role::Server => self.client.add(wait),
        }
    }
}

impl Waited {
    fn add(&mut self, wait: Wait) {
        self.total = plus(self.total, wait.lasted);
        if self.longest.is_none_or(|longest| wait.lasted > longest.lasted) {
            self.longest = Some(wait);
        }
    }
}

const fn plus(one: Span, other: Span) -> Span {
    Span::from_nanos(one.nanos().saturating_add(other.nanos()))
}
