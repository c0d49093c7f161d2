//! The words that every format for people uses: one place, so that a report, a list of sessions and
//! an explanation never call the same thing by two names.

use crate::join::MatchOutcome;
use crate::maillog::{ClaimKind, Lost, Standing};
use crate::net::{Leg, Party, Role};
use crate::report::document::{EndingAccount, TurnOf};
use crate::smtp::ending::{EndingKind, Form, Why};
use crate::smtp::{Ending, ReplyCode, Stage};
use crate::text;
use crate::verdict::VerdictKind;

/// What the two ends of a connection are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// The end whose mail it is: where the rules say "the sender".
    pub sender: &'static str,
    /// The other end: where the rules say "the appliance".
    pub appliance: &'static str,
    /// Which of the two opened the connection and speaks commands.
    pub client: &'static str,
}

impl Names {
    /// The names on the wire alone, where no log says which end is the appliance.
    pub const WIRE: Self = Self { sender: "client", appliance: "server", client: "client" };

    /// The names once the log has said which end is the appliance.
    pub const fn of(leg: Leg) -> Self {
        match leg {
            Leg::Injection => Self { sender: "sender", appliance: "appliance", client: "sender" },
            Leg::Delivery => Self { sender: "remote server", appliance: "appliance", client: "appliance" },
        }
    }

    /// The name of `party`.
    pub const fn party(self, party: Party) -> &'static str {
        match party {
            Party::Sender => self.sender,
            Party::Appliance => self.appliance,
        }
    }
}

/// What an ending is told from, whoever holds it.
#[derive(Debug, Clone, Copy)]
pub struct EndingFacts {
    /// The kind.
    pub kind: EndingKind,
    /// Why the appliance closed.
    pub why: Option<Why>,
    /// The form of its close.
    pub form: Option<Form>,
    /// The reply that ended it.
    pub code: Option<ReplyCode>,
    /// Not read from plain commands.
    pub inferred: bool,
    /// QUIT and a close before its answer.
    pub race: bool,
    /// Both ends closed within a round trip.
    pub crossed: bool,
}

impl From<&EndingAccount> for EndingFacts {
    fn from(account: &EndingAccount) -> Self {
        Self {
            kind: account.kind,
            why: account.why,
            form: account.form,
            code: account.code,
            inferred: account.inferred,
            race: account.race,
            crossed: account.crossed,
        }
    }
}

impl From<&Ending> for EndingFacts {
    fn from(ending: &Ending) -> Self {
        Self {
            kind: ending.kind,
            why: ending.why,
            form: ending.form,
            code: ending.code,
            inferred: ending.inferred,
            race: ending.race,
            crossed: ending.crossed,
        }
    }
}

impl EndingFacts {
    /// The facts of a kind alone.
    pub const fn of(kind: EndingKind) -> Self {
        Self { kind, why: None, form: None, code: None, inferred: false, race: false, crossed: false }
    }

    /// A short phrase for a headline or a table: `sender's FIN after RCPT`.
    pub fn phrase(&self, stage: Stage, names: Names) -> String {
        let phrase = match self.kind {
            EndingKind::Completed => self.who_and_how(names),
            _ => format!("{} {}", self.who_and_how(names), self::stage(stage)),
        };
        if self.inferred { format!("{phrase} (inferred)") } else { phrase }
    }

    /// [`Self::phrase`] without where it happened: `sender's FIN`.
    pub fn who_and_how(&self, names: Names) -> String {
        match self.kind {
            EndingKind::Completed => "delivered".to_owned(),
            EndingKind::Refused => match self.code {
                Some(code) => format!("refused with {}", code.0),
                None => "refused".to_owned(),
            },
            EndingKind::Abandoned => format!("given up by the {}", names.client),
            EndingKind::Quit => format!("{}'s QUIT", names.client),
            EndingKind::Fin if self.form == Some(Form::TlsAlert) => format!("{}'s TLS alert", names.sender),
            EndingKind::Fin => format!("{}'s FIN", names.sender),
            EndingKind::Rst => format!("RST from the {}'s address", names.sender),
            EndingKind::Silence => format!("{} fell silent", names.sender),
            EndingKind::ApplianceStalled => format!("{} stalled", names.appliance),
            EndingKind::ApplianceClosed => self.closed_by_appliance(names),
            EndingKind::CaptureEnded => "no end in the capture".to_owned(),
        }
    }

