//! ESA-LOGS sections 4 and 6: connections, from their opening to their end.

use super::*;
use crate::maillog::ApplianceEndKind;

fn lost(opening: Opening<'_>) -> Fact<'_> {
    Fact::Lost(Some(Box::new(opening)))
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
