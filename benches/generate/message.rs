//! Messages: envelope, head, size.

use super::body::Body;
use super::oddity::Oddity;
use super::options::Options;
use super::rng::Rng;
use super::sender::Sender;
use super::story::Story;
use super::tls::Cipher;

/// A recipient.
#[derive(Debug, Clone)]
pub(crate) struct Recipient {
    pub(crate) address: String,
    /// The appliance refuses it.
    pub(crate) refused: bool,
}

/// A message as its sender has it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) mail_from: String,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) message_id: String,
    /// As in the head, and as the log writes it: a Python literal.
    pub(crate) subject: &'static str,
    pub(crate) body: Body,
}

/// Domains of ours.
const LOCAL: [&str; 3] = ["corp.example.com", "example.com", "sales.example.com"];
/// Subjects; one with each quote, one of the encoded kind (RFC 2047).
const SUBJECTS: [&str; 7] = [
    "Invoice 4711",
    "Your parcel is on its way",
    "It's time to renew",
    "Re: \"urgent\" question",
    "=?utf-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=",
    "Minutes of Monday's meeting: don't say \"final\" yet",
    "",
];
/// The shortest message that can be cut in its middle.
const CUT_MIN: u64 = 12_000;
/// A body that drips needs this much to last through the total time limit.
const DRIP_MIN: u64 = 120_000;

impl Message {
    /// The `index`-th message of a session.
    pub(crate) fn new(
        options: &Options,
        sender: &Sender,
        story: Story,
        session: u64,
        index: u8,
        cipher: Option<Cipher>,
        rng: &mut Rng,
    ) -> Self {
        let (mail_from, recipients) = envelope(sender, story, session, index, rng);
        let message_id = match rng.below(20) {
            0 => format!("<Lands'End.{:x}@{}>", rng.next(), sender.domain),
            _ => format!("<{:016x}.{session}.{index}@{}>", rng.next(), sender.domain),
        };
        let subject = rng.pick(&"Hello", &SUBJECTS);
        let to = recipients.first().map_or("", |recipient| recipient.address.as_str());
        let head = format!(
            "Received: from {helo} by {helo} with ESMTP id {id:x};\r\n\tWed, 11 Mar 2026 08:00:00 +0000\r\n\
             From: <{mail_from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: {message_id}\r\n\
             Date: Wed, 11 Mar 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n",
            helo = sender.helo,
            id = rng.next(),
        );
        let mut octets = rng.log_normal(options.body as f64, options.spread) as u64;
        if story.cuts_the_body() {
            octets = octets.max(if story == Story::LimitBody { DRIP_MIN } else { CUT_MIN });
        }
        let records = cipher.map(|cipher| (sender.record, cipher));
        let body = Body::new(head.into_bytes(), octets, rng, records);
        Self {
            body: if options.oddity.has(Oddity::LfOnly) { body.with_lf_only() } else { body },
            mail_from,
            recipients,
            message_id,
            subject,
        }
    }

    /// Recipients that the appliance takes.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(|recipient| !recipient.refused)
    }
}

fn envelope(
    sender: &Sender,
    story: Story,
    session: u64,
    index: u8,
    rng: &mut Rng,
) -> (String, Vec<Recipient>) {
    let refuse_all = story == Story::AllRefused;
    if story == Story::Callback {
        let address = format!("user{}@{}", rng.below(900), rng.pick(&"example.com", &LOCAL));
        return (String::new(), vec![Recipient { address, refused: false }]);
    }
    if sender.equal_envelopes {
        let address = format!("all@{}", LOCAL.first().unwrap_or(&"example.com"));
        return (format!("news@{}", sender.domain), vec![Recipient { address, refused: refuse_all }]);
    }
    let mail_from = format!("u{session}.{index}@{}", sender.domain);
    let count = if rng.chance(0.8) { 1 } else { rng.between(2, 6) };
    let recipients = (0..count)
        .map(|n| Recipient {
            address: format!("r{}.{n}@{}", rng.below(100_000), rng.pick(&"example.com", &LOCAL)),
            refused: refuse_all || (n > 0 && rng.chance(0.15)),
        })
        .collect();
    (mail_from, recipients)
}
