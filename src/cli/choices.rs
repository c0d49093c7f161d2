//! Arguments with a closed list of values.

use clap::ValueEnum;

/// Formats of a report and of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one document for a report, one line a record for lists.
    Json,
}

/// Formats of the list of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SessionsFormat {
    /// For people.
    Text,
    /// For programs: one line a connection.
    Json,
    /// For spreadsheets: one row a connection; `mailwitness man sessions` lists the columns.
    Csv,
    /// For what reads Zeek's logs: conn.log and smtp.log joined, one row a transaction.
    Zeek,
}

/// Readers of captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReaderName {
    /// Our own: every container, also while it is being written.
    Native,
    /// libpcap, the reference.
    Libpcap,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourWhen {
    /// On a terminal that takes it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whose JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaName {
    /// The document of a report.
    Report,
    /// One line of `sessions`.
    Sessions,
    /// One line of `messages`.
    Messages,
    /// The document of `messages --stats`.
    Stats,
    /// One line of `messages --follow`.
    Follow,
}

/// Commands with a manual page of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageName {
    /// mailwitness-report(1).
    Report,
    /// mailwitness-sessions(1).
    Sessions,
    /// mailwitness-messages(1).
    Messages,
    /// mailwitness-schema(1).
    Schema,
    /// mailwitness-completions(1).
    Completions,
    /// mailwitness-man(1).
    Man,
}