    /// [`Self::who_and_how`] in at most 28 columns, for a table.
    pub fn in_short(&self, names: Names) -> String {
        match (self.kind, self.form, self.code) {
            (EndingKind::Rst, ..) => format!("RST in {}'s name", names.sender),
            (EndingKind::ApplianceClosed, Some(Form::Reply), Some(code)) => {
                format!("{} closed with {}", names.appliance, code.0)
            }
            (EndingKind::ApplianceClosed, Some(Form::TlsAlert), _) => {
                format!("{}'s TLS alert", names.appliance)
            }
            (EndingKind::ApplianceClosed, Some(Form::Fin | Form::Rst), _) => {
                Self { why: None, ..*self }.closed_by_appliance(names)
            }
            _ => self.who_and_how(names),
        }
    }

    /// What must be added to [`Self::phrase`] to be exact; whole sentences.
    pub fn remarks(&self, names: Names) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.kind == EndingKind::Abandoned {
            remarks.push(format!(
                "The {} gave the message up with RSET, a new greeting or a new MAIL; the connection went on.",
                names.client
            ));
        }
        if self.kind == EndingKind::Rst {
            remarks.push(format!(
                "The RST bears the {}'s address; a device on the way may have sent it in its name.",
                names.sender
            ));
        }
        if self.form == Some(Form::TlsAlert) && !self.crossed {
            remarks.push(
                "The alert closes TLS, by a close_notify or for an error; the FIN that came first in TCP only \
                 answered it."
                    .to_owned(),
            );
        }
        if self.race {
            remarks.push("QUIT was sent, but the connection was closed before its answer.".to_owned());
        }
        if self.crossed {
            remarks.push("Both ends closed at the same time, neither in answer to the other.".to_owned());
        }
        if self.inferred {
            remarks.push(
                "Read from the lengths of encrypted records or across a gap, not from plain commands."
                    .to_owned(),
            );
        }
        remarks
    }

    fn closed_by_appliance(&self, names: Names) -> String {
        let form = match (self.form, self.code) {
            (Some(Form::Reply), Some(code)) => format!("closed with {}", code.0),
            (Some(Form::Reply) | None, _) => "closed".to_owned(),
            (Some(Form::Fin), _) => "closed by FIN".to_owned(),
            (Some(Form::Rst), _) => "closed by RST".to_owned(),
            (Some(Form::TlsAlert), _) => "closed by TLS alert".to_owned(),
        };
        match self.why.and_then(why) {
            Some(why) => format!("{} {form} ({why})", names.appliance),
            None => format!("{} {form}", names.appliance),
        }
    }
}

/// A reason of the appliance; `None` where it gives none.
pub const fn why(why: Why) -> Option<&'static str> {
    match why {
        Why::Timer => Some("timer"),
        Why::Limit => Some("limit"),
        Why::Policy => Some("policy"),
        Why::Killed => Some("shut down"),
        Why::Unknown => None,
    }
}

/// Where a dialogue stood: `after RCPT`, `inside the body`.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "before the greeting",
        Stage::Greeting => "after the greeting",
        Stage::Helo => "after HELO or EHLO",
        Stage::Tls => "under TLS",
        Stage::Auth => "during AUTH",
        Stage::Mail => "after MAIL",
        Stage::Rcpt => "after RCPT",
        Stage::Data => "after DATA",
        Stage::Body => "inside the body",
        Stage::EndOfData => "after the final dot",
        Stage::Between => "between messages",
    }
}

/// A verdict in one word.
pub const fn verdict(verdict: VerdictKind) -> &'static str {
    match verdict {
        VerdictKind::Confirmed => "confirmed",
        VerdictKind::Contradicted => "contradicted",
        VerdictKind::Undetermined => "undetermined",
    }
}

