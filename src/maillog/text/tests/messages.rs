//! ESA-LOGS sections 5 and 6: messages, from their reception to their end.

use super::*;
use crate::maillog::Finish;
use crate::maillog::event::Abort;

/// ESA-LOGS section 5: a message's reception.
#[test]
fn receptions() {
    let both = ids(Some((Leg::Injection, 31)), Some(7));
    let mid = ids(None, Some(7));
    let text = |text: &'static str| text.as_bytes().into();
    check(&[
        ("Start MID 7 ICID 31", both, Fact::Started),
        ("Start MID 7 ICID 0 (ISQ Notification)", ids(Some((Leg::Injection, 0)), Some(7)), Fact::Started),
        ("MID 7 ICID 31 From: <a@example.com>", both, Fact::Sender(b"a@example.com")),
        ("MID 7 ICID 31 From: <>", both, Fact::Sender(b"")),
        (
            "MID 7 ICID 31 RID 2 To: <b@example.org>",
            both,
            Fact::Recipient { rid: 2, address: b"b@example.org" },
        ),
        (
            "MID 7 ICID 31 RID 0 To: b@example.org",
            both,
            Fact::Recipient { rid: 0, address: b"b@example.org" },
        ),
        ("MID 7 ICID 31 RID 0 To:", both, Fact::Recipient { rid: 0, address: b"" }),
        (
            "MID 7 ICID 31 RID 0 To: <\"x rejected by y\"@example.org>",
            both,
            Fact::Recipient { rid: 0, address: b"\"x rejected by y\"@example.org" },
        ),
        (
            "MID 7 ICID 31 To: <c@example.org> Rejected by RAT",
            both,
            Fact::RecipientRejected(b"c@example.org"),
        ),
        (
            "MID 7 ICID 31 To: <c@example.org> Rejected by Injection Control",
            both,
            Fact::RecipientRejected(b"c@example.org"),
        ),
        (
            "MID 7 ICID 31 invalid bounce, rcpt address <c@example.org> rejected by bounce verification.",
            both,
            Fact::RecipientRejected(b"c@example.org"),
        ),
        ("MID 7 ICID 31 invalid bounce, tagging", both, Fact::Known(Known::Verification)),
        ("ICID 31 To: <c@example.org> Rejected by RAT", icid(31), Fact::ConnectionRejectsRecipient),
        ("MID 7 Message-ID '<1@example.com>'", mid, Fact::MessageId(text("<1@example.com>"))),
        ("MID 7 Message-ID \"<Land's@example.com>\"", mid, Fact::MessageId(text("<Land's@example.com>"))),
        ("MID 7 Subject 'it\\'s \"so\"'", mid, Fact::Subject(text("it's \"so\""))),
        ("MID 7 Subject Re: as it was\\r\\n", mid, Fact::Subject(text("Re: as it was\\r\\n"))),
        (
            "MID 7 ready 512 bytes from <a@example.com>",
            mid,
            Fact::Ready { bytes: 512, sender: Some(b"a@example.com") },
        ),
        (
            "MID 7 ready 53 bytes from a@example.com",
            mid,
            Fact::Ready { bytes: 53, sender: Some(b"a@example.com") },
        ),
        ("MID 7 ready soon", mid, Fact::Unknown),
        (
            "MID 7 matched all recipients for per-recipient policy DEFAULT in the inbound table",
            mid,
            Fact::Known(Known::Content),
        ),
        ("ICID 31 Invalid sender address: MAIL FROM:<x", icid(31), Fact::Known(Known::SenderCheck)),
        ("ICID 31 MID 7 Invalid recipient address:  'RCPT TO:<>'", both, Fact::Known(Known::SenderCheck)),
        (
            "ICID 31 Address: <a@nx.example> sender rejected, envelope sender domain does not exist",
            icid(31),
            Fact::Known(Known::SenderCheck),
        ),
        ("ICID 31 Unknown command: FOO", icid(31), Fact::Known(Known::Syntax)),
        ("ICID 31 Bad syntax for command: MAIL", icid(31), Fact::Known(Known::Syntax)),
    ]);
}

