//! What the log tells: connections with their messages, every fact with its file and line.

use std::net::IpAddr;

use crate::cite::{LogId, LogRef, Notes};
use crate::maillog::Delivery;
use crate::maillog::conversation::Conversation;
use crate::net::Leg;
use crate::text::Text;
use crate::time::{LogTime, UtcOffset};

/// Everything that a set of logs tells.
#[derive(Debug, Clone, Default)]
pub struct MailLog {
    /// The clocks that stamped it; [`Stamp::clock`] points in here.
    pub clocks: Vec<ClockSource>,
    /// The appliances by serial number, as their heads print it; [`Connection::serial`] points in here.
    pub serials: Vec<Text>,
    /// The hosts that syslog headers name; [`ClockSource::host`] points in here.
    pub hosts: Vec<Text>,
    /// Connections in the order of their first line.
    pub connections: Vec<Connection>,
    /// Messages whose connection the log does not name (it starts late, or a `grep` for the MID).
    pub orphans: Vec<Message>,
    /// What debug logs say of connections, octet by octet, in the order of their first lines; only
    /// where everything is kept.
    pub conversations: Vec<Conversation>,
    /// Per file: what was read and what was passed over.
    pub files: Vec<LogFile>,
    /// What is left out of the join by rule, counted.
    pub left_out: LeftOut,
    /// Where an appliance says that it set its clock, bounded by [`Self::MAX_CLOCK_SETS`].
    pub clock_sets: Vec<ClockSet>,
}

impl MailLog {
    /// Settings of clocks kept.
    pub const MAX_CLOCK_SETS: usize = 256;
}

/// One log file as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFile {
    /// Which.
    pub file: LogId,
    /// Octets after decompression.
    pub bytes: u64,
    /// Records (physical lines joined).
    pub records: u64,
    /// Records of a kind that is known.
    pub known: u64,
    /// Records that a file read before it holds too: they tell nothing anew.
    pub repeated: u64,
    /// Of these, lines of debug logs: what was said on a connection.
    pub said: u64,
    /// Of these, lines of the heads of files.
    pub of_heads: u64,
    /// The first and last stamp, in the order of time.
    pub first: Option<LogTime>,
    /// See [`Self::first`].
    pub last: Option<LogTime>,
    /// What was passed over.
    pub notes: Notes,
}

/// A stretch of log with one clock: a file, from its head on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSource {
    /// The file.
    pub file: LogId,
    /// From this line on.
    pub from_line: u32,
    /// The appliance, as an index into [`MailLog::serials`].
    pub serial: Option<SerialIndex>,
    /// `Time offset from UTC` of the head, where there was one.
    pub head_offset: Option<UtcOffset>,
    /// The host that the headers of a relay name, as an index into [`MailLog::hosts`].
    pub host: Option<HostIndex>,
    /// The offset from UTC that the stamps themselves bear (RFC 5424, exports).
    pub stamp_offset: Option<UtcOffset>,
    /// Whose stamps they are.
    pub stamped_by: StampedBy,
    /// First and last stamp in it.
    pub first: LogTime,
    /// See [`Self::first`].
    pub last: LogTime,
    /// Where the stamps step far, in the order of lines: daylight saving begins or ends, the clock
    /// was set, or (forward) nothing happened for long. Bounded by [`Self::MAX_STEPS`] each way.
    pub steps: Vec<Step>,
    /// Among stamps without a year, the first of 29 February: its year is a leap year.
    pub leap_day: Option<LogTime>,
}

impl LogFile {
    /// What kind of log it is, by its records.
    pub const fn kind(&self) -> LogKind {
        match (self.said, self.known - self.said - self.of_heads) {
            (0, 0) if self.records > self.known => LogKind::Unknown,
            (0, _) => LogKind::Mail,
            (_, 0) => LogKind::Debug,
            _ => LogKind::MailAndDebug,
        }
    }
}

/// The kinds of log that are told apart by their records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// A mail log, or nothing but the head of some log.
    Mail,
    /// An injection or domain debug log.
    Debug,
    /// Both in one file, as a relay may write them.
    MailAndDebug,
    /// No record of it is of a kind that is known.
    Unknown,
}

