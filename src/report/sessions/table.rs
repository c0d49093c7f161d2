//! Connections as a list in fixed columns, for people: one row each, in the order in which they end,
//! below it what is known of waits, round trips and losses, and with `--exchanges` every word.

use anstyle::{AnsiColor, Effects, Style};

use super::detail::{self, stage};
use super::{SessionRecord, ladder};
use crate::report::columns::{self, Breadth, Column, Overflow};
use crate::report::words;
use crate::report::wrap::width;
use crate::smtp::ending::{EndingKind, Form};

const TIME: Column = Column { title: "TIME", width: 8, overflow: Overflow::NextLine };
/// Wide enough for any IPv4 endpoint; an IPv6 one takes a line of its own.
const CLIENT: Column = Column { title: "CLIENT", width: 21, overflow: Overflow::NextLine };
/// Wide enough for any IPv4 address with a port of mail.
const SERVER: Column = Column { title: "SERVER", width: 19, overflow: Overflow::NextLine };
const ENDING: Column = Column { title: "ENDING", width: 13, overflow: Overflow::Cut };
const STAGE: Column = Column { title: "STAGE", width: 8, overflow: Overflow::Cut };
const FRAME: Column = Column { title: "FRAME", width: 6, overflow: Overflow::NextLine };

/// The last commands tell more than the first: [`commands`] leaves those out that do not fit.
const COMMANDS: Column = Column { title: "COMMANDS", width: 16, overflow: Overflow::Cut };

/// 80 columns.
const NARROW: [Column; 6] = [TIME, CLIENT, SERVER, ENDING, STAGE, FRAME];

/// 120 columns.
const WIDE: [Column; 8] = [
    TIME,
    CLIENT,
    SERVER,
    ENDING,
    STAGE,
    FRAME,
    Column { title: "FROM", width: 22, overflow: Overflow::Cut },
    COMMANDS,
];

/// The place of the ending among the columns.
const ENDING_PLACE: usize = 3;

/// What stands below a row begins where the client stands in it.
const INDENT: usize = TIME.width + 1;

const HEADING: Style = Style::new().effects(Effects::BOLD);
const PLACE: Style = AnsiColor::Cyan.on_default();
const ASIDE: Style = Style::new().effects(Effects::DIMMED);
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default();

/// A list of connections under way: it remembers which capture and day it has named.
#[derive(Debug)]
pub struct SessionTable {
    breadth: Breadth,
    colour: bool,
    headed: bool,
    capture: String,
    day: String,
}

impl SessionTable {
    /// A list of the given breadth, nothing shown yet. With `colour` ANSI colours are used; nothing
    /// is said by them alone.
    pub const fn new(breadth: Breadth, colour: bool) -> Self {
        Self { breadth, colour, headed: false, capture: String::new(), day: String::new() }
    }

    /// The next lines: the connection's row and what stands below it, and before it the heading, the
    /// capture and the day where they have not been told yet. Times are UTC.
    pub fn row(&mut self, session: &SessionRecord<'_>) -> String {
        let mut out = String::new();
        if !self.headed {
            self.headed = true;
            self.line(&columns::heading(self.columns()), HEADING, &mut out);
        }
        let first = session.first.to_string();
        let (day, clock) = first.split_once('T').unwrap_or((&first, ""));
        if self.capture != session.capture || self.day != day {
            session.capture.clone_into(&mut self.capture);
            day.clone_into(&mut self.day);
            self.line(&format!("# {day} UTC, {}", words::safe(session.capture)), PLACE, &mut out);
        }
        let cells = [
            clock.get(..TIME.width).unwrap_or(clock).to_owned(),
            session.client.to_string(),
            session.server.to_string(),
            ending(session),
            stage(session.ending.stage).to_owned(),
            session.ending.frame.map(|frame| frame.to_string()).unwrap_or_default(),
            session.mail_from.first().map(|from| from.to_string()).unwrap_or_default(),
            commands(session),
        ];
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let paint = tone(session.ending.kind).filter(|_| self.colour).map(|tone| (ENDING_PLACE, tone));
        out.push_str(&columns::painted_row(self.columns(), &cells, paint.as_slice()));
        out.push('\n');
        for line in detail::lines(session, INDENT, self.breadth.columns()) {
            self.line(&line, ASIDE, &mut out);
        }
        for rung in ladder::rungs(session, INDENT) {
            self.line(&rung.line, if rung.notable { DOUBTFUL } else { Style::new() }, &mut out);
        }
        out
    }