/// ESA-LOGS section 6: aborted and finished messages.
#[test]
fn ends_of_messages() {
    let mid = ids(None, Some(7));
    let aborted = Fact::Aborted;
    check(&[
        ("Message aborted MID 7 Receiving aborted", mid, aborted(Abort::Receiving)),
        ("Message aborted MID 7 Receiving aborted by sender", mid, aborted(Abort::BySender)),
        ("Message aborted MID 7 Receiving aborted by sender ", mid, aborted(Abort::BySender)),
        ("message aborted mid 7 receiving ABORTED", mid, aborted(Abort::Receiving)),
        ("Message aborted MID 7 Injection aborted", mid, aborted(Abort::Receiving)),
        (
            "Message aborted MID 7 Receiving aborted by the moon",
            mid,
            aborted(Abort::Other(b"Receiving aborted by the moon")),
        ),
        ("Message aborted MID 7 Dropped by CASE", mid, aborted(Abort::Policy(b"Dropped by CASE"))),
        (
            "Message aborted MID 7 Bounced by content filter 'F' in the inbound table",
            mid,
            aborted(Abort::Policy(b"Bounced by content filter 'F' in the inbound table")),
        ),
        ("Message aborted MID 7 Gone", mid, aborted(Abort::Other(b"Gone"))),
        ("Message aborted MID 7", mid, aborted(Abort::Other(b""))),
        ("Message aborted", Ids::default(), Fact::Unknown),
        ("Message finished MID 7 aborted", mid, Fact::Finished(Finish::Aborted)),
        ("Message finished MID 7 done", mid, Fact::Finished(Finish::Done)),
        ("Message finished MID 7 perhaps", mid, Fact::Unknown),
    ]);
}

/// Verdicts and policies within a message's life: known by kind.
#[test]
fn scanning_is_known() {
    let mid = ids(None, Some(7));
    for (text, kind) in [
        ("MID 7 interim verdict using engine: CASE spam negative", Known::AntiSpam),
        ("MID 7 using engine: CASE spam negative", Known::AntiSpam),
        ("MID 7 was too big (20971520/2097152) for scanning by CASE", Known::AntiSpam),
        ("MID 7 interim AV verdict using Sophos CLEAN", Known::AntiVirus),
        ("MID 7 antivirus negative", Known::AntiVirus),
        ("MID 7 AMP file reputation verdict : CLEAN", Known::AntiVirus),
        ("MID 7 Outbreak Filters: verdict negative", Known::Outbreak),
        ("MID 7 SPF: mailfrom identity a@example.com Pass", Known::Verification),
        ("MID 7 DKIM: no signature", Known::Verification),
        ("MID 7 DMARC: Message from domain example.com, DMARC pass", Known::Verification),
        ("MID 7 Custom Log Entry: text", Known::Content),
        ("MID 7 attachment 'a.pdf'", Known::Content),
        ("MID 7 Forged Email Detection on the From: header with score of 100", Known::Content),
        ("MID 7 scanned by Advanced Malware Protection engine. Final verdict: CLEAN", Known::AntiVirus),
        ("MID 7 was marked unscannable by Advanced Malware Protection engine", Known::AntiVirus),
        (
            "MID 7 was marked unscannable due to extraction failures. Reason: Error in extraction process.",
            Known::AntiVirus,
        ),
        ("MID 7: scanning error (name='a.exe', type=executable/exe): request failed", Known::Content),
        ("MID 7, Message Scanning Problem: Size Limit Exceeded", Known::Content),
        ("MID 7 rewritten URL u'http://example.org/'", Known::Content),
        ("MID 7 quarantined to \"Policy\" (content filter:F)", Known::Quarantine),
        ("MID 7 enqueued for transfer to centralized quarantine \"Policy\" (x)", Known::Quarantine),
    ] {
        check(&[(text, mid, Fact::Known(kind))]);
    }
}
