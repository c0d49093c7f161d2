//! Every line shape that is known of the appliance's logs, by the section of the fact reference
//! (ESA-LOGS) that quotes it, with made-up addresses and numbers: each is known, by the kind that it
//! should be, wherever it comes from.

// A failed test is a panic by design, in its helpers too.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::io::Cursor;

use mailwitness::cite::LogId;
use mailwitness::maillog::LineKind::{self, *};
use mailwitness::maillog::{Line, LineSink, LogInput, MailLog, looks_like_mail_log, parse_text, walk_logs};

/// Section, what follows stamp and level, kind.
const TEXTS: &[(u8, &str, LineKind)] = &[
    // 1: the line's shape.
    (1, "MID 7 antivirus negative ", AntiVirus),
    (1, "Message done DCID 8 MID 7 to RID [0] ", Delivered),
    (1, "DCID 8 TLS success protocol TLSv1 cipher RC4-SHA ", Tls),
    (1, "MID 7 Message-ID \"<Mary'sPlace.1@example.org>\"", MessageId),
    (1, "MID 7 Message-ID '<1@example.org>'", MessageId),
    (1, "MID 7 Subject 'one\\r\\n two\\tthree'", Subject),
    (1, "MID 7 attachment '=D1=82=D0=B5.rst'", Content),
    (1, "MID 7 ICID 31 From: <>", Sender),
    (1, "MID 7 ready 53 bytes from user1@example.org", Ready),
    (
        1,
        "New smtp ICID 31 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx.example.org verified yes",
        ConnectionOpened,
    ),
    (
        1,
        "New SMTP ICID 31 Interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host mx.example.org verified yes",
        ConnectionOpened,
    ),
    (1, "MID 7 rewritten to 9 by antispam", Derived),
    // 2: the file's head.
    (2, "Begin Logfile", Head),
    (2, "Version: 7.6.3-019 SN: 420D4FEA0000000000E3-0AF200000000", Head),
    (2, "Version: 6.0.0-425 SN: 000F1F000000-2Y00000", Head),
    (2, "Version: 3.8.4-013", Head),
    (2, "Time offset from UTC: -21600 seconds", Head),
    (2, "Time offset from UTC: 10800 seconds", Head),
    (2, "System is coming up.", System),
    (2, "End Logfile", System),
    (2, "Logfile rolled over", System),
    (
        2,
        "The system time was changed from Sun, 16 Jun 2024 21:00:52 to Sun, 16 Jun 2024 21:00:50 using information from 192.0.2.123",
        System,
    ),
    // 3: ids.
    (3, "Start MID 9 ICID 0 (ISQ Notification)", MessageStarted),
    (3, "ICID 0 TCPREFUSE SG BADGUYS match ALL SBRS None", Policy),
    (
        3,
        "Status: CPULd 3 DskIO 2 RAMUtil 5 QKUsd 0 QKFre 8388608 CrtMID 1404 CrtICID 10293 CrtDCID 8",
        Status,
    ),
    // 4: connection open and policy.
    (
        4,
        "New SMTP ICID 31 interface Management (192.0.2.25) address 198.51.100.7 reverse dns host mx.example.org verified yes",
        ConnectionOpened,
    ),
    (
        4,
        "New SMTP ICID 31 interface Data Port (192.0.2.25) address 198.51.100.7 reverse dns host unknown verified no",
        ConnectionOpened,
    ),
    (
        4,
        "New SMTP ICID 31 interface mail.example.com (192.0.2.25) address 198.51.100.7 reverse dns host  mx.example.org verified no",
        ConnectionOpened,
    ),
    (
        4,
        "New SMTP ICID 31 interface Data 1 (192.0.2.25) address 198.51.100.7 reverse dns host http://mx.example.org:25/ verified no",
        ConnectionOpened,
    ),
    (4, "New SMTP ICID 10292815 interface private address 198.51.100.7", ConnectionOpened),
    (
        4,
        "New SMTP ICID 31 interface Data 1 (2001:db8::25) address 2001:db8:1::7 reverse dns host unknown verified no",
        ConnectionOpened,
    ),
    (
        4,
        "New SMTP ICID 31 interface Data 1 (::ffff:192.0.2.25) address ::ffff:198.51.100.7 reverse dns host unknown verified no",
        ConnectionOpened,
    ),
    (4, "ICID 31 ACCEPT SG UNKNOWNLIST match sbrs[-1.0:10.0] SBRS 5", Policy),
    (4, "ICID 31 REJECT SG BLACKLIST match sbrs[-10.0:-2.5] SBRS -9.5", Policy),
    (4, "ICID 31 RELAY SG RELAYLIST match 192.0.2.0/24 SBRS not enabled", Policy),
    (4, "ICID 31 RELAY SG RELAYLIST match 192.0.2.7 SBRS rfc1918", Policy),
    (4, "ICID 31 ACCEPT SG None match ALL SBRS None", Policy),
    (4, "ICID 31 ACCEPT SG SUSPECTLIST match .example.org SBRS unable to retrieve", Policy),
    (4, "ICID 31 ACCEPT SG SUSPECTLIST match dnslist[bl.example.net] SBRS None", Policy),
    (4, "ICID 31 ACCEPT SG SUSPECTLIST match nx.domain SBRS None", Policy),
    (4, "ICID 31 ACCEPT SG UNKNOWNLIST match sbrs[none] SBRS None country United States", Policy),
    (4, "ICID 31 ACCEPT SG None match  SBRS rfc1918", Policy),
    (4, "ICID 31 ACCEPT SG OUR PARTNERS SBRS 3.2 country not enabled", Policy),
    (4, "ICID 31 ACCEPT SG UNKNOWNLIST match sbrs[none] SBRs None country not applicable", Policy),
    (4, "ICID 31 SBRS 4.5", Policy),
    (4, "ICID 67542 Delayed HAT REJECT continuing session for recipient logging (198.51.100.7)", Policy),
    (4, "ICID 31 TLS success", Tls),
    (4, "ICID 31 TLS success protocol TLSv1 cipher AES128-SHA", Tls),
    (4, "ICID 31 TLS failed", Tls),
    (4, "ICID 31 TLS failed: reason in other words", Tls),
    (4, "ICID 31 TLS was required but remote host did not initiate it", Tls),
    (
        4,
        "SMTP Auth: (ICID 30) succeeded for user: anna using AUTH mechanism: LOGIN with profile: staff",
        Authentication,
    ),
    (
        4,
        "SMTP Auth: (ICID 30) failed for user: anna using AUTH mechanism: LOGIN with profile: staff",
        Authentication,
    ),
    (4, "SMTP Auth (ICID 30) was required but remote host did not initiate it", Authentication),
    // 5: message receive.
    (5, "Start MID 7 ICID 31", MessageStarted),
    (5, "MID 7 ICID 31 From: <anna@example.org>", Sender),
    (5, "MID 7 ICID 31 RID 0 To: <bert@example.com>", Recipient),
    (5, "MID 7 ICID 31 To: <bert@example.com> Rejected by RAT", RecipientRefused),
    (5, "MID 7 ICID 31 To: <bert@example.com> Rejected by LDAPACCEPT", RecipientRefused),
    (5, "MID 7 To: <bert@example.com> Rejected by Injection Control", RecipientRefused),
    (5, "MID 7 Message-ID '<1@example.org>'", MessageId),
    (5, "MID 7 Subject 'plain'", Subject),
    (5, "MID 7 Subject \"it's\"", Subject),
    (5, "MID 7 Subject Re: as it was\\r\\n and on", Subject),
    (5, "MID 7 ready 1622 bytes from <anna@example.org>", Ready),
    (5, "MID 7 matched all recipients for per-recipient policy DEFAULT in the inbound table", Content),
    (5, "MID 7 matched all recipients for per-recipient policy P 2 in the outbound table", Content),
    (5, "ICID 31 Invalid sender address: 'MAIL FROM:<anna@@example.org>'", SenderCheck),
    (5, "ICID 31 MID 7 Invalid recipient address:  'RCPT TO:<>'", SenderCheck),
    (5, "ICID 31 MID 7 Invalid recipient address:  \"RCPT TO:<it's>\"", SenderCheck),
    (
        5,
        "ICID 31 Address: <anna@nx.example> sender rejected, envelope sender domain does not exist",
        SenderCheck,
    ),
    (
        5,
        "ICID 31 Address: <anna@nx.example> sender rejected, envelope sender domain could not be resolved",
        SenderCheck,
    ),
    (
        5,
        "ICID 31 Address: <anna@nx.example> sender allowed, envelope sender matched domain exception",
        SenderCheck,
    ),
    (
        5,
        "MID 7 ICID 31 invalid bounce, rcpt address <bert@example.com> rejected by bounce verification.",
        RecipientRefused,
    ),
    (5, "ICID 31 Unknown command: FOO", Syntax),
    (5, "ICID 31 Bad syntax for command: MAIL", Syntax),
    // 6: how connections and messages end.
    (6, "ICID 31 close", ConnectionClosed),
    (6, "ICID 31 lost", ConnectionLost),
    (
        6,
        "ICID 31 Connection from 198.51.100.7 on interface Data 1 (192.0.2.25) lost after 3 seconds (DNS query took 2 seconds), before any commands were received",
        ConnectionLost,
    ),
    (
        6,
        "ICID 31 disconnected address 198.51.100.7, no messages injected within timeout period",
        EndedByAppliance,
    ),
    (6, "ICID 31 disconnected address 198.51.100.7, exceeded allowable connection time", EndedByAppliance),
    (
        6,
        "Incoming connection (ICID 31) disconnected address 198.51.100.7. Maximum connection time exceeded.",
        EndedByAppliance,
    ),
    (6, "ICID 31 Receiving Failed: Message loop", EndedByAppliance),
    (6, "ICID 31 Receiving Failed: Message size exceeds limit", EndedByAppliance),
    (6, "ICID 31 Receiving Failed: Connection limit exceeded", EndedByAppliance),
    (6, "ICID 31 Receiving Failed: Too Many Messages", EndedByAppliance),
    (6, "ICID 31 Receiving Failed: Protocol error", EndedByAppliance),
    (6, "ICID 31 Receiving Failed: Queue full", EndedByAppliance),
    (6, "ICID 31 Receiving Failed: Memory low", EndedByAppliance),
    (6, "ICID 31 Receiving Failed: Resources Low", EndedByAppliance),
    (6, "ICID 31 Injection Failed: Message loop", EndedByAppliance),
    (6, "SMTP server connection killed ICID: 31", EndedByAppliance),
    (6, "SMTP client connection killed DCID: 8", EndedByAppliance),
    (
        6,
        "System limit reached: connection limit for IP 198.51.100.7 on listener Inbound ICID 31: max: 1",
        Limit,
    ),
    (
        6,
        "LDAP: Dropping connection due to potential Directory Harvest Attack from host=('198.51.100.7', None), dhap_limit=4, sender_group=G",
        Directory,
    ),
    (
        6,
        "LDAP: Dropping connection due to potential Directory Harvest Attack from host=('198.51.100.7', 'mx.example.org'), dhap_limit=4, sender_group=G, listener=L, reverse_dns=mx.example.org",
        Directory,
    ),
    (6, "Message aborted MID 7 Receiving aborted", Aborted),
    (6, "Message aborted MID 7 Receiving aborted by sender", Aborted),
    (6, "Message aborted MID 7 Injection aborted", Aborted),
    (6, "Message aborted MID 7 Dropped by CASE", Aborted),
    (6, "Message aborted MID 7 Dropped by Brightmail", Aborted),
    (6, "Message aborted MID 7 Dropped by amp", Aborted),
    (6, "Message aborted MID 7 Dropped by antivirus", Aborted),
    (6, "Message aborted MID 7 Dropped by filter 'F'", Aborted),
    (6, "Message aborted MID 7 Dropped by content filter 'F' in the inbound table", Aborted),
    (6, "Message aborted MID 7 Bounced by content filter 'F' in the outbound table", Aborted),
    (6, "Message finished MID 7 done", Finished),
    (6, "Message finished MID 7 aborted", Finished),
    // 7: timers and limits, by the lines that they cause.
    (
        7,
        "ICID 31 disconnected address 198.51.100.7, no messages injected within timeout period",
        EndedByAppliance,
    ),
    (7, "ICID 31 Receiving Failed: Too Many Messages", EndedByAppliance),
    // 8: the delivery side.
    (8, "New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9 port 25", DeliveryOpened),
    (8, "New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9", DeliveryOpened),
    (8, "New SMTP DCID 8 interface Data 2 address 203.0.113.9 port 25", DeliveryOpened),
    (8, "Delivery start DCID 8 MID 7 to RID [0, 1]", DeliveryStarted),
    (8, "Delivery start DCID 8 MID 7 to [0]", DeliveryStarted),
    (8, "Delivery start DCID 8 MID 7 to RID [0] to offbox IronPort Spam Quarantine", DeliveryStarted),
    (8, "Message done DCID 8 MID 7 to RID [0] [('from', 'anna@example.org'), ('subject', 'x')]", Delivered),
    (8, "Message done DCID 8 MID 7 to RID [0] (external quarantine) ", Delivered),
    (8, "Message done DCID 8 MID 7 to [0]", Delivered),
    (8, "MID 7 RID [0] Response '2.0.0 Ok: queued as 4F00000000'", Response),
    (8, "MID 7 RID [0] Response 2.0.0 Ok: queued as 4F00000000", Response),
    (8, "DCID 8 close", DeliveryClosed),
    (8, "DCID 8 TLS success protocol TLSv1.2 cipher ECDHE-RSA-AES128-GCM-SHA256 for example.com", Tls),
    (8, "DCID 8 TLS success protocol TLSv1.2 cipher ECDHE-RSA-AES128-GCM-SHA256", Tls),
    (8, "DCID 8 TLS success CN: <mx.example.com>", Tls),
    (8, "DCID 8 TLS success CN=mx.example.com", Tls),
    (8, "DCID 8 TLS failed: STARTTLS unexpected response", Tls),
    (8, "DCID 8 IP 203.0.113.9 TLS was required but could not be successfully negotiated", Tls),
    (
        8,
        "Bounced: DCID 8 MID 7 to RID 0 - 5.1.0 - Unknown address error ('550', ['5.1.1 <bert@example.com> no']) []",
        Undelivered,
    ),
    (8, "Bounced: DCID: 8 Message 7 to 0 - 5.1.0 - Unknown address error ('550', ['no']) []", Undelivered),
    (
        8,
        "Bounced: DCID 0 MID 7 to RID 0 - 5.4.7 - Delivery expired (message too old) ('000', ['timeout']) []",
        Undelivered,
    ),
    (
        8,
        "Delayed: DCID 8 MID 7 to RID 0 - 4.1.0 - Unknown address error ('000', ['[Errno 54] Connection reset by peer']) []",
        Undelivered,
    ),
    (
        8,
        "Connection Error: DCID: 263 IP: 203.0.113.9 details: EOF interface: 192.0.2.25 reason: network error",
        ConnectionError,
    ),
    (
        8,
        "Connection Error: connection timed out DCID: 8 IP: 203.0.113.9 details: timeout interface: 192.0.2.25",
        ConnectionError,
    ),
    (
        8,
        "Connection Error: DCID 8 domain: example.com IP: 203.0.113.9 port: 25 details: [Errno 54] Connection reset by peer interface: 192.0.2.25 reason: network error",
        ConnectionError,
    ),
    (
        8,
        "Connection Error: DCID 8 domain: example.com IP: 203.0.113.9 port: 25 details: timeout interface: 192.0.2.25 reason: connection timed out",
        ConnectionError,
    ),
    (8, "Message 7 to RID [0] pending till Wed Nov 19 09:16:46 2014", Delivery),
    (8, "Possible Delivery: DCID: 8 MID 7 to [0]", Undelivered),
    (8, "Double bounce: MID 7 to RID 0 - 5.1.0", Delivery),
    (8, "Deleted: MID 7 to [0]", Delivery),
    (8, "MID 7 rewritten to MID 9 by add-footer filter 'F'", Derived),
    (8, "MID 7 rewritten to 9 by antispam", Derived),
    (8, "MID 9 was generated based on MID 7 by bcc filter 'F'", Derived),
    (8, "MID 9 generated based on MID 7 by notify filter 'F'", Derived),
    (8, "MID 9 was generated for bounce of MID 7", Derived),
    (8, "MID 9 generated for bounce of MID 7", Derived),
    (
        8,
        "MID 7 was split creating MID 9 due to a per-recipient policy (DEFAULT) in the inbound table",
        Derived,
    ),
    (8, "EUQ: Tagging MID 7 for quarantine", Quarantine),
    (8, "ISQ: Tagging MID 7 for quarantine", Quarantine),
    (8, "RPC Delivery start RCID 5 MID 7 to local IronPort Spam Quarantine", Quarantine),
    (8, "RPC Message done RCID 5 MID 7", Quarantine),
    (8, "Status: CPULd 3 CrtMID 1404 CrtICID 10293", Status),
    // 10: debug logs and consolidated events.
    (10, "6216 Sent to '198.51.100.7': '220 mx.example.com ESMTP\\015\\012'", Conversation),
    (10, "6216 Rcvd from '198.51.100.7': 'QUIT\\015\\012'", Conversation),
    (10, "Sent to '198.51.100.7': '220 mx.example.com ESMTP\\015\\012'", Conversation),
    (10, "8 Sent: 'MAIL FROM:<anna@example.org>'", Conversation),
    (10, "8 Rcvd: '250 OK'", Conversation),
];

