//! The capture is the witness to what the mail log claims.
#![forbid(unsafe_code)]

pub mod capture;
pub mod case;
pub mod cause;
pub mod cite;
pub mod input;
pub mod investigate;
pub mod join;
pub mod maillog;
pub mod net;
pub mod report;
pub mod smtp;
pub mod testimony;
pub mod text;
pub mod time;
pub mod verdict;
