//! ESA-LOGS section 8: the delivery side, and messages that the appliance makes itself.

use super::*;
use crate::maillog::event::{Derivation, Failure, Undelivered};
use crate::maillog::{NetworkError, UndeliveredKind};

fn out() -> Ids {
    ids(Some((Leg::Delivery, 8)), None)
}

fn both() -> Ids {
    ids(Some((Leg::Delivery, 8)), Some(7))
}

fn failed(network: NetworkError, details: &'static str, reason: Option<&'static str>) -> Fact<'static> {
    Fact::ConnectionError(Box::new(Failure {
        remote: "203.0.113.9".parse().ok(),
        local: "192.0.2.25".parse().ok(),
        network,
        details: details.as_bytes(),
        reason: reason.map(str::as_bytes),
    }))
}

fn undelivered(
    kind: UndeliveredKind,
    status: Option<&'static str>,
    code: Option<u16>,
    network: Option<NetworkError>,
    words: &'static str,
) -> Fact<'static> {
    let status = status.map(str::as_bytes);
    Fact::Undelivered(Box::new(Undelivered { kind, status, code, network, words: words.as_bytes() }))
}

#[test]
fn deliveries() {
    let mid = ids(None, Some(7));
    let known = || Fact::Known(Known::Delivery);
    let said = |text: &'static str| Fact::Response(text.as_bytes().into());
    let opening = |interface: Option<&'static str>, local: Option<&str>| {
        opened(Opening {
            interface: interface.map(str::as_bytes),
            local: local.and_then(|local| local.parse().ok()),
            remote: "203.0.113.9".parse().ok(),
            reverse_dns: None,
        })
    };
    check(&[
        (
            "New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9 port 25",
            out(),
            opening(None, Some("192.0.2.25")),
        ),
        (
            "New SMTP DCID 8 interface 192.0.2.25 address 203.0.113.9",
            out(),
            opening(None, Some("192.0.2.25")),
        ),
        ("New SMTP DCID 8 interface Data 1 address 203.0.113.9", out(), opening(Some("Data 1"), None)),
        ("Delivery start DCID 8 MID 7 to RID [0, 1]", both(), Fact::DeliveryStarted),
        ("Delivery start DCID 8 MID 7 to [0]", both(), Fact::DeliveryStarted),
        (
            "Delivery start DCID 8 MID 7 to RID [0] to offbox IronPort Spam Quarantine",
            both(),
            Fact::DeliveryStarted,
        ),
        ("Message done DCID 8 MID 7 to RID [0]", both(), Fact::Delivered),
        ("Message done DCID 8 MID 7 to RID [0] [('x', 'y')]", both(), Fact::Delivered),
        ("Message done DCID 8 MID 7 to RID [0] (external quarantine) ", both(), Fact::Delivered),
        ("MID 7 RID [0] Response '2.0.0 Ok: queued as X'", mid, said("2.0.0 Ok: queued as X")),
        ("MID 7 RID [0, 1] Response \"it's queued\"", mid, said("it's queued")),
        ("MID 7 RID [0] Response 2.0.0 Ok: queued as X", mid, said("2.0.0 Ok: queued as X")),
        ("MID 7 queued for delivery", mid, known()),
        ("DCID 8 close", out(), Fact::Closed),
        ("DCID 8 lost", out(), Fact::Lost(None)),
        ("Message 7 to RID [0] pending till Wed Nov 19 09:16:46 2014", mid, known()),
        ("Deleted: MID 7 to [0]", mid, known()),
        ("Double bounce: MID 7 to RID 0", mid, known()),
        ("Deliveries are currently suspended", Ids::default(), known()),
    ]);
}

#[test]
fn tls_on_the_way_out() {
    let said = Fact::Tls;
    check(&[
        ("DCID 8 TLS success protocol TLSv1.2 cipher X-Y-Z", out(), said(Tls::Success)),
        ("DCID 8 TLS success protocol TLSv1.2 cipher X-Y-Z for example.org", out(), said(Tls::Success)),
        ("DCID 8 TLS success CN: <mx.example.org>", out(), said(Tls::Success)),
        ("DCID 8 TLS success CN=mx.example.org", out(), said(Tls::Success)),
        ("DCID 8 TLS failed: STARTTLS unexpected response", out(), said(Tls::Failed)),
        (
            "DCID 8 IP 203.0.113.9 TLS was required but could not be successfully negotiated",
            out(),
            said(Tls::Failed),
        ),
    ]);
}