    fn line(&self, text: &str, style: Style, out: &mut String) {
        if self.colour {
            out.push_str(&format!("{style}{text}{style:#}\n"));
        } else {
            out.push_str(text);
            out.push('\n');
        }
    }

    const fn columns(&self) -> &'static [Column] {
        match self.breadth {
            Breadth::Narrow => &NARROW,
            Breadth::Wide => &WIDE,
        }
    }
}

/// How an ending is to be taken; nothing of the kind where none was seen.
const fn tone(kind: EndingKind) -> Option<Style> {
    match kind {
        EndingKind::Completed | EndingKind::Quit => Some(GOOD),
        EndingKind::Refused | EndingKind::Abandoned => Some(DOUBTFUL),
        EndingKind::Fin
        | EndingKind::Rst
        | EndingKind::Silence
        | EndingKind::ApplianceStalled
        | EndingKind::ApplianceClosed => Some(BAD),
        EndingKind::CaptureEnded => None,
    }
}

/// Who ended it and how, in 13 columns; a question mark where it is inferred.
fn ending(session: &SessionRecord<'_>) -> String {
    let ending = &session.ending;
    let mut phrase = match (ending.kind, ending.form, ending.code) {
        (EndingKind::Completed, ..) => "delivered".to_owned(),
        (EndingKind::Refused, _, Some(code)) => format!("refused {}", code.0),
        (EndingKind::Refused, ..) => "refused".to_owned(),
        (EndingKind::Abandoned, ..) => "given up".to_owned(),
        (EndingKind::Quit, ..) => "client QUIT".to_owned(),
        (EndingKind::Fin, Some(Form::TlsAlert), _) => "client alert".to_owned(),
        (EndingKind::Fin, ..) => "client FIN".to_owned(),
        (EndingKind::Rst, ..) => "client RST".to_owned(),
        (EndingKind::Silence, ..) => "client silent".to_owned(),
        (EndingKind::ApplianceStalled, ..) => "server silent".to_owned(),
        (EndingKind::ApplianceClosed, Some(Form::Reply), Some(code)) => format!("server {}", code.0),
        (EndingKind::ApplianceClosed, Some(Form::Fin), _) => "server FIN".to_owned(),
        (EndingKind::ApplianceClosed, Some(Form::Rst), _) => "server RST".to_owned(),
        (EndingKind::ApplianceClosed, Some(Form::TlsAlert), _) => "server alert".to_owned(),
        (EndingKind::ApplianceClosed, ..) => "server closed".to_owned(),
        (EndingKind::CaptureEnded, ..) => "no end seen".to_owned(),
    };
    if ending.inferred && phrase.len() < ENDING.width {
        phrase.push('?');
    }
    phrase
}

/// The last commands that fit their column, repeats counted: `MAIL RCPT*3`, `.. DATA . QUIT`.
fn commands(session: &SessionRecord<'_>) -> String {
    const LEFT_OUT: &str = "..";
    let mut out = String::new();
    for run in session.commands.chunk_by(|a, b| a == b).rev() {
        let Some(verb) = run.first() else { continue };
        let shown = if run.len() > 1 { format!("{verb}*{}", run.len()) } else { verb.clone().into_owned() };
        let longer = if out.is_empty() { shown } else { format!("{shown} {out}") };
        let is_first = run.as_ptr() == session.commands.as_ptr();
        let mark = if is_first { 0 } else { LEFT_OUT.len() + 1 };
        if width(&longer) + mark > COMMANDS.width && !out.is_empty() {
            return format!("{LEFT_OUT} {out}");
        }
        out = longer;
    }
    out
}
