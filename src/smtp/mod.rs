//! The SMTP side of a capture: from octets to sessions and how they ended.

pub mod collect;
pub mod command;
mod connect;
pub mod dialog;
pub mod dots;
pub mod ending;
pub mod exchanges;
pub mod head;
mod held;
pub mod known_replies;
pub mod line;
mod proxy;
pub mod recognise;
pub mod reply;
pub mod session;
pub mod tls;

#[cfg(test)]
pub(crate) mod script;

pub use collect::Sessions;
pub use command::Verb;
pub use ending::{Ending, EndingKind};
pub use reply::ReplyCode;
pub use session::{Dialog, Outcome, Session, Stage, Transaction};
