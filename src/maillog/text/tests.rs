//! Every line shape that is known of the text mail log, with made-up values.

use proptest::prelude::*;

use super::*;
use crate::maillog::event::{Abort, Opening};
use crate::maillog::{ApplianceEndKind, Finish, Tls};
use crate::time::UtcOffset;

fn ids(connection: Option<(Leg, u64)>, mid: Option<u64>) -> Ids {
    Ids { connection: connection.map(|(leg, id)| ConnectionId { leg, id }), mid }
}

fn opened(opening: Opening<'_>) -> Fact<'_> {
    Fact::Opened(Box::new(opening))
}

fn lost(opening: Opening<'_>) -> Fact<'_> {
    Fact::Lost(Some(Box::new(opening)))
}

fn icid(id: u64) -> Ids {
    ids(Some((Leg::Injection, id)), None)
}

fn check(rows: &[(&str, Ids, Fact<'_>)]) {
    for (text, ids, fact) in rows {
        let event = parse_text(text.as_bytes());
        assert_eq!((event.ids, &event.fact), (*ids, fact), "{text}");
    }
}

mod outbound;

#[test]
fn no_rule_hides_another() {
    for table in [&SENTENCES, &INJECTION, &DELIVERY, &MESSAGE] {
        assert_eq!(table.shadowed(), Vec::<&str>::new());
    }
}

/// ESA-LOGS section 2: the head.
#[test]
fn heads() {
    let offset = |seconds| Fact::Offset(UtcOffset::from_seconds(seconds));
    check(&[
        ("Begin Logfile", Ids::default(), Fact::HeadBegins),
        (
            "Version: 7.6.3-019 SN: 000A0B0C0D0E-7X7XX77",
            Ids::default(),
            Fact::Version { serial: Some(b"000A0B0C0D0E-7X7XX77") },
        ),
        ("Version: 3.8.4-013", Ids::default(), Fact::Version { serial: None }),
        ("Version: 3.8.4-013 SN:", Ids::default(), Fact::Version { serial: None }),
        ("Time offset from UTC: -21600 seconds", Ids::default(), offset(-21_600)),
        ("Time offset from UTC: 10800 seconds", Ids::default(), offset(10_800)),
        ("Time offset from UTC: 0 seconds", Ids::default(), offset(0)),
        ("Time offset from UTC: 999999 seconds", Ids::default(), Fact::Offset(None)),
        ("Time offset from UTC: soon", Ids::default(), Fact::Offset(None)),
        ("System is coming up.", Ids::default(), Fact::Known(Known::System)),
        ("End Logfile", Ids::default(), Fact::Known(Known::System)),
        (
            "A System/Warning alert was sent to admin@example.com with subject \"x\"",
            Ids::default(),
            Fact::Known(Known::System),
        ),
        ("A line of another kind", Ids::default(), Fact::Unknown),
    ]);
}

/// ESA-LOGS section 3: ids are whole words.
#[test]
fn ids_inside_longer_words_are_none() {
    check(&[
        (
            "Status: CPULd 3 QueuedMsgs 0 CrtMID 12 CrtICID 13 CrtDCID 14",
            Ids::default(),
            Fact::Known(Known::Status),
        ),
        ("XMID 5 ready 6 bytes from <a@example.com>", Ids::default(), Fact::Unknown),
        ("MID 5x ready", Ids::default(), Fact::Unknown),
        ("MID x", Ids::default(), Fact::Unknown),
    ]);
}

/// ESA-LOGS section 4: connection open.
#[test]
fn openings() {
    let v4 = |text: &str| text.parse().ok();
    let full = |interface: &'static [u8], reverse_dns: &'static [u8]| {
        opened(Opening {
            interface: Some(interface),
            local: v4("192.0.2.25"),
            remote: v4("198.51.100.7"),
            reverse_dns: Some(reverse_dns),
        })
    };
    check(&[
        (
            "New SMTP ICID 31 interface Management (192.0.2.25) address 198.51.100.7 reverse dns host mx.example.org verified yes",
            icid(31),
            full(b"Management", b"mx.example.org"),
        ),
        (
            "New smtp ICID 31 Interface Data Port (192.0.2.25) address 198.51.100.7 reverse dns host unknown verified no",
            icid(31),
            full(b"Data Port", b"unknown"),
        ),
        (
            "New SMTP ICID 31 interface mail.example.com (192.0.2.25) address 198.51.100.7 reverse dns host  http://mx:25/ verified no",
            icid(31),
            full(b"mail.example.com", b"http://mx:25/"),
        ),
        (
            "New SMTP ICID 31 interface private address 198.51.100.7",
            icid(31),
            opened(Opening { interface: Some(b"private"), remote: v4("198.51.100.7"), ..Opening::default() }),
        ),
        (
            "New SMTP ICID 31 interface Data 2 (2001:db8::25) address 2001:db8:1::7 reverse dns host mx.example.org verified yes",
            icid(31),
            opened(Opening {
                interface: Some(b"Data 2"),
                local: v4("2001:db8::25"),
                remote: v4("2001:db8:1::7"),
                reverse_dns: Some(b"mx.example.org"),
            }),
        ),
        (
            "New SMTP ICID 31 interface Data 1 (x.x.x.x) address y.y.y.y reverse dns host mx verified no",
            icid(31),
            opened(Opening { interface: Some(b"Data 1"), reverse_dns: Some(b"mx"), ..Opening::default() }),
        ),
        ("New SMTP ICID 31", icid(31), Fact::Opened(Box::default())),
        ("New SMTP ICID", Ids::default(), Fact::Unknown),
        (
            "New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9 port 25",
            ids(Some((Leg::Delivery, 8)), None),
            opened(Opening { local: v4("192.0.2.25"), remote: v4("203.0.113.9"), ..Opening::default() }),
        ),
        (
            "New SMTP DCID 8 interface Management address 203.0.113.9",
            ids(Some((Leg::Delivery, 8)), None),
            opened(Opening {
                interface: Some(b"Management"),
                remote: v4("203.0.113.9"),
                ..Opening::default()
            }),
        ),
    ]);
}

/// ESA-LOGS section 4: the host access table, TLS and AUTH.
#[test]
fn policies() {
    let said = |action, group| Fact::Policy { action, group };
    check(&[
        (
            "ICID 31 ACCEPT SG UNKNOWNLIST match sbrs[-1.0:10.0] SBRS 2.7 country United States",
            icid(31),
            said(PolicyAction::Accept, b"UNKNOWNLIST"),
        ),
        (
            "ICID 31 RELAY SG RELAYLIST match 192.0.2.0/24 SBRs not enabled",
            icid(31),
            said(PolicyAction::Relay, b"RELAYLIST"),
        ),
        (
            "ICID 31 REJECT SG BLACKLIST match sbrs[-10.0:-2.5] SBRS -9.5",
            icid(31),
            said(PolicyAction::Reject, b"BLACKLIST"),
        ),
        ("ICID 31 ACCEPT SG None match  SBRS rfc1918", icid(31), said(PolicyAction::Accept, b"None")),
        (
            "ICID 31 ACCEPT SG SUSPECT LIST SBRS unable to retrieve country not applicable",
            icid(31),
            said(PolicyAction::Accept, b"SUSPECT LIST"),
        ),
        (
            "ICID 0 TCPREFUSE SG BADGUYS match dnslist[zone.example] SBRS None",
            icid(0),
            said(PolicyAction::TcpRefuse, b"BADGUYS"),
        ),
        ("ICID 31 SBRS -2.0", icid(31), Fact::Known(Known::Policy)),
        (
            "ICID 31 Delayed HAT REJECT continuing session for recipient logging (198.51.100.7)",
            icid(31),
            Fact::Known(Known::Policy),
        ),
        ("ICID 31 TLS success", icid(31), Fact::Tls(Tls::Success)),
        ("ICID 31 TLS success protocol TLSv1.2 cipher X-Y-Z", icid(31), Fact::Tls(Tls::Success)),
        ("ICID 31 TLS failed", icid(31), Fact::Tls(Tls::Failed)),
        ("ICID 31 TLS failed for a reason", icid(31), Fact::Tls(Tls::Failed)),
        (
            "ICID 31 TLS was required but remote host did not initiate it",
            icid(31),
            Fact::Tls(Tls::RequiredNotInitiated),
        ),
        (
            "SMTP Auth: (ICID 31) succeeded for user: u using AUTH mechanism: LOGIN with profile: p",
            icid(31),
            Fact::Known(Known::Authentication),
        ),
        (
            "SMTP Auth (ICID 31) was required but remote host did not initiate it",
            icid(31),
            Fact::Known(Known::Authentication),
        ),
    ]);
}

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

/// ESA-LOGS section 6: how a connection ends.
#[test]
fn ends_of_connections() {
    let ended = |kind, words: &'static str| Fact::Ended { kind, words: words.as_bytes() };
    check(&[
        ("ICID 31 close", icid(31), Fact::Closed),
        ("ICID 31 closed", icid(31), Fact::Unknown),
        ("ICID 31 lost", icid(31), Fact::Lost(None)),
        (
            "ICID 31 Connection from 198.51.100.7 on interface Data 1 (192.0.2.25) lost after 3 seconds (DNS query took 2 seconds), before any commands were received",
            icid(31),
            lost(Opening {
                interface: Some(b"Data 1"),
                local: "192.0.2.25".parse().ok(),
                remote: "198.51.100.7".parse().ok(),
                reverse_dns: None,
            }),
        ),
        (
            "ICID 31 disconnected address 198.51.100.7, no messages injected within timeout period",
            icid(31),
            ended(
                ApplianceEndKind::NoMessagesInjected,
                "disconnected address 198.51.100.7, no messages injected within timeout period",
            ),
        ),
        (
            "ICID 31 disconnected address 198.51.100.7, exceeded allowable connection time",
            icid(31),
            ended(
                ApplianceEndKind::ConnectionTimeExceeded,
                "disconnected address 198.51.100.7, exceeded allowable connection time",
            ),
        ),
        (
            "ICID 31 disconnected address 198.51.100.7. Maximum connection time exceeded.",
            icid(31),
            ended(
                ApplianceEndKind::ConnectionTimeExceeded,
                "disconnected address 198.51.100.7. Maximum connection time exceeded.",
            ),
        ),
        (
            "Incoming connection (ICID 31) disconnected address 198.51.100.7. Maximum connection time exceeded.",
            icid(31),
            ended(
                ApplianceEndKind::ConnectionTimeExceeded,
                "disconnected address 198.51.100.7. Maximum connection time exceeded.",
            ),
        ),
        ("Incoming relay", Ids::default(), Fact::Known(Known::System)),
        ("ICID 31 disconnected for fun", icid(31), Fact::Unknown),
        (
            "ICID 31 Receiving Failed: Connection limit exceeded",
            icid(31),
            ended(ApplianceEndKind::ReceivingFailed, "Receiving Failed: Connection limit exceeded"),
        ),
        (
            "ICID 31 Injection Failed: Message loop",
            icid(31),
            ended(ApplianceEndKind::ReceivingFailed, "Injection Failed: Message loop"),
        ),
        (
            "SMTP server connection killed ICID: 31",
            icid(31),
            ended(ApplianceEndKind::Killed, "SMTP server connection killed"),
        ),
        (
            "SMTP client connection killed DCID: 8",
            ids(Some((Leg::Delivery, 8)), None),
            ended(ApplianceEndKind::Killed, "SMTP client connection killed"),
        ),
        (
            "System limit reached: connection limit for IP 198.51.100.7 on listener In ICID 31: max: 1",
            icid(31),
            Fact::Known(Known::Limit),
        ),
        (
            "LDAP: Dropping connection due to potential Directory Harvest Attack from host=('198.51.100.7', None), dhap_limit=4, sender_group=G",
            Ids::default(),
            Fact::Known(Known::Directory),
        ),
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

proptest! {
    #[test]
    fn octets_of_any_kind_do_not_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_text(&text);
    }

    /// Words of the log in any order reach deeper than octets do.
    #[test]
    fn words_in_any_order_do_not_panic(words in proptest::collection::vec(prop_oneof![
        Just("MID 7"), Just("ICID 3"), Just("DCID: 4"), Just("New SMTP"), Just("interface"), Just("("), Just(")"),
        Just("address"), Just("reverse dns host"), Just("verified"), Just("Start"), Just("Message aborted"),
        Just("Receiving aborted"), Just("by"), Just("sender"), Just("To: <"), Just(">"), Just("RID"), Just("0"),
        Just("Rejected by"), Just("ready"), Just("bytes from"), Just("'"), Just("\\x4"), Just("Subject"), Just("é"),
    ], 0..12)) {
        let _ = parse_text(words.join(" ").as_bytes());
        let _ = parse_text(words.concat().as_bytes());
    }
}
