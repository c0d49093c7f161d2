//! Records that tell all of one message at once: consolidated event logs (CEF), and the rows of a
//! message tracking export, which [`carrier`](super::carrier) brings into the same form.
//!
//! `CEF:0|Cisco|C100V ...|14.0.2-020|ESA_CONSOLIDATED_LOG_EVENT|Consolidated Log Event|5|key=value ...`
//!
//! One record becomes the facts that a text log tells in many lines. What it does not tell is not
//! made up: there is no `New SMTP ICID`, no `close` and no `lost`, and the time of acceptance is that
//! of the record's end. Connections that never reached MAIL are not in such logs at all.

use std::borrow::Cow;

use crate::maillog::event::{ConnectionId, Event, Fact, Ids, Opening};
use crate::maillog::line::parse_stamp;
use crate::maillog::syslog::{self, CEF};
use crate::maillog::{Finish, Tls, scan, text};
use crate::net::Leg;
use crate::time::{LogTime, UtcOffset};

/// How the row of a message tracking export begins, once its columns are named.
pub(super) const TRACKING: &[u8] = b"TRACKING|";

/// Fields of the head of a CEF record, before its extension (ArcSight CEF, revision 25).
const HEAD_FIELDS: usize = 7;

/// Keys read of one record.
const MAX_KEYS: usize = 512;

/// What a key means; both generations of keys, and those that tracking rows are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Mid,
    Icid,
    Dcid,
    Serial,
    Start,
    End,
    Remote,
    ReverseDns,
    Sender,
    Recipients,
    MessageId,
    Subject,
    Size,
    Action,
    Details,
    TlsIn,
}

/// The keys of versions 13 to 14 and of 15, where they differ both.
const KEYS: [(&[u8], Key); 20] = [
    (b"ESAMID", Key::Mid),
    (b"ESAICID", Key::Icid),
    (b"ESADCID", Key::Dcid),
    (b"deviceExternalId", Key::Serial),
    (b"startTime", Key::Start),
    (b"start", Key::Start),
    (b"endTime", Key::End),
    (b"end", Key::End),
    (b"sourceAddress", Key::Remote),
    (b"src", Key::Remote),
    (b"sourceHostName", Key::ReverseDns),
    (b"shost", Key::ReverseDns),
    (b"suser", Key::Sender),
    (b"duser", Key::Recipients),
    (b"ESAMsgId", Key::MessageId),
    (b"msg", Key::Subject),
    (b"ESAMsgSize", Key::Size),
    (b"act", Key::Action),
    (b"ESAFinalActionDetails", Key::Details),
    (b"ESATLSInConnStatus", Key::TlsIn),
];

/// Words of `act` for a message that was received in whole; what became of it then is another matter.
const RECEIVED: [&[u8]; 6] = [b"DELIVERED", b"QUARANTINED", b"DQ", b"BOUNCED", b"DROPPED", b"PROCESSING"];

/// A record, its values still escaped.
#[derive(Debug, Default)]
pub(super) struct Summary<'a> {
    values: Vec<(Key, &'a [u8])>,
}

/// Whether the text is such a record.
#[inline]
pub(super) fn is_summary(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'C' | b'T')) && (text.starts_with(CEF) || text.starts_with(TRACKING))
}

