//! The truth about a session once it is over, and about what of it the capture shows.

use super::frames::Frames;
use super::oddity::Oddity;
use super::sender::{Sender, appliance};
use super::session::{Session, World};
use super::tls::Cipher;
use super::truth::{
    ClaimTruth, EndingTruth, Kind, MessageFate, MessageTruth, SessionTruth, Verdict, verdict,
};

impl Session {
    /// What is true about this session.
    pub(crate) fn truth<L>(&self, world: &World<L>, sender: &Sender) -> SessionTruth<'_> {
        let Self { frames, fate, .. } = self;
        let cut = frames.late && !is_decided(fate.kind, frames);
        let kind = if cut { Kind::CaptureEnded } else { fate.kind };
        let judge = |claim, kind, race| {
            let [_, missed] = frames.missed;
            let whole = !world.options.log_only && missed == 0 && !self.begun_before(world);
            whole.then(|| verdict(claim, kind, fate.why, race))
        };
        let frame = match kind {
            Kind::CaptureEnded => None,
            Kind::Silence | Kind::ApplianceStalled => frames.last_words,
            _ => frames.ending.or(frames.close),
        };
        SessionTruth {
            session: self.number,
            story: self.story.name(),
            client: endpoint(sender.address, self.port),
            server: endpoint(appliance(sender.address), world.options.port),
            icid: self.icid,
            opened: self.began,
            first_frame: frames.first,
            last_frame: frames.last,
            frames: frames.count,
            starttls: self.cipher.is_some(),
            tls: self.cipher.map(|cipher| if cipher == Cipher::Tls12 { "1.2" } else { "1.3" }),
            pipelining: self.pipelining,
            oddities: world.options.oddity.iter().map(Oddity::name).collect(),
            begun_before: self.begun_before(world),
            holes: frames.missed,
            ending: EndingTruth {
                kind,
                by: (!cut).then_some(fate.by),
                why: fate.why.filter(|_| !cut),
                race: fate.race && !cut,
                stage: (!cut).then_some(fate.stage),
                frame,
                close_frame: frames.close,
            },
            claim: fate
                .claim
                .map(|(claim, words)| ClaimTruth { words, expected: judge(claim, kind, fate.race) }),
            messages: self.messages(&judge, kind),
        }
    }

    fn begun_before<L>(&self, world: &World<L>) -> bool {
        self.began < world.capture_from || world.options.oddity.has(Oddity::NoSyn)
    }

    fn messages(
        &self,
        judge: &impl Fn(super::truth::Claim, Kind, bool) -> Option<Verdict>,
        session: Kind,
    ) -> Vec<MessageTruth<'_>> {
        let Frames { mail, reply, late, .. } = &self.frames;
        let all = self.messages.iter().zip(&self.fate.messages).zip(&self.mids).zip(&self.body_sent);
        let frames = mail.iter().zip(reply);
        all.zip(frames)
            .filter(|((((_, fate), _), _), _)| fate.started)
            .map(|((((message, fate), mid), sent), (mail_frame, reply_frame))| {
                let kind = match fate.kind {
                    kind @ (Kind::Completed | Kind::Refused | Kind::Abandoned) => {
                        // Refused recipients leave no single reply that ends the message.
                        let shown =
                            reply_frame.is_some() || fate.claim == Some(super::truth::Claim::BySender);
                        if *late && !shown { Kind::CaptureEnded } else { kind }
                    }
                    _ if session == Kind::CaptureEnded => session,
                    kind => kind,
                };
                let whole = *sent == self.body_until(message);
                let refused = message.recipients.iter().filter(|recipient| recipient.refused);
                MessageTruth {
                    mid: *mid,
                    mail_from: &message.mail_from,
                    rcpt_to: self.asked(fate, message.accepted().map(|to| to.address.as_str())),
                    rejected: self.asked(fate, refused.map(|to| to.address.as_str())),
                    message_id: (*sent > 0).then_some(message.message_id.as_str()),
                    outcome: fate.outcome,
                    reason: fate.reason,
                    kind,
                    expected: fate.claim.and_then(|claim| judge(claim, kind, fate.race)),
                    mail_frame: *mail_frame,
                    reply_frame: *reply_frame,
                    body_octets: match self.cipher {
                        None if whole => message.body.octets(),
                        _ => *sent,
                    },
                    body_whole: whole,
                }
            })
            .collect()
    }

    /// The recipients, if the session came as far as to name them.
    fn asked<'a>(&self, fate: &MessageFate, recipients: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let named = self.fate.stage != "mail" || fate.kind == Kind::Completed;
        recipients.filter(|_| named).collect()
    }
}

/// Whether the capture shows what ended the session.
fn is_decided(kind: Kind, frames: &Frames) -> bool {
    match kind {
        Kind::Silence | Kind::ApplianceStalled => frames.close.is_some(),
        Kind::ApplianceClosed => frames.ending.or(frames.close).is_some(),
        _ => frames.ending.is_some(),
    }
}

fn endpoint(address: std::net::IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}
