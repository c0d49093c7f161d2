//! What the appliance writes to its log about a session, in its own words.

use std::io::Write;

use super::journal::python;
use super::script::Entry;
use super::sender::{SECOND, Sender, appliance};
use super::session::{Session, World};

/// The appliance's interface.
const INTERFACE: &str = "Data 1";

impl Session {
    /// Writes one entry of the log, which may be several lines.
    pub(crate) fn log<L: Write>(&mut self, entry: Entry, at: i64, world: &mut World<L>, sender: &Sender) {
        let icid = self.icid.unwrap_or_default();
        let (remote, local) = (sender.address, appliance(sender.address));
        let mid = |session: &Self, index: u8| session.mids.get(usize::from(index)).copied().flatten();
        let text = match entry {
            Entry::NewIcid => {
                world.icid += 1;
                self.icid = Some(world.icid);
                let icid = world.icid;
                let host = sender.reverse.as_deref().unwrap_or("unknown");
                let verified = if sender.verified { "yes" } else { "no" };
                format!(
                    "New SMTP ICID {icid} interface {INTERFACE} ({local}) address {remote} \
                     reverse dns host {host} verified {verified}"
                )
            }
            Entry::Policy => {
                let (group, what, score) = match sender.reputation {
                    Some(score @ ..=-10) => ("SUSPECTLIST", "sbrs[-4.0:-1.0]", score),
                    Some(score @ -9..=60) => ("UNKNOWNLIST", "sbrs[-1.0:6.0]", score),
                    Some(score) => ("WHITELIST", "sbrs[6.0:10.0]", score),
                    None => ("UNKNOWNLIST", "sbrs[none]", i64::MIN),
                };
                let score = match score {
                    i64::MIN => "None".to_owned(),
                    tenths => format!("{:.1}", tenths as f64 / 10.0),
                };
                format!("ICID {icid} ACCEPT SG {group} match {what} SBRS {score} country {}", sender.country)
            }
            Entry::Tls(cipher) => format!("ICID {icid} TLS success {} ", cipher.words()),
            Entry::Start(index) => {
                world.mid += 1;
                let mid = world.mid;
                if let Some(place) = self.mids.get_mut(usize::from(index)) {
                    *place = Some(mid);
                }
                let Some(message) = self.messages.get(usize::from(index)) else { return };
                world.journal.line(at, format!("Start MID {mid} ICID {icid}"));
                format!("MID {mid} ICID {icid} From: <{}>", message.mail_from)
            }
            Entry::To(index, place) => {
                let (Some(mid), Some(message)) = (mid(self, index), self.messages.get(usize::from(index)))
                else {
                    return;
                };
                let Some(recipient) = message.recipients.get(usize::from(place)) else { return };
                let address = &recipient.address;
                if recipient.refused {
                    format!("MID {mid} ICID {icid} To: <{address}> Rejected by RAT")
                } else {
                    let before = message.recipients.iter().take(usize::from(place));
                    let rid = before.filter(|recipient| !recipient.refused).count();
                    format!("MID {mid} ICID {icid} RID {rid} To: <{address}>")
                }
            }
            Entry::SenderRejected(index) => {
                let Some(message) = self.messages.get(usize::from(index)) else { return };
                let from = &message.mail_from;
                format!(
                    "ICID {icid} Address: <{from}> sender rejected, envelope sender domain does not exist"
                )
            }
            Entry::Headers(index) => {
                let (Some(mid), Some(message)) = (mid(self, index), self.messages.get(usize::from(index)))
                else {
                    return;
                };
                world.journal.line(at, format!("MID {mid} Message-ID {}", python(&message.message_id)));
                format!("MID {mid} Subject {}", python(message.subject))
            }
            Entry::Ready(index) => {
                let (Some(mid), Some(message)) = (mid(self, index), self.messages.get(usize::from(index)))
                else {
                    return;
                };
                // The appliance adds a Received line of its own.
                let octets = message.body.octets() + 160 + sender.helo.len() as u64;
                let from = &message.mail_from;
                world.journal.line(at, format!("MID {mid} ready {octets} bytes from <{from}>"));
                return world.journal.aftermath(at, mid, message);
            }
            Entry::Aborted(index, reason) => {
                let Some(mid) = mid(self, index) else { return };
                world.journal.line(at, format!("Message aborted MID {mid} {reason}"));
                format!("Message finished MID {mid} aborted")
            }
            Entry::Lost => format!("ICID {icid} lost"),
            Entry::LostBeforeCommands => {
                let seconds = (at - self.began) / SECOND;
                format!(
                    "ICID {icid} Connection from {remote} on interface {INTERFACE} ({local}) lost after \
                     {seconds} seconds (DNS query took {seconds} seconds), before any commands were received"
                )
            }
            Entry::TimedOut => {
                format!(
                    "ICID {icid} disconnected address {remote}, no messages injected within timeout period"
                )
            }
            Entry::Exceeded => {
                format!("ICID {icid} disconnected address {remote}, exceeded allowable connection time")
            }
            Entry::TooMany => {
                let text = format!(
                    "System limit reached: connection limit for IP {remote} on listener Inbound ICID {icid}: max: 20"
                );
                return world.journal.warning(at, text);
            }
            Entry::Failed(why) => format!("ICID {icid} {why}"),
            Entry::Killed => format!("SMTP server connection killed ICID: {icid}"),
            Entry::Close => format!("ICID {icid} close"),
        };
        world.journal.line(at, text);
    }
}