impl LogKind {
    /// `mail_logs, text`
    pub const fn description(self) -> &'static str {
        match self {
            Self::Mail => "mail_logs, text",
            Self::Debug => "injection or domain debug log, text",
            Self::MailAndDebug => "mail_logs with injection or domain debug log, text",
            Self::Unknown => "a log of an unknown kind, text",
        }
    }
}

impl ClockSource {
    /// Steps kept.
    pub const MAX_STEPS: usize = 32;
    /// The least step back that counts, in seconds: a log whose lines are a little out of order
    /// steps back by less.
    pub const LEAST_STEP_BACK: i64 = 10;
    /// The least step forward that counts: the least change of daylight saving, half an hour.
    pub const LEAST_STEP_FORWARD: i64 = 1800;
}

/// A place at which the stamps of one clock step back, or far forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The first line after it.
    pub line: u32,
    /// The latest stamp before it.
    pub from: LogTime,
    /// The stamp of that line.
    pub to: LogTime,
}

impl Step {
    /// How far the stamps step, in seconds; negative where they step back.
    pub const fn seconds(&self) -> i64 {
        self.to.wall_seconds() - self.from.wall_seconds()
    }
}

/// The appliance's own word that it set its clock (`sntpd_logs`, ESA-LOGS section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSet {
    /// Which appliance.
    pub serial: Option<SerialIndex>,
    /// Where it says so.
    pub at: Stamp,
    /// The time before.
    pub from: LogTime,
    /// The time it was set to.
    pub to: LogTime,
}

/// An index into [`MailLog::serials`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialIndex(pub u16);

/// An index into [`MailLog::hosts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostIndex(pub u16);

/// Whose clock a stamp is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum StampedBy {
    /// The appliance's own stamp.
    #[default]
    Appliance,
    /// The header's of a syslog packet or an export: the appliance's or a relay's, nothing tells which.
    Relay,
}

/// An index into [`MailLog::clocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockIndex(pub u16);

/// When and where the log says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The wall clock.
    pub time: LogTime,
    /// Which clock.
    pub clock: ClockIndex,
    /// Where it stands.
    pub line: LogRef,
}

/// One ICID or DCID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The appliance; with the id it is the key.
    pub serial: Option<SerialIndex>,
    /// Injection (ICID) or delivery (DCID).
    pub leg: Leg,
    /// The ICID or DCID.
    pub id: u64,
    /// `New SMTP ICID`, where the log does not begin later.
    pub opened: Option<Stamp>,
    /// The first line that names it.
    pub first: Stamp,
    /// The last line that names it.
    pub last: Stamp,
    /// The appliance's interface by name.
    pub interface: Option<Text>,
    /// The appliance's address.
    pub local: Option<IpAddr>,
    /// The remote address.
    pub remote: Option<IpAddr>,
    /// Its reverse name (`unknown` is kept as written).
    pub reverse_dns: Option<Text>,
    /// ACCEPT, RELAY, REJECT, TCPREFUSE.
    pub policy: Option<Policy>,
    /// How TLS went, where the log says.
    pub tls: Option<(Tls, Stamp)>,
    /// Recipients refused before or outside of any message.
    pub rejected_recipients: u32,
    /// `ICID n lost`.
    pub lost: Option<Stamp>,
    /// `ICID n close`.
    pub closed: Option<Stamp>,
    /// The appliance ended it for a reason of its own.
    pub ended_by_appliance: Option<ApplianceEnd>,
    /// The last line that names this ICID and no MID: what a `grep` for a MID would have dropped.
    pub last_without_mid: Option<Stamp>,
    /// Its messages in the order of their MIDs' first lines; those of a DCID only where
    /// [`super::outgoing::attach`] put them there.
    pub messages: Vec<Message>,
    /// Of a DCID: what it was to deliver and how that went; `None` where no line says.
    pub delivery: Option<Box<Delivery>>,
    /// The lines that name it and no message, bounded by [`Self::MAX_LINES`].
    pub lines: Vec<LogRef>,
}

