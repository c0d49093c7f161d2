//! Message tracking exports: a row a message, a column a fact.
//!
//! The columns differ from version to version and no document lists them; they are known by the names
//! that the user guides give the facts of a tracking result (AsyncOS 9.0, Message Details). A table
//! counts as tracking only where it has a MID, a time and an envelope address.

use crate::maillog::summary::TRACKING;
use crate::maillog::syslog;

/// A fact that a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Time,
    Mid,
    Icid,
    Dcid,
    Serial,
    Sender,
    Recipients,
    MessageId,
    Subject,
    Remote,
    ReverseDns,
    Status,
}

/// Names of columns, compared without case, spaces, dashes and underscores.
const NAMES: [(&str, Column); 32] = [
    ("time", Column::Time),
    ("timestamp", Column::Time),
    ("date", Column::Time),
    ("datetime", Column::Time),
    ("receivedtime", Column::Time),
    ("received", Column::Time),
    ("mid", Column::Mid),
    ("internalmessageid", Column::Mid),
    ("icid", Column::Icid),
    ("dcid", Column::Dcid),
    ("serialnumber", Column::Serial),
    ("serial", Column::Serial),
    ("sender", Column::Sender),
    ("envelopesender", Column::Sender),
    ("mailfrom", Column::Sender),
    ("recipient", Column::Recipients),
    ("recipients", Column::Recipients),
    ("enveloperecipient", Column::Recipients),
    ("enveloperecipients", Column::Recipients),
    ("messageidheader", Column::MessageId),
    ("messageid", Column::MessageId),
    ("subject", Column::Subject),
    ("senderip", Column::Remote),
    ("senderipaddress", Column::Remote),
    ("ipaddress", Column::Remote),
    ("sendingip", Column::Remote),
    ("reversednshostname", Column::ReverseDns),
    ("sendinghost", Column::ReverseDns),
    ("laststate", Column::Status),
    ("messagestatus", Column::Status),
    ("status", Column::Status),
    ("state", Column::Status),
];

/// Which column holds which fact.
#[derive(Debug)]
pub(super) struct Tracking {
    columns: Vec<Option<Column>>,
}

impl Tracking {
    /// The columns of a table with these names; `None` where it is no tracking.
    pub(super) fn of(names: &[String]) -> Option<Self> {
        let columns: Vec<Option<Column>> = names.iter().map(|name| column(name)).collect();
        let has = |wanted| columns.contains(&Some(wanted));
        let tracks =
            has(Column::Mid) && has(Column::Time) && (has(Column::Sender) || has(Column::Recipients));
        tracks.then_some(Self { columns })
    }

    /// The row as one record: a stamp, and the facts by the keys of a consolidated event.
    pub(super) fn write(&self, row: &[String], out: &mut Vec<u8>) -> bool {
        let value = |wanted: Column| {
            let mut columns = self.columns.iter().zip(row);
            columns.find(|(column, value)| **column == Some(wanted) && !value.trim().is_empty())
        };
        let text = |wanted| value(wanted).map(|(_, value)| value.trim());
        let Some(stamp) = text(Column::Time).and_then(stamp) else { return false };
        let Some(mid) = text(Column::Mid).filter(|mid| mid.bytes().all(|octet| octet.is_ascii_digit()))
        else {
            return false;
        };
        out.extend_from_slice(format!("{stamp} - tracking: Info: ").as_bytes());
        out.extend_from_slice(TRACKING);
        out.extend_from_slice(format!("ESAMID={mid} start={stamp}").as_bytes());
        for (key, column) in [
            ("ESAICID", Column::Icid),
            ("ESADCID", Column::Dcid),
            ("deviceExternalId", Column::Serial),
            ("src", Column::Remote),
            ("shost", Column::ReverseDns),
            ("suser", Column::Sender),
            ("duser", Column::Recipients),
            ("ESAMsgId", Column::MessageId),
            ("msg", Column::Subject),
        ] {
            if let Some(value) = text(column) {
                out.extend_from_slice(format!(" {key}={}", escaped(value)).as_bytes());
            }
        }
        if let Some((action, details)) = text(Column::Status).and_then(action) {
            out.extend_from_slice(
                format!(" act={action} ESAFinalActionDetails={}", escaped(details)).as_bytes(),
            );
        }
        true
    }
}

fn column(name: &str) -> Option<Column> {
    let bare: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    NAMES.iter().find(|(known, _)| bare.eq_ignore_ascii_case(known)).map(|(_, column)| *column)
}

/// What became of the message, where the words say it beyond doubt.
fn action(status: &str) -> Option<(&'static str, &str)> {
    let lower = status.to_ascii_lowercase();
    if let Some(at) = lower.find("aborted") {
        // `Message 7 aborted: Receiving aborted`, or the words alone.
        let after = status.get(at + "aborted".len()..).unwrap_or_default().trim_start_matches([':', ' ']);
        let details = if after.to_ascii_lowercase().contains("aborted") { after } else { status };
        return Some(("ABORTED", details));
    }
    let starts = |word: &str| lower.starts_with(word);
    (starts("delivered")).then_some(("DELIVERED", status))
}

/// `02 Dec 2019 14:11:36 (GMT +01:00)`, or a stamp of another export, as one word that
/// [`syslog::time`] reads.
fn stamp(text: &str) -> Option<String> {
    if syslog::time(text.as_bytes()).is_some() && text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(text.replacen(' ', "T", 1)).filter(|text| syslog::time(text.as_bytes()).is_some());
    }
    let (stamp, zone) = match text.split_once('(') {
        Some((stamp, zone)) => (stamp.trim(), Some(zone.trim_end_matches(')').trim())),
        None => (text, None),
    };
    let naive = chrono::NaiveDateTime::parse_from_str(stamp, "%d %b %Y %H:%M:%S").ok()?;
    let offset = match zone.map(|zone| zone.trim_start_matches("GMT").trim()) {
        None => String::new(),
        Some("") => "Z".to_owned(),
        Some(offset) => offset.to_owned(),
    };
    let stamp = format!("{}{offset}", naive.format("%Y-%m-%dT%H:%M:%S"));
    syslog::time(stamp.as_bytes()).map(|_| stamp)
}

/// A value in the form of CEF: one line, its equals signs escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('=', "\\=").replace(['\n', '\r'], " ")
}