impl<'a> Summary<'a> {
    /// Reads a record; `None` where it names no message.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        let extension = match text.strip_prefix(TRACKING) {
            Some(extension) => extension,
            None => after_head(text)?,
        };
        let mut values: Vec<(Key, &[u8])> = Vec::new();
        for (name, value) in pairs(extension).take(MAX_KEYS) {
            if let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == name)
                && !values.iter().any(|(told, _)| told == key)
                && !value.is_empty()
            {
                values.push((*key, value));
            }
        }
        let summary = Self { values };
        summary.number(Key::Mid).is_some().then_some(summary)
    }

    /// The appliance's serial number.
    pub(super) fn serial(&self) -> Option<&'a [u8]> {
        self.value(Key::Serial)
    }

    /// When the record ended (or began, where it tells no end) by the appliance's clock, and the
    /// offset from UTC that this stamp bears.
    pub(super) fn when(&self) -> Option<(LogTime, Option<UtcOffset>)> {
        let value = self.value(Key::End).or_else(|| self.value(Key::Start))?;
        match parse_stamp(value) {
            Some((time, _)) => Some((time, None)),
            None => syslog::time(value),
        }
    }

    /// Gives every fact of the record to `each`, with its time where the record has one of its own.
    pub(super) fn tell(&self, each: &mut dyn FnMut(Option<LogTime>, &Event<'_>)) {
        let mid = self.number(Key::Mid);
        let icid = self.number(Key::Icid).map(|id| ConnectionId { leg: Leg::Injection, id });
        let (start, end) = (self.time(Key::Start), self.time(Key::End));
        let alone = Ids { connection: icid, mid: None };
        let both = Ids { connection: icid, mid };
        let message = Ids { connection: None, mid };
        if icid.is_some_and(|connection| connection.id != 0) {
            let reverse_dns = self.text(Key::ReverseDns);
            let opening = Opening {
                remote: self.value(Key::Remote).and_then(scan::ip),
                reverse_dns: reverse_dns.as_deref(),
                ..Opening::default()
            };
            each(start, &Event { ids: alone, fact: Fact::Described(Box::new(opening), self.tls()) });
        }
        each(start, &Event { ids: both, fact: Fact::Started });
        let sender = self.text(Key::Sender);
        if let Some(sender) = &sender {
            each(start, &Event { ids: both, fact: Fact::Sender(scan::address(sender)) });
        }
        if let Some(recipients) = self.text(Key::Recipients) {
            let addresses = recipients.split(|octet| matches!(octet, b';' | b','));
            for (rid, address) in
                (0..).zip(addresses.map(scan::address).filter(|address| !address.is_empty()))
            {
                each(start, &Event { ids: both, fact: Fact::Recipient { rid, address } });
            }
        }
        if let Some(id) = self.text(Key::MessageId) {
            each(start, &Event { ids: message, fact: Fact::MessageId(scan::literal(&id)) });
        }
        if let Some(subject) = self.text(Key::Subject) {
            each(start, &Event { ids: message, fact: Fact::Subject(scan::literal(&subject)) });
        }
        self.tell_end(message, sender.as_deref(), &mut |event| each(end, event));
    }

    fn tell_end(&self, ids: Ids, sender: Option<&[u8]>, each: &mut dyn FnMut(&Event<'_>)) {
        let Some(action) = self.value(Key::Action) else { return };
        if action.eq_ignore_ascii_case(b"ABORTED") {
            let details = self.text(Key::Details).unwrap_or_default();
            each(&Event { ids, fact: Fact::Aborted(text::abort(&details)) });
            each(&Event { ids, fact: Fact::Finished(Finish::Aborted) });
        } else if RECEIVED.iter().any(|word| action.eq_ignore_ascii_case(word)) {
            if let Some(bytes) = self.number(Key::Size) {
                let sender = sender.map(scan::address);
                each(&Event { ids, fact: Fact::Ready { bytes, sender } });
            }
            each(&Event { ids, fact: Fact::Finished(Finish::Done) });
            if let Some(id) = self.number(Key::Dcid).filter(|id| *id != 0)
                && action.eq_ignore_ascii_case(b"DELIVERED")
            {
                let connection = Some(ConnectionId { leg: Leg::Delivery, id });
                each(&Event { ids: Ids { connection, ..ids }, fact: Fact::Delivered });
            }
        }
    }

    fn value(&self, key: Key) -> Option<&'a [u8]> {
        self.values.iter().find(|(told, _)| *told == key).map(|(_, value)| *value)
    }

    fn text(&self, key: Key) -> Option<Cow<'a, [u8]>> {
        self.value(key).map(unescaped)
    }

    fn number(&self, key: Key) -> Option<u64> {
        let (number, rest) = scan::number(self.value(key)?)?;
        rest.is_empty().then_some(number)
    }

    fn time(&self, key: Key) -> Option<LogTime> {
        let value = self.value(key)?;
        parse_stamp(value).map(|(time, _)| time).or_else(|| syslog::time(value).map(|(time, _)| time))
    }

    fn tls(&self) -> Option<Tls> {
        const OUTCOMES: [(&[u8], Tls); 2] = [(b"Success", Tls::Success), (b"Failed", Tls::Failed)];
        let status = self.value(Key::TlsIn)?;
        OUTCOMES.iter().find(|(words, _)| scan::strip(status, words).is_some()).map(|(_, tls)| *tls)
    }
}

/// What follows the seven fields of the head; `\|` and `\\` are escapes in it.
fn after_head(text: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    for _ in 0..HEAD_FIELDS {
        at += end_of_field(text.get(at..)?)? + 1;
    }
    text.get(at..)
}

/// Where the field at the start of the text ends: at the first `|` that is not escaped.
fn end_of_field(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'\\' => at += 2,
            b'|' => return Some(at),
            _ => at += 1,
        }
    }
}

/// The keys and values of an extension. A value ends where the next key begins: a space, a word and
/// an equals sign that is not escaped.
fn pairs(extension: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = extension.trim_ascii();
    std::iter::from_fn(move || {
        let equals = memchr::memchr(b'=', rest)?;
        let name = rest.get(..equals)?.trim_ascii();
        let value = rest.get(equals + 1..)?;
        let end = next_key(value).unwrap_or(value.len());
        rest = value.get(end..).unwrap_or_default();
        Some((name, value.get(..end)?.trim_ascii()))
    })
}

/// Where the next key begins.
fn next_key(value: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'=', value).find_map(|equals| {
        let before = value.get(..equals)?;
        let word = before.iter().rev().take_while(|octet| octet.is_ascii_alphanumeric()).count();
        let start = equals.checked_sub(word).filter(|start| *start > 0 && word > 0)?;
        (value.get(start - 1) == Some(&b' ')).then_some(start)
    })
}