/// What stands behind a claim's kind, for readers who do not know the log's wording.
pub const fn claim(claim: ClaimKind) -> &'static str {
    match claim {
        ClaimKind::ReceivingAborted => "the connection ended below SMTP, or a timer ran out",
        ClaimKind::ReceivingAbortedBySender => "the sender ended it at SMTP's level",
        ClaimKind::AbortedOtherwise => "aborted, in words that are not known",
        ClaimKind::NoMessagesInjected => "the timer for connections without a message ran out",
        ClaimKind::ConnectionTimeExceeded => "the timer for the whole connection ran out",
        ClaimKind::ReceivingFailed => "the appliance refused to receive",
        ClaimKind::Killed => "the appliance shut the connection down",
        ClaimKind::Accepted => "the message was accepted",
        ClaimKind::Unfinished => "neither accepted nor aborted as far as the log goes",
        ClaimKind::RemoteClosed => "the remote server ended the connection",
        ClaimKind::RemoteReset => "the remote server, or somebody in its name, reset the connection",
        ClaimKind::DeliveryTimedOut => "the remote server did not answer in time",
        ClaimKind::DeliveryFailed => "the delivery failed for a reason of the network",
        ClaimKind::Bounced => "given up for good",
        ClaimKind::Delayed => "put off",
        ClaimKind::Delivered => "the remote server took the message",
    }
}

/// The standing of the log's wording.
pub const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Documented => "documented by the vendor",
        Standing::Seen => "seen in real logs, documented nowhere",
        Standing::Assumed => "our reading of the words",
    }
}

/// Whether the log says `lost`.
pub const fn lost(lost: Lost) -> &'static str {
    match lost {
        Lost::Yes => "the log says that the connection was lost",
        Lost::No => "the log would say that the connection was lost, and does not",
        Lost::Unknown => "not known: the lines that would tell are not in the log",
    }
}

/// How a join came out, in words.
pub const fn matched(outcome: MatchOutcome) -> &'static str {
    match outcome {
        MatchOutcome::Matched => "found",
        MatchOutcome::Ambiguous => "ambiguous: several connections fit",
        MatchOutcome::NotFound => "not found in the captures",
    }
}

/// Whose move it was, in words.
pub fn next_move(turn: TurnOf, names: Names) -> String {
    match turn {
        TurnOf::Appliance => format!("the {}'s", names.appliance),
        TurnOf::Path => "made, but it never reached the other end".to_owned(),
        TurnOf::Sender => format!("the {}'s", names.sender),
    }
}

/// TCP's end of a connection in one word.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// A probability as people say it: `less than one in a million`, `one in 40`, `62 %`.
pub fn probability(chance: f64) -> String {
    if chance < 1e-6 {
        "less than one in a million".to_owned()
    } else if chance < 0.1 {
        format!("one in {}", grouped((1.0 / chance).round() as u64))
    } else {
        format!("{:.0} %", chance * 100.0)
    }
}

/// `1 frame`, `2,514 frames`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A number with its thousands set apart: `2,514,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Prose or a path, made safe to show: control characters and invisible marks are escaped as by
/// [`text::escape`], but a backslash stays single, since what is quoted in prose is escaped already.
pub fn safe(prose: &str) -> String {
    let mut out = String::with_capacity(prose.len());
    for (place, piece) in prose.split('\\').enumerate() {
        if place > 0 {
            out.push('\\');
        }
        // Writing to a String cannot fail.
        let _ = text::escape(piece.as_bytes(), &mut out);
    }
    out
}

/// A sentence of attribution, which speaks of injections, in the words of a leg: the far end of a delivery is
/// the remote server.
pub(crate) fn of_leg(sentence: &str, leg: Leg) -> String {
    match leg {
        Leg::Injection => sentence.to_owned(),
        Leg::Delivery => {
            sentence.replace("the sender", "the remote server").replace("The sender", "The remote server")
        }
    }
}

#[cfg(test)]
mod tests;