impl Connection {
    /// Lines kept.
    pub const MAX_LINES: usize = 16;
    /// Octets kept of any one text.
    pub const MAX_TEXT: usize = 998;

    /// The stamp of its end: `lost`, else `close`.
    pub fn end(&self) -> Option<&Stamp> {
        self.lost.as_ref().or(self.closed.as_ref())
    }
}

/// The host access table's word on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The verb.
    pub action: PolicyAction,
    /// The sender group.
    pub group: Text,
    /// Where the log says it.
    pub at: Stamp,
}

/// Verbs of the host access table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyAction {
    /// Mail is taken for local recipients.
    Accept,
    /// Mail is relayed.
    Relay,
    /// The connection is answered with a refusal.
    Reject,
    /// The TCP connection is refused.
    TcpRefuse,
}

/// TLS as the log tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tls {
    /// Negotiated.
    Success,
    /// Tried and failed.
    Failed,
    /// Required, and the remote host did not start it.
    RequiredNotInitiated,
}

/// The appliance ended a connection for a reason of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplianceEnd {
    /// Which.
    pub kind: ApplianceEndKind,
    /// The log's words.
    pub words: Text,
    /// Where it says so.
    pub at: Stamp,
}

/// Reasons of the appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApplianceEndKind {
    /// `no messages injected within timeout period`.
    NoMessagesInjected,
    /// `exceeded allowable connection time`.
    ConnectionTimeExceeded,
    /// `Receiving Failed: <limit, size, loop, resources>` or the older `Injection Failed`.
    ReceivingFailed,
    /// `SMTP server connection killed`.
    Killed,
}

/// One MID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The MID.
    pub mid: u64,
    /// The appliance.
    pub serial: Option<SerialIndex>,
    /// The ICID it came over; `None` where no line says.
    pub icid: Option<u64>,
    /// `Start MID`; going out, `Delivery start`.
    pub started: Option<Stamp>,
    /// The envelope sender without brackets.
    pub mail_from: Option<(Text, Stamp)>,
    /// Accepted recipients in the order of their RIDs, bounded by [`Self::MAX_RECIPIENTS`].
    pub rcpt_to: Vec<(Text, Stamp)>,
    /// Refused recipients.
    pub rejected: Vec<(Text, Stamp)>,
    /// Message-ID as written.
    pub message_id: Option<Text>,
    /// Subject as written.
    pub subject: Option<Text>,
    /// `ready N bytes`: accepted, whatever the connection does afterwards.
    pub ready: Option<(u64, Stamp)>,
    /// `Message aborted`.
    pub aborted: Option<(AbortReason, Stamp)>,
    /// `Message finished`.
    pub finished: Option<(Finish, Stamp)>,
    /// Going out: the remote server's words to it.
    pub response: Option<Box<Text>>,
    /// The first line that names it.
    pub first: Stamp,
    /// The last line that names it.
    pub last: Stamp,
    /// Its lines, bounded by [`Self::MAX_LINES`].
    pub lines: Vec<LogRef>,
}

impl Message {
    /// Recipients kept.
    pub const MAX_RECIPIENTS: usize = 1024;
    /// Lines kept.
    pub const MAX_LINES: usize = 32;
}

/// Why a message was aborted, in the log's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AbortReason {
    /// `Receiving aborted` (early versions: `Injection aborted`).
    ReceivingAborted,
    /// `Receiving aborted by sender`.
    ReceivingAbortedBySender,
    /// `Dropped by ...`, `Bounced by ...`: policy, no ending of a connection.
    Policy(Text),
    /// Words that are not known.
    Other(Text),
}

/// `Message finished MID n done|aborted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finish {
    /// Done.
    Done,
    /// Aborted.
    Aborted,
}

/// What the rules leave out of the join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Messages of `ICID 0`: bounces, splits, copies, quarantine digests.
    pub icid_zero: u64,
    /// Aborts by policy (`Dropped by`, `Bounced by`): no endings of connections.
    pub policy_aborts: u64,
    /// Connections refused without an ICID.
    pub refused_without_icid: u64,
    /// Deliveries of `DCID 0` that bounced or were delayed: they never had a connection.
    pub dcid_zero: u64,
}