/// Section, whole line, kind: what stands before the text differs.
const LINES: &[(u8, &str, LineKind)] = &[
    (1, "Tue Jan  6 15:03:18 2026 Info: ICID 31 close", ConnectionClosed),
    (1, "Tue Jan 6 15:03:18 2026 Info: ICID 31 close", ConnectionClosed),
    (1, "Tue Jan  6 15:03:18 2026 Warning: ICID 31 close", ConnectionClosed),
    (1, "Tue Jan  6 15:03:18 2026 Critical: ICID 31 close", ConnectionClosed),
    (1, "Tue Jan  6 15:03:18 2026 Debug: ICID 31 close", ConnectionClosed),
    (1, "Tue Jan  6 15:03:18 2026 Trace: ICID 31 close", ConnectionClosed),
    (9, "<166>Mar 17 18:24:37 mail_logs: Info: ICID 31 close", ConnectionClosed),
    (9, "<94>Nov 24 14:22:57 esa1 mail_logs: Info: ICID 31 close", ConnectionClosed),
    (9, "<14>Nov 24 14:22:57 esa1 mail_logs: Warning: ICID 31 close", ConnectionClosed),
    (9, "Feb  1 08:32:59 esa1 smail: Info: ICID 31 close", ConnectionClosed),
    (9, "2026 Sep 28 16:13:51 esa1 mail [info] tag:nopid Info: ICID 31 close", ConnectionClosed),
    (9, "<111>Aug 10 09:52:59 esa1 app: Mon Aug 10 09:52:59 2026 Info: ICID 31 close", ConnectionClosed),
    (9, "02 Dec 2026 14:11:36 (GMT +01:00) Message 123 aborted: Receiving aborted", Aborted),
    (9, "Oct 19 06:33:29 2026 esa1 mail_logs: Info: ICID 31 close", ConnectionClosed),
    (
        10,
        "Mon Mar  9 10:00:09 2026: CEF:0|Cisco|C100V Email Security Virtual Appliance|14.0.2-020|ESA_CONSOLIDATED_LOG_EVENT|Consolidated Log Event|5|deviceExternalId=0A0B-0C0D ESAMID=7 ESAICID=31 startTime=Mon Mar  9 10:00:01 2026 sourceAddress=198.51.100.7 act=ABORTED ESAFinalActionDetails=Receiving aborted by sender endTime=Mon Mar  9 10:00:09 2026",
        Summary,
    ),
    (
        10,
        "Mon Mar  9 10:00:09 2026: CEF:0|Cisco|C300V Secure Email Gateway Virtual|15.0.0-104|ESA_CONSOLIDATED_LOG_EVENT|Consolidated Log Event|5|ESAMID=7 ESAICID=31 start=Mon Mar  9 10:00:01 2026 src=198.51.100.7 act=DQ end=Mon Mar  9 10:00:09 2026",
        Summary,
    ),
];