#[test]
fn connection_errors_of_old_and_new_shape() {
    use NetworkError::{EndOfFile, Errno, Other, Timeout};
    check(&[
        (
            "Connection Error: DCID: 8 IP: 203.0.113.9 details: EOF interface: 192.0.2.25 reason: network error",
            out(),
            failed(EndOfFile, "EOF", Some("network error")),
        ),
        (
            "Connection Error: connection timed out DCID: 8 IP: 203.0.113.9 details: timeout interface: 192.0.2.25",
            out(),
            failed(Timeout, "timeout", None),
        ),
        (
            "Connection Error: DCID 8 domain: example.org IP: 203.0.113.9 port: 25 details: [Errno 54] Connection reset by peer interface: 192.0.2.25 reason: network error",
            out(),
            failed(Errno(54), "[Errno 54] Connection reset by peer", Some("network error")),
        ),
        (
            "Connection Error: DCID 8 domain: example.org IP: 203.0.113.9 port: 25 details: timeout interface: 192.0.2.25 reason: connection timed out",
            out(),
            failed(Timeout, "timeout", Some("connection timed out")),
        ),
        (
            "Connection Error: DCID 8 domain: example.org IP: 203.0.113.9 port: 25 details: 421-'4.7.0 no' interface: 192.0.2.25 reason: unexpected SMTP response",
            out(),
            failed(Other, "421-'4.7.0 no'", Some("unexpected SMTP response")),
        ),
    ]);
}

#[test]
fn what_was_not_delivered() {
    use UndeliveredKind::{Bounced, Delayed, Possible};
    let zero = ids(Some((Leg::Delivery, 0)), Some(7));
    check(&[
        (
            "Bounced: DCID 8 MID 7 to RID 0 - 5.1.0 - Unknown address error ('550', ['5.1.1 <x@example.org> no']) []",
            both(),
            undelivered(
                Bounced,
                Some("5.1.0"),
                Some(550),
                None,
                "5.1.0 - Unknown address error ('550', ['5.1.1 <x@example.org> no']) []",
            ),
        ),
        (
            "Bounced: DCID: 8 Message 7 to 0 - 5.1.0 - no ('550', ['no']) []",
            both(),
            undelivered(Bounced, Some("5.1.0"), Some(550), None, "5.1.0 - no ('550', ['no']) []"),
        ),
        (
            "Bounced: DCID 0 MID 7 to RID 0 - 5.4.7 - Delivery expired (message too old) ('000', ['timeout'])",
            zero,
            undelivered(
                Bounced,
                Some("5.4.7"),
                None,
                Some(NetworkError::Timeout),
                "5.4.7 - Delivery expired (message too old) ('000', ['timeout'])",
            ),
        ),
        (
            "Delayed: DCID 8 MID 7 to RID 0 - 4.1.0 - x ('000', ['[Errno 54] Connection reset by peer']) []",
            both(),
            undelivered(
                Delayed,
                Some("4.1.0"),
                None,
                Some(NetworkError::Errno(54)),
                "4.1.0 - x ('000', ['[Errno 54] Connection reset by peer']) []",
            ),
        ),
        (
            "Possible Delivery: DCID: 8 MID 7 to [0]",
            both(),
            undelivered(Possible, None, None, None, "to [0]"),
        ),
    ]);
}

#[test]
fn ids_that_change() {
    let mid = ids(None, Some(7));
    let made = |mid, from, by| Fact::Derived { mid, from: Some(from), by };
    check(&[
        ("MID 7 rewritten to 9 by antispam", mid, made(9, 7, Derivation::Rewritten)),
        ("MID 7 rewritten to MID 9 by add-footer filter 'F'", mid, made(9, 7, Derivation::Rewritten)),
        ("MID 7 was generated based on MID 6 by bcc filter 'F'", mid, made(7, 6, Derivation::Generated)),
        ("MID 7 generated based on MID 6 by bcc filter 'F'", mid, made(7, 6, Derivation::Generated)),
        ("MID 7 generated for bounce of MID 6", mid, made(7, 6, Derivation::Bounce)),
        ("MID 7 was generated for bounce of MID 6", mid, made(7, 6, Derivation::Bounce)),
        ("MID 7 was split creating MID 9 due to a per-recipient policy", mid, made(9, 7, Derivation::Split)),
    ]);
}

#[test]
fn quarantines() {
    let mid = ids(None, Some(7));
    for text in [
        "EUQ: Tagging MID 7 for quarantine",
        "ISQ: Tagging MID 7 for quarantine",
        "RPC Delivery start RCID 5 MID 7 to local IronPort Spam Quarantine",
        "RPC Message done RCID 5 MID 7",
    ] {
        check(&[(text, mid, Fact::Known(Known::Quarantine))]);
    }
    check(&[("ISQ: Quarantine is full", Ids::default(), Fact::Known(Known::Quarantine))]);
}