/// Undoes CEF's escapes of a value: `\=`, `\\`, `\n`, `\r`; an escape that is not known stays.
fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut octets = value.iter().copied();
    while let Some(octet) = octets.next() {
        if octet != b'\\' {
            plain.push(octet);
            continue;
        }
        match octets.next() {
            Some(b'n') => plain.push(b'\n'),
            Some(b'r') => plain.push(b'\r'),
            Some(known @ (b'=' | b'\\' | b'|')) => plain.push(known),
            Some(other) => plain.extend([b'\\', other]),
            None => plain.push(b'\\'),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maillog::tests::read_text;
    use crate::maillog::{AbortReason, Outcome};

    const HEAD: &str = "Wed Mar 11 10:00:09 2026: CEF:0|Cisco|C100V Email Security Virtual Appliance|14.0.2-020|ESA_CONSOLIDATED_LOG_EVENT|Consolidated Log Event|5|";

    fn told(rest: &str) -> crate::maillog::MailLog {
        read_text(&format!("{HEAD}{rest}\n"))
    }

    /// ESA-LOGS section 10, keys of version 14.
    #[test]
    fn an_abort_of_version_14() {
        let log = told(
            "deviceExternalId=0A0B-0C0D ESAMID=7 ESAICID=31 startTime=Wed Mar 11 10:00:01 2026 sourceAddress=198.51.100.7 \
             sourceHostName=mx.example.org suser=a@example.org duser=b@example.com;c@example.com \
             ESATLSInConnStatus=Success act=ABORTED ESAFinalActionDetails=Receiving aborted by sender \
             endTime=Wed Mar 11 10:00:09 2026 msg='one \\= two'",
        );
        let connection = &log.connections[0];
        let message = &connection.messages[0];
        assert_eq!((connection.id, message.mid, message.icid), (31, 7, Some(31)));
        assert_eq!(connection.remote, "198.51.100.7".parse().ok());
        assert_eq!((connection.opened, connection.closed, connection.lost), (None, None, None));
        assert_eq!(connection.tls.unwrap().0, Tls::Success);
        assert_eq!(connection.reverse_dns, Some("mx.example.org".into()));
        assert_eq!(message.started.unwrap().time.to_string(), "2026-03-11T10:00:01");
        let (reason, at) = message.aborted.clone().unwrap();
        assert_eq!(reason, AbortReason::ReceivingAbortedBySender);
        assert_eq!(at.time.to_string(), "2026-03-11T10:00:09");
        assert_eq!(
            message.rcpt_to.iter().map(|(to, _)| to.to_string()).collect::<Vec<_>>(),
            ["b@example.com", "c@example.com"]
        );
        assert_eq!(message.subject, Some("one = two".into()));
        assert_eq!(log.serials, ["0A0B-0C0D".into()]);
        assert_eq!((log.files[0].records, log.files[0].known), (1, 1));
    }

    /// Keys of version 15.
    #[test]
    fn a_delivery_of_version_15() {
        let log = told(
            "ESAMID=7 ESAICID=31 ESADCID=8 start=Wed Mar 11 10:00:01 2026 src=198.51.100.7 shost=unknown \
             suser=<a@example.org> duser=<b@example.com> ESAMsgSize=512 act=DELIVERED end=Wed Mar 11 10:00:09 2026",
        );
        let message = &log.connections[0].messages[0];
        assert_eq!(message.ready.unwrap().0, 512);
        assert_eq!(message.mail_from.as_ref().unwrap().0, "a@example.org".into());
        assert_eq!(message.finished.unwrap().0, Finish::Done);
        let attempt = &log.connections[1].delivery.as_ref().unwrap().attempts[0];
        assert_eq!((attempt.mid, attempt.outcome.as_ref().unwrap().0.clone()), (7, Outcome::Done));
    }

    #[test]
    fn what_names_no_message_is_not_known() {
        for rest in ["", "ESAICID=31 act=ABORTED", "ESAMID=x"] {
            let log = told(rest);
            assert_eq!((log.files[0].records, log.files[0].known), (1, 0), "{rest}");
        }
        assert!(Summary::read(b"CEF:0|Cisco|x").is_none());
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped(b"a\\=b\\\\c\\nd\\q\\").as_ref(), b"a=b\\c\nd\\q\\");
        assert_eq!(after_head(b"CEF:0|a\\|b|c|d|e|f|g|ESAMID=1"), Some(&b"ESAMID=1"[..]));
    }

    proptest::proptest! {
        #[test]
        fn octets_of_any_kind_do_not_panic(rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let record = [b"CEF:0|a|b|c|d|e|5|ESAMID=7 act=".as_slice(), &rest].concat();
            if let Some(summary) = Summary::read(&record) {
                summary.tell(&mut |_, _| {});
            }
        }
    }
}