/// The kinds of the lines of one log.
#[derive(Default)]
struct Kinds(Vec<LineKind>);

impl LineSink for Kinds {
    fn line(&mut self, line: &Line<'_>) {
        self.0.push(line.kind);
    }
}

fn kinds(log: &str) -> (Vec<LineKind>, MailLog) {
    let input = LogInput { id: LogId(0), reader: Box::new(Cursor::new(log.as_bytes().to_vec())) };
    let mut kinds = Kinds::default();
    let log = walk_logs(vec![input], &mut kinds);
    (kinds.0, log)
}

#[test]
fn every_text_is_of_its_kind() {
    for (section, text, kind) in TEXTS {
        assert!(kind.is_known(), "section {section}: {text}");
        assert_eq!(parse_text(text.trim_end().as_bytes()).kind(), *kind, "section {section}: {text}");
        let line = format!("Tue Jan  6 15:03:18 2026 Info: {text}\n");
        let (found, log) = kinds(&line);
        assert_eq!(found, [*kind], "section {section}: {text}");
        assert_eq!((log.files[0].records, log.files[0].known), (1, 1), "section {section}: {text}");
    }
}

#[test]
fn every_line_is_of_its_kind() {
    for (section, line, kind) in LINES {
        assert!(looks_like_mail_log(line.as_bytes()), "section {section}: {line}");
        assert_eq!(kinds(&format!("{line}\n")).0, [*kind], "section {section}: {line}");
    }
}

/// A line that differs only in its case is the same line.
#[test]
fn no_shape_hangs_on_its_case() {
    for (section, text, kind) in TEXTS.iter().filter(|(section, ..)| (2..=8).contains(section)) {
        for changed in [text.to_ascii_lowercase(), text.to_ascii_uppercase()] {
            assert_eq!(
                parse_text(changed.trim_end().as_bytes()).kind(),
                *kind,
                "section {section}: {changed}"
            );
        }
    }
}

#[test]
fn every_section_with_lines_is_there() {
    let sections: std::collections::BTreeSet<u8> =
        TEXTS.iter().chain(LINES).map(|(section, ..)| *section).collect();
    assert_eq!(sections.into_iter().collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}
